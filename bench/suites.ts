import type { Effort, Question } from './harness/question.js';

/** Questions that one command measures together. */
export interface Suite {
  readonly about: string;
  /** Efforts of this suite, where they differ from the default. */
  readonly effort?: Partial<Effort>;
  /** A subject keeps its process for all questions. For subjects with a long preparation. */
  readonly sharesProcesses?: boolean;
  /** Loads the questions only. Each subject imports its own library. */
  load(): Promise<readonly Question[]>;
}

/** The efforts: enough for meaningful numbers, or just enough to show that everything runs. */
export const efforts = {
  full: { runs: 5, runMs: 250, warmUpMs: 500, batch: 1_000, actors: 20_000, members: 1_000, idleMs: 2_000 },
  quick: { runs: 1, runMs: 1, warmUpMs: 0, batch: 10, actors: 100, members: 10, idleMs: 20 },
} satisfies Readonly<Record<string, Effort>>;

export const suites: Readonly<Record<string, Suite>> = {
  kernel: {
    about: 'actors of one partition, on one thread',
    load: async () => (await import('./kernel/index.js')).questions,
  },
  codec: {
    about: 'one envelope with its value, into bytes and back',
    load: async () => (await import('./codec/index.js')).questions,
  },
  start: {
    about: 'from nothing to the first reply, and what a runtime without work costs',
    load: async () => (await import('./start/index.js')).questions,
  },
  load: {
    about: 'an actor that is asked and told more than it can do, by one and by eight senders',
    effort: { runs: 3, runMs: 2_000 },
    load: async () => (await import('./load/index.js')).questions,
  },
  cluster: {
    about: 'placed actors, names, groups, and processes that join and leave',
    effort: { runMs: 100, warmUpMs: 150 },
    load: async () => (await import('./cluster/index.js')).questions,
  },
  launch: {
    about: 'many processes of one program, up and down',
    load: async () => (await import('./launch/index.js')).questions,
  },
  components: {
    about: 'requests to components by the network, and what the strategies of a governor do with a load',
    effort: { runMs: 100, warmUpMs: 150 },
    load: async () => (await import('./components/index.js')).questions,
  },
  transport: {
    about: 'two processes, and two threads, that send messages to one another',
    effort: { runMs: 100, warmUpMs: 150 },
    sharesProcesses: true,
    load: async () => (await import('./transport/index.js')).questions,
  },
  descriptors: {
    about: 'large values from one process, or thread, to another',
    effort: { runs: 3, runMs: 120, warmUpMs: 150 },
    sharesProcesses: true,
    load: async () => (await import('./descriptors/index.js')).questions,
  },
};

export function effortOf(suite: Suite | undefined, name: keyof typeof efforts): Effort {
  return name === 'quick' ? efforts.quick : { ...efforts.full, ...suite?.effort };
}
