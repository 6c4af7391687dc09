/** One run: resolves to the value of the question's metric, or to that and one for each of those measured `also`. */
export type Measure = () => Promise<number | readonly number[]>;

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

/**
 * Gets a subject ready in a process of its own. It imports what it is about, so that no other subject has to. Throws Missing where
 * something that it is about is not installed.
 */
export type Subject = (effort: Effort, size: string) => Promise<Measure>;

/** What is measured, in words. */
export interface Metric {
  readonly metric: string;
  readonly unit: string;
  readonly isMoreBetter: boolean;
}

/** One thing that is asked of all subjects. */
export interface Question extends Metric {
  /** Stable name: what the rows are found by. */
  readonly slug: string;
  /** What the same runs say besides. */
  readonly also?: readonly Metric[];
  /** Each size is measured apart. */
  readonly sizes: readonly string[];
  /** Its table has a column for each size. */
  readonly isWide?: boolean;
  /** Every run in a fresh process. */
  readonly isFresh?: boolean;
  /** Instead of as many runs as usual. */
  readonly runs?: number;
  /** The peer that ratios are taken against. */
  readonly peer: string;
  /** By name: ours begin with `millrace`, limits with `limit:`. */
  readonly subjects: Readonly<Record<string, Subject>>;
}

/** What a subject is about is not installed; the message says what brings it. */
export class Missing extends Error {}

/** One line of the results. */
export interface Row {
  readonly question: string;
  readonly subject: string;
  readonly size: string;
  readonly metric: string;
  readonly unit: string;
  /** Null where nothing was measured: `note` says why. */
  readonly median: number | null;
  readonly min: number | null;
  readonly max: number | null;
  readonly runs: number;
  readonly note?: string;
}
