import { Deferred } from '../deferred.js';

/** The invariants of every run, for all workloads. */
export type Invariant =
  /** A handler receives only messages that were sent to it; a caller receives only replies to its ask. */
  | 'invented'
  /** No message is handled twice, and no ask is answered twice, unless frames are duplicated. */
  | 'once'
  /** Messages of one sender to one receiver on one lane keep their order, unless frames are reordered. */
  | 'order'
  /** Every accepted tell is handled or a dead letter, unless the network loses frames or the receiver's process has ended. */
  | 'lost'
  /** Every ask is answered or fails by its deadline, and is not handled after it. */
  | 'deadline'
  /** A stream is never further ahead of its reader than the window of the reader. */
  | 'credit'
  /** A watcher is notified of the end of an actor exactly once, and only then. */
  | 'watch'
  /** After faults are healed, all work finishes, and no call of `ready` waits any longer. */
  | 'liveness'
  /** After the stop no timer, actor, link or credit is left. */
  | 'leak'
  /** No turn throws, no rejected promise is unhandled, no message is malformed, and crashed nodes log nothing. */
  | 'fault'
  /** Checks of the workload itself. */
  | 'workload';

export interface Violation {
  readonly invariant: Invariant;
  readonly message: string;
  /** Virtual time. */
  readonly atMs: number;
}

/** The violations of one run. The first one ends the run. Failures caused by that end are ignored. */
export class Violations {
  readonly found: Violation[] = [];
  readonly #first = new Deferred<void>();
  readonly first = this.#first.promise;
  readonly #now: () => number;
  #isOver = false;

  constructor(now: () => number) {
    this.#now = now;
  }

  add(invariant: Invariant, message: string): void {
    if (!this.#isOver && this.found.length < MOST_VIOLATIONS) {
      this.found.push({ invariant, message, atMs: this.#now() });
    }
    this.#first.resolve();
  }

  /** Ignores further violations. */
  end(): void {
    this.#isOver = true;
  }
}

/** One bug can cause many violations. The first ones suffice. */
const MOST_VIOLATIONS = 20;
