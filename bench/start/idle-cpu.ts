import type { Question, Subject } from '../harness/question.js';

/** What a process costs in which everything is up and nothing is done. */
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
    // What the start leaves behind, such as compiling and collecting garbage, is not idling.
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
