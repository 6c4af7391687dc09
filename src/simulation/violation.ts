/** What has to hold of every run, whatever the workload. */
export type Invariant =
  /** What a handler gets was sent to it, and what an asker gets was answered to it. */
  | 'invented'
  /** No message is handled twice, and no ask answered twice, unless frames are doubled. */
  | 'once'
  /** Messages of one sender to one receiver on one lane keep their order, unless frames are reordered. */
  | 'order'
  /** Where no frame is lost and no process ends, every message arrives. */
  | 'lost'
  /** Every ask is answered or failed by its deadline, and not run after it. */
  | 'deadline'
  /** A stream is never further ahead of its reader than the reader takes. */
  | 'credit'
  /** Whoever watches an actor learns of its end, once, and of nothing else. */
  | 'watch'
  /** Once faults are healed, all work comes to its end. */
  | 'liveness'
  /** At the end no timer, actor, link or credit is left. */
  | 'leak'
  /** Nothing is thrown out of a turn, no promise is rejected unseen, no peer is misunderstood, and the dead are silent. */
  | 'fault'
  /** What the workload itself checks. */
  | 'workload';

export interface Violation {
  readonly invariant: Invariant;
  readonly message: string;
  /** Virtual time. */
  readonly atMs: number;
}

/** The violations of one run. The first one ends it; what breaks because it is ended then is none. */
export class Violations {
  readonly found: Violation[] = [];
  readonly first: Promise<void>;
  readonly #now: () => number;
  #isOver = false;
  #happened: () => void = () => {};

  constructor(now: () => number) {
    this.#now = now;
    this.first = new Promise((resolve) => {
      this.#happened = resolve;
    });
  }

  add(invariant: Invariant, message: string): void {
    if (!this.#isOver && this.found.length < MOST_VIOLATIONS) {
      this.found.push({ invariant, message, atMs: this.#now() });
    }
    this.#happened();
  }

  /** No more are taken. */
  end(): void {
    this.#isOver = true;
  }
}

/** One fault shows in many places: a few tell enough. */
const MOST_VIOLATIONS = 20;
