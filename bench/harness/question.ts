/** One run: resolves to the value of the question's metric. */
export type Measure = () => Promise<number>;

/** How much work a measurement may be. */
export interface Effort {
  /** Runs of each subject. */
  readonly runs: number;
  /** Time that one run should take. */
  readonly runMs: number;
  /** Time that a subject works before its first run, so that it is compiled. */
  readonly warmUpMs: number;
  /** Actors, where a question is about many. */
  readonly actors: number;
  /** Time over which an idle process is watched. */
  readonly idleMs: number;
}

/** Gets a subject ready in a process of its own. It imports what it is about, so that no other subject has to. */
export type Subject = (effort: Effort, size: string) => Promise<Measure>;

/** One thing that is asked of all subjects. */
export interface Question {
  /** Stable name: what the rows are found by. */
  readonly slug: string;
  /** What is measured, in words. */
  readonly metric: string;
  readonly unit: string;
  readonly isMoreBetter: boolean;
  /** Each size is measured apart. */
  readonly sizes: readonly string[];
  /** Every run in a fresh process. */
  readonly isFresh?: boolean;
  /** Instead of as many runs as usual. */
  readonly runs?: number;
  /** The peer that ratios are taken against. */
  readonly peer: string;
  /** By name: ours begin with `millrace`, limits with `limit:`. */
  readonly subjects: Readonly<Record<string, Subject>>;
}

/** One line of the results. */
export interface Row {
  readonly question: string;
  readonly subject: string;
  readonly size: string;
  readonly metric: string;
  readonly unit: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly runs: number;
}
