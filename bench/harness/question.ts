/** One run. Resolves to the value of the metric, or to a list of it and the values of `also`. */
export type Measure = () => Promise<number | readonly number[]>;

/** How much work a measurement does. */
export interface Effort {
  /** Runs of each subject. */
  readonly runs: number;
  /** Intended duration of one run. */
  readonly runMs: number;
  /** Duration of the warm-up before the first run, in which the code is compiled. */
  readonly warmUpMs: number;
  /** Fewest operations of one run. */
  readonly batch: number;
  /** Number of actors, for questions about many actors. */
  readonly actors: number;
  /** Most processes of one cluster. A larger size of a question has only so many. */
  readonly members: number;
  /** Duration of the measurement of an idle process. */
  readonly idleMs: number;
}

/**
 * Prepares a subject in its own process. It imports its library itself, so that other subjects do not load it. Throws Missing if the
 * library is not installed.
 */
export type Subject = (effort: Effort, size: string) => Promise<Measure>;

/** Name and unit of a metric. */
export interface Metric {
  readonly metric: string;
  readonly unit: string;
  readonly isMoreBetter: boolean;
}

/** One benchmark, for all its subjects. */
export interface Question extends Metric {
  /** Stable name. It identifies the rows. */
  readonly slug: string;
  /** Further metrics of the same runs. */
  readonly also?: readonly Metric[];
  /** The sizes, measured separately. */
  readonly sizes: readonly string[];
  /** Its table has a column per size. */
  readonly isWide?: boolean;
  /** Every run has a fresh process. */
  readonly isFresh?: boolean;
  /** Number of runs, if not the default. */
  readonly runs?: number;
  /** The subject that ratios refer to. */
  readonly peer: string;
  /** Subjects by name. Ours start with `millrace`, limits with `limit:`. */
  readonly subjects: Readonly<Record<string, Subject>>;
}

/** The library of a subject is not installed. The message says how to install it. */
export class Missing extends Error {}

/** One line of the results. */
export interface Row {
  readonly question: string;
  readonly subject: string;
  readonly size: string;
  readonly metric: string;
  readonly unit: string;
  /** Null if nothing was measured: `note` says why. */
  readonly median: number | null;
  readonly min: number | null;
  readonly max: number | null;
  readonly runs: number;
  readonly note?: string;
}
