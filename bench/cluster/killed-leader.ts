import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Measure, Missing, type Question } from '../harness/question.js';
import { onShutdown } from '../harness/shutdown.js';

const PROGRAM = fileURLToPath(new URL('candidate.js', import.meta.url));
const CANDIDATES = 3;
const NATS_MS = 10_000;

/** Three processes with the default options, of which the one that serves the control plane is killed. */
export const killedLeader: Question = {
  slug: 'killed-leader',
  metric:
    'time from kill -9 of the process that serves the control plane until each of two others has looked a name up',
  unit: 'ms',
  isMoreBetter: false,
  sizes: ['store in a file', 'store in NATS'],
  isWide: true,
  runs: 5,
  peer: 'millrace',
  subjects: {
    millrace: async (_effort, size): Promise<Measure> => {
      const store = size === 'store in NATS' ? await startNats() : `embedded:${join(newFolder(), 'store')}`;
      const names = Array.from({ length: CANDIDATES }, (_none, index) => `node-${index}`);
      const processes: ChildProcess[] = [];
      onShutdown(async () => processes.forEach((process) => process.kill('SIGKILL')));
      for (const name of names) processes.push(await started(store, name));
      let kills = 0;
      return async () => {
        // Somewhere between two renewals of the lease.
        await pause(100 * ++kills);
        const leads = await Promise.all(processes.map((process) => asked(process, 'leads')));
        const leader = processes.splice(leads.indexOf(true), 1)[0];
        const killedAtMs = performance.now();
        leader?.kill('SIGKILL');
        await Promise.all(processes.map((process) => asked(process, 'lookup')));
        const tookMs = performance.now() - killedAtMs;
        processes.push(await started(store, `again-${kills}`));
        return tookMs;
      };
    },
  },
};

async function started(store: string, name: string): Promise<ChildProcess> {
  const child = fork(PROGRAM, [store, name]);
  await once(child, 'message');
  return child;
}

async function asked(process: ChildProcess, what: 'leads' | 'lookup'): Promise<unknown> {
  const answered = once(process, 'message');
  process.send(what);
  return (await answered)[0];
}

/** Returns the address of a store in a server of its own. */
async function startNats(): Promise<string> {
  const folder = newFolder();
  const server = spawn('nats-server', [
    '-a',
    '127.0.0.1',
    '-p',
    '-1',
    '-js',
    '-sd',
    folder,
    '--ports_file_dir',
    folder,
  ]);
  onShutdown(async () => server.kill('SIGKILL'));
  const missing = once(server, 'error').then(() => {
    throw new Missing('nats-server is not installed. Debian: apt-get install nats-server');
  });
  const address = await Promise.race([addressIn(folder), missing]);
  missing.catch(() => {});
  return `${address}/bench`;
}

/** The server writes this file when it listens. */
async function addressIn(folder: string): Promise<string> {
  const untilMs = performance.now() + NATS_MS;
  for (;;) {
    const file = readdirSync(folder).find((name) => name.endsWith('.ports'));
    const text = file === undefined ? '' : readFileSync(join(folder, file), 'utf8');
    const [address] = /nats:[^"]+/.exec(text) ?? [];
    if (address !== undefined) return address;
    if (performance.now() > untilMs) throw new Error(`nats-server did not listen within ${NATS_MS} ms`);
    await pause(20);
  }
}

function newFolder(): string {
  return mkdtempSync(join(tmpdir(), 'millrace-killed-leader-'));
}
