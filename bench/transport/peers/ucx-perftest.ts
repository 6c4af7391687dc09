import { execFile, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { onShutdown } from '../../harness/shutdown.js';
import { Missing, type Subject } from '../../harness/question.js';
import { bytesOf } from '../sizes.js';

const PROGRAM = 'ucx_perftest';
const FEWEST = 20;
const FIRST_WAIT_MS = 30;
const LAST_WAIT_MS = 500;
/** Both ends spin, so it is slow on a loaded machine. */
const RUN_MS = 20_000;
const run = promisify(execFile);

/** The result of one run of UCX's own benchmark. */
export interface PerftestResult {
  /** Median of half a round trip, in us. */
  readonly medianUs: number;
  readonly perSecond: number;
}

/**
 * UCX alone, in C, with one message per send. `test`: `ucp_am_bw` or `ucp_am_lat`. `tls`: the value of UCX_TLS. `value`: selects the
 * metric of the result.
 */
export function ucxPerftest(test: string, tls: 'posix' | 'tcp', value: (result: PerftestResult) => number): Subject {
  return async ({ runMs, warmUpMs }, size) => {
    const iterate = (count: number): Promise<PerftestResult> =>
      perftest(tls, ['-t', test, '-s', String(bytesOf(size)), '-n', String(count), '-w', String(count >> 1)]);
    const { perSecond } = warmUpMs > 0 ? await iterate(200) : { perSecond: 0 };
    const count = Math.max(FEWEST, Math.round((perSecond * runMs) / 1_000));
    return async () => value(await iterate(count));
  };
}

/** The server does not report when it listens, and another program may take its port. Then both start again. */
async function perftest(tls: string, args: readonly string[]): Promise<PerftestResult> {
  const env = { ...process.env, UCX_TLS: `${tls},self`, UCX_NET_DEVICES: 'lo', UCX_LOG_LEVEL: 'fatal' };
  for (let waitMs = FIRST_WAIT_MS; ; waitMs *= 2) {
    try {
      return await attempt(env, waitMs, args);
    } catch (error) {
      if (isMissing(error)) throw new Missing(`${PROGRAM} is not installed. Debian: apt-get install ucx-utils`);
      if (waitMs > LAST_WAIT_MS) throw error;
    }
  }
}

async function attempt(env: NodeJS.ProcessEnv, waitMs: number, args: readonly string[]): Promise<PerftestResult> {
  const port = String(await freePort());
  const server = spawn(PROGRAM, ['-p', port], { env, stdio: 'ignore' });
  const ended = once(server, 'exit');
  onShutdown(() => Promise.resolve(server.kill('SIGKILL')));
  await Promise.race([once(server, 'spawn'), ended]);
  try {
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    const common = ['127.0.0.1', '-p', port, '-f', '-v'];
    const { stdout } = await run(PROGRAM, [...common, ...args], { env, encoding: 'utf8', timeout: RUN_MS });
    return parse(stdout);
  } finally {
    server.kill('SIGKILL');
    await ended;
  }
}

/** Parses two lines: the names of columns, and their values. */
function parse(text: string): PerftestResult {
  const [names, values] = text
    .trim()
    .split('\n')
    .map((line) => line.split(','));
  const column = (name: string): number => {
    const value = Number(values?.[names?.indexOf(name) ?? -1]);
    if (!Number.isFinite(value)) throw new Error(`${PROGRAM} did not print ${name}: ${text}`);
    return value;
  };
  return { medianUs: column('50.0_percentile_lat'), perSecond: column('overall_mr') };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bound = server.address();
  server.close();
  await once(server, 'close');
  return typeof bound === 'object' && bound !== null ? bound.port : Number.NaN;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
