import type { Effort, Question } from './harness/question.js';

/** Questions that are asked together, by one command. */
export interface Suite {
  readonly about: string;
  /** Where its subjects need less, or more, than others. */
  readonly effort?: Partial<Effort>;
  /** A subject keeps its process for all questions: for subjects that take long to get ready. */
  readonly sharesProcesses?: boolean;
  /** Loads the questions alone: what they are asked about is imported by each subject. */
  load(): Promise<readonly Question[]>;
}

/** How much work a measurement is: enough to say something, or so little that it only shows that everything runs. */
export const efforts = {
  full: { runs: 5, runMs: 250, warmUpMs: 500, actors: 20_000, idleMs: 2_000 },
  quick: { runs: 1, runMs: 1, warmUpMs: 0, actors: 1_000, idleMs: 20 },
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
  transport: {
    about: 'two processes, and two threads, that send messages to one another',
    effort: { runMs: 100, warmUpMs: 150 },
    sharesProcesses: true,
    load: async () => (await import('./transport/index.js')).questions,
  },
};

export function effortOf(suite: Suite | undefined, name: keyof typeof efforts): Effort {
  return name === 'quick' ? efforts.quick : { ...efforts.full, ...suite?.effort };
}
