import { Deferred } from '../../../deferred.js';
import { StoppedError, UnreachableError } from '../../../errors.js';
import { messageOf } from '../../../foreign.js';
import type { Logger } from '../../../logging/index.js';
import type { v1 } from '../../../protocol/index.js';
import type { Execution } from '../../../resources/execution/index.js';
import { pause, type Scheduler } from '../../../scheduler/index.js';
import { assertStartSecret, newStartSecret } from '../start-secret.js';

/** Time in ms until a process that has ended is started again: it doubles each time that one ends before it stands by or serves. */
const AGAIN_MS = { first: 500, last: 30_000 } as const;

export interface CandidateOptions {
  readonly scheduler: Scheduler;
  readonly log: Logger;
  /** Starts a process that will greet with `secret`. */
  readonly start: (secret: string) => Execution;
  /** Whether a process that ends is followed by another: in a run with a cluster store. */
  readonly isFollowed: boolean;
  /** It serves now, after it was started: others have served before. */
  readonly follows: (place: v1.GlobalServicesPlace) => void;
  /** A process that has served has ended by itself. */
  readonly failed: (cause: string, place: v1.GlobalServicesPlace | undefined) => void;
}

/**
 * The process of global services that a node has. In a run with a cluster store several nodes have one: it serves, or stands by.
 *
 *     start --stands by--> standing by --elected--> serving --ended--> start again
 *        +-----------------serves----------------------^
 */
export class ServicesCandidate {
  readonly #options: CandidateOptions;
  readonly #started = new Deferred<v1.GlobalServicesPlace | undefined>();
  #execution: Execution | undefined;
  /** Of the process that was started last. */
  #secret = '';
  /** Where it serves; undefined where it does not. */
  #place: v1.GlobalServicesPlace | undefined;
  /** One has served or stood by. */
  #wasReady = false;
  #againMs: number = AGAIN_MS.first;
  #isHalting = false;

  constructor(options: CandidateOptions) {
    this.#options = options;
    this.#started.promise.catch(() => {});
  }

  /** Resolves when the process serves, with its place, or stands by. Rejects with UnreachableError where it ends before. Idempotent. */
  async start(): Promise<v1.GlobalServicesPlace | undefined> {
    if (this.#execution === undefined) this.#execute();
    const first = await this.#started.promise;
    return this.#place ?? first;
  }

  /** Throws ProtocolError where another process greets than the one that was started last. */
  assertOwn({ secret }: v1.GlobalServicesGreeting): void {
    assertStartSecret(secret, this.#secret, 'The greeting of global services');
  }

  serves(place: v1.GlobalServicesPlace): void {
    this.#place = place;
    if (this.#wasReady) this.#options.follows(place);
    this.#ready(place);
  }

  standsBy(): void {
    this.#ready(undefined);
  }

  /** From now on its end is no failure, and no other follows it. */
  halting(): void {
    this.#isHalting = true;
  }

  /** Ends the process: one that serves is told so by `halt`, and one that stands by has nothing to end in order. Resolves when it has ended. */
  async halt(halt: (place: v1.GlobalServicesPlace) => Promise<unknown>): Promise<void> {
    this.#isHalting = true;
    if (this.#place === undefined) this.#execution?.kill();
    else await halt(this.#place);
    await this.#execution?.ended;
  }

  /** Resolves when the process has ended. */
  async kill(): Promise<void> {
    this.#isHalting = true;
    this.#execution?.kill();
    await this.#execution?.ended;
  }

  #ready(place: v1.GlobalServicesPlace | undefined): void {
    this.#wasReady = true;
    this.#againMs = AGAIN_MS.first;
    this.#started.resolve(place);
  }

  #execute(): void {
    if (this.#isHalting) throw new StoppedError('The node is being torn down.');
    this.#secret = newStartSecret();
    const execution = this.#options.start(this.#secret);
    this.#execution = execution;
    void execution.ended.then(({ cause }) => this.#ended(cause));
  }

  #ended(cause: string): void {
    const { isFollowed, failed, scheduler, log } = this.#options;
    const place = this.#place;
    this.#place = undefined;
    this.#started.reject(new UnreachableError(`Global services have ended: ${cause}.`));
    if (this.#isHalting) return;
    if (place !== undefined || !isFollowed) failed(cause, place);
    if (!isFollowed || !this.#wasReady) return;
    const inMs = this.#againMs;
    this.#againMs = Math.min(2 * inMs, AGAIN_MS.last);
    const served = place !== undefined;
    log.warn('global services of this node have ended, and are started again', { cause, served, inMs });
    void pause(scheduler, inMs).then(() => this.#executeAgain());
  }

  /** Never throws: a process that cannot be started has ended. */
  #executeAgain(): void {
    if (this.#isHalting) return;
    try {
      this.#execute();
    } catch (error) {
      this.#ended(`it could not be started: ${messageOf(error)}`.replace(/\.$/, ''));
    }
  }
}
