import type { Question, Subject } from '../harness/question.js';

/** The CPU time of an idle process with a running runtime. */
export const idleCpu: Question = {
  slug: 'idle-cpu',
  metric: 'share of one core',
  unit: '%',
  isMoreBetter: false,
  sizes: ['no work'],
  isFresh: true,
  runs: 3,
  peer: 'nact',
  subjects: {
    'millrace typed': idle(async () => {
      const { Runtime } = await import('millrace');
      await Runtime.start({ logLevel: 'silent' });
    }),
    'millrace typed, 4 partitions': idle(async () => {
      const { Runtime } = await import('millrace');
      await Runtime.start({ logLevel: 'silent', partitions: 4 });
    }),
    nact: idle(async () => (await import('nact')).start()),
    comedy: idle(async () => (await import('comedy')).createSystem({}).rootActor()),
    'limit: Node alone': idle(() => Promise.resolve()),
  },
};

function idle(bringUp: () => Promise<unknown>): Subject {
  return async ({ idleMs }) => {
    await bringUp();
    // Waits for work of the start, such as compilation and garbage collection, to finish.
    await sleep(idleMs / 2);
    return async () => {
      const before = process.cpuUsage();
      const startedAtMs = performance.now();
      await sleep(idleMs);
      const { user, system } = process.cpuUsage(before);
      return ((user + system) / 1_000 / (performance.now() - startedAtMs)) * 100;
    };
  };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
