import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { onShutdown } from '../harness/shutdown.js';
import type { Question, Subject } from '../harness/question.js';

const WORKER = new URL('echo-worker.js', import.meta.url);

/** From the call to the first reply of an actor in a partition that runs, and of a thread or process that is started for it. */
export const place: Question = {
  slug: 'place',
  metric: 'time to the first reply',
  unit: 'ms',
  isMoreBetter: false,
  sizes: ['thread', 'process'],
  isWide: true,
  runs: 9,
  peer: 'limit: a new thread or process',
  subjects: {
    'millrace place': (effort, size) => startPlaced(effort, size),
    'limit: a new thread or process': (_effort, size) =>
      Promise.resolve(size === 'thread' ? () => timed(viaThread) : () => timed(viaProcess)),
  },
};

const startPlaced: Subject = async (_effort, size) => {
  const { Runtime } = await import('millrace');
  const { echo } = await import('./echo.js');
  const placement = size === 'thread' ? 'thread' : 'process';
  const runtime = await Runtime.start({ partitions: 2, placement, logLevel: 'silent' });
  onShutdown(() => runtime.stop());
  return async () => {
    const startedAtMs = performance.now();
    const ref = await runtime.place(echo);
    await ref.echo({ value: 1 });
    const tookMs = performance.now() - startedAtMs;
    await runtime.stopActor(ref);
    return tookMs;
  };
};

/** Returns what ends it. */
type Start = () => Promise<() => unknown>;

async function timed(start: Start): Promise<number> {
  const startedAtMs = performance.now();
  const end = await start();
  const tookMs = performance.now() - startedAtMs;
  await end();
  return tookMs;
}

const viaThread: Start = async () => {
  const worker = new Worker(WORKER);
  worker.postMessage({ value: 1 });
  await once(worker, 'message');
  return () => worker.terminate();
};

const viaProcess: Start = async () => {
  const child = fork(fileURLToPath(WORKER));
  child.send({ value: 1 });
  await once(child, 'message');
  return () => child.kill();
};
