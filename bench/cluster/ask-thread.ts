import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { oneByOne, pipelined, type Echo } from '../kernel/work.js';
import type { Effort, Measure, Question } from '../harness/question.js';
import { rate } from '../harness/rate.js';
import { onShutdown } from '../harness/shutdown.js';

const WORKER = new URL('echo-worker.js', import.meta.url);
const SIZES = ['one at a time', '64 in flight'];

/** Asks to an actor on another thread, tasks of a pool with one thread, and messages to a thread and back. */
export const askThread: Question = {
  slug: 'ask-thread',
  metric: 'asks answered',
  unit: 'k/s',
  isMoreBetter: true,
  sizes: SIZES,
  isWide: true,
  peer: 'Piscina run',
  subjects: {
    'millrace typed': asking(async () => {
      const { Runtime } = await import('millrace');
      const { echo } = await import('./echo.js');
      const runtime = await Runtime.start({ partitions: 2, placement: 'thread', logLevel: 'silent' });
      onShutdown(() => runtime.stop());
      const ref = await runtime.place(echo, { on: 'threads' });
      return { ask: (value) => ref.echo({ value }), valueOf: ({ value }) => value };
    }),
    'Piscina run': asking(async () => {
      const { Piscina } = await import('piscina');
      const filename = fileURLToPath(WORKER);
      const pool = new Piscina({ filename, minThreads: 1, maxThreads: 1, concurrentTasksPerWorker: 64 });
      onShutdown(() => pool.destroy());
      return { ask: (value) => pool.run({ value }), valueOf: valueIn };
    }),
    'limit: MessagePort ping': asking(() => {
      const worker = new Worker(WORKER);
      onShutdown(() => worker.terminate());
      const waiting: ((reply: unknown) => void)[] = [];
      worker.on('message', (reply: unknown) => waiting.shift()?.(reply));
      return Promise.resolve<Echo<unknown>>({
        ask: (value) =>
          new Promise((resolve) => {
            waiting.push(resolve);
            worker.postMessage({ value });
          }),
        valueOf: valueIn,
      });
    }),
  },
};

function asking<Reply>(prepare: () => Promise<Echo<Reply>>) {
  return async (effort: Effort, size: string): Promise<Measure> => {
    const pattern = size === SIZES[0] ? oneByOne : pipelined;
    const measure = await rate(effort, pattern(await prepare()));
    return async () => 1_000 * Number(await measure());
  };
}

function valueIn(reply: unknown): number {
  return typeof reply === 'object' && reply !== null && 'value' in reply ? Number(reply.value) : Number.NaN;
}
