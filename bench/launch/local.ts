import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Effort, Missing, type Question, type Subject } from '../harness/question.js';
import { onShutdown } from '../harness/shutdown.js';

const run = promisify(execFile);

/** A quick run starts so many processes at most. */
const QUICK_NODES = 2;

/**
 * From the command until every process of the application says that it is there, and from its signal until the last one has ended. A process of
 * `millrace up` is a runtime that has joined the others; one of pm2 is a program that says `ready` at once. Both start what manages them, too.
 */
export const launch: Question = {
  slug: 'launch',
  metric: 'time up',
  unit: 'ms',
  isMoreBetter: false,
  sizes: ['1 process', '3 processes', '10 processes'],
  isWide: true,
  runs: 3,
  also: [{ metric: 'time down', unit: 'ms', isMoreBetter: false }],
  peer: 'pm2 start',
  subjects: {
    'millrace up': measured((folder) => {
      writeFileSync(join(folder, 'head.mjs'), "console.log('here'); setInterval(() => {}, 1e6);\n");
      const command = fileURLToPath(new URL('../../../dist/cli/millrace.js', import.meta.url));
      return (nodes) => upAndDown(command, folder, nodes);
    }),
    'pm2 start': measured((folder) => {
      const command = pm2Command();
      writeFileSync(join(folder, 'app.cjs'), "process.send('ready'); setInterval(() => {}, 1e6);\n");
      const env = { ...process.env, PM2_HOME: folder };
      let isUp = false;
      const kill = async (): Promise<void> => {
        await run(process.execPath, [command, 'kill'], { env });
        isUp = false;
      };
      // Where no daemon runs, `pm2 kill` starts one: it would stay, without its folder.
      onShutdown(async () => {
        if (isUp) await kill();
      });
      return async (instances) => {
        const app = { name: 'app', script: join(folder, 'app.cjs'), exec_mode: 'fork', wait_ready: true, instances };
        writeFileSync(join(folder, 'apps.json'), JSON.stringify({ apps: [app] }));
        isUp = true;
        const upMs = await timed(() => run(process.execPath, [command, 'start', join(folder, 'apps.json')], { env }));
        return [upMs, await timed(kill)];
      };
    }),
  },
};

type UpAndDown = (nodes: number) => Promise<readonly number[]>;

function measured(prepare: (folder: string) => UpAndDown): Subject {
  return async ({ actors }: Effort, size) => {
    const upAndDownOf = prepare(mkdtempSync(join(tmpdir(), 'l-')));
    const isQuick = actors < 10_000;
    const nodes = Number.parseInt(size, 10);
    return () => upAndDownOf(isQuick ? Math.min(nodes, QUICK_NODES) : nodes);
  };
}

async function upAndDown(command: string, folder: string, nodes: number): Promise<readonly number[]> {
  let child: ChildProcess | undefined;
  onShutdown(async () => child?.kill('SIGKILL'));
  const words = [command, 'up', join(folder, 'head.mjs'), '--nodes', String(nodes), '--quiet', '--no-prefix'];
  let ended = Promise.resolve();
  const upMs = await timed(
    () =>
      new Promise<void>((resolve, reject) => {
        child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
        child.stdout?.once('data', () => resolve());
        ended = new Promise((end) => child?.once('exit', () => end()));
        child.once('exit', (code) => reject(new Error(`millrace up has ended with exit code ${code}`)));
      }),
  );
  const downMs = await timed(() => {
    child?.kill('SIGTERM');
    return ended;
  });
  return [upMs, downMs];
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAtMs = performance.now();
  await work();
  return performance.now() - startedAtMs;
}

function pm2Command(): string {
  try {
    return createRequire(import.meta.url).resolve('pm2/bin/pm2');
  } catch {
    throw new Missing('pm2 is not installed: npm install pm2');
  }
}
