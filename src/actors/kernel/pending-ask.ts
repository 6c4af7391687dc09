import { AskAbortedError, AskTimeoutError, type MillraceError } from '../../errors.js';
import type { AnyMethod } from '../../protocol/index.js';
import type { AskOptions } from './call.js';
import { Deadline, type Deadlines, NEVER_IN } from './deadlines.js';

/**
 * An ask that waits for its reply, within the partition or over a link. Settles once: by reply, failure, deadline or abort. `start` sets
 * the deadline, and listens to the signal.
 */
export abstract class PendingAsk extends Deadline {
  readonly method: AnyMethod;
  #isSettled = false;
  #isUnderWay = false;
  #ended: ((cause: MillraceError | undefined) => void) | undefined = undefined;
  readonly #deadlines: Deadlines;
  readonly #signal: AbortSignal | undefined;
  readonly #onResolve: (value: unknown) => void;
  readonly #onReject: (error: unknown) => void;

  constructor(
    deadlines: Deadlines,
    method: AnyMethod,
    deadlineMs: number,
    options: AskOptions | undefined,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
  ) {
    super(deadlineMs);
    this.method = method;
    this.#deadlines = deadlines;
    this.#signal = options?.signal;
    this.#onResolve = resolve;
    this.#onReject = reject;
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** Its caller has the promise: what it fails with from now on was made in a turn that is not the caller's. */
  handedOver(): void {
    this.#isUnderWay = true;
  }

  /** The path of the receiver, for error messages. */
  abstract target(): string;

  /** It is asked of the actor that has this path, or this channel. */
  abstract isAskedOf(path: string, cUid: bigint): boolean;

  start(nowMs: number): void {
    if (this.#isSettled) return;
    if (this.#signal?.aborted === true) this.aborted();
    else if (this.deadlineMs <= nowMs) this.expire();
    else {
      if (this.#signal !== undefined) this.#deadlines.signals.add(this.#signal, this);
      this.#deadlines.add(this, nowMs);
    }
  }

  /** Resolves with `response`, a whole message, as it is. */
  protected resolve(response: unknown): void {
    if (this.#isSettled) return;
    this.#settle(undefined);
    this.#onResolve(response);
  }

  fail(error: MillraceError): void {
    if (this.#isSettled) return;
    this.#deadlines.asks.failed(error.code, this.slot === NEVER_IN);
    this.#settle(error);
    if (this.#isUnderWay) this.#onResolve(rejectionFor(error));
    else this.#onReject(error);
  }

  override expire(): void {
    const error = this.lateError();
    this.#deadlines.observer?.askTimedOut(this.method.fullName, this.target(), error);
    this.fail(error);
  }

  /** The error of an ask that had no reply by its deadline. */
  protected lateError(): MillraceError {
    const what = `${this.method.fullName} asked of ${this.target()} had no reply by its deadline`;
    return new AskTimeoutError(`${what}; ${this.whyLate()}`);
  }

  /** Ends that error: where the ask is, as far as that is known here. */
  protected abstract whyLate(): string;

  /** The caller's signal was aborted. */
  aborted(): void {
    // If it is still in a mailbox, it counts as expired, so its handler is not run.
    this.deadlineMs = Number.NEGATIVE_INFINITY;
    this.fail(
      new AskAbortedError(`${this.method.fullName} asked of ${this.target()} was aborted by its caller`, {
        cause: this.#signal?.reason,
      }),
    );
  }

  get isAwaited(): boolean {
    return !this.#isSettled;
  }

  /** Calls `ended` when the ask has settled, with the error of a failure; at once where it has. */
  whenEnded(ended: (cause: MillraceError | undefined) => void): void {
    if (this.#isSettled) ended(undefined);
    else if (this.#ended === undefined) this.#ended = ended;
    else {
      const before = this.#ended;
      this.#ended = (cause) => {
        before(cause);
        ended(cause);
      };
    }
  }

  #settle(error: MillraceError | undefined): void {
    this.#isSettled = true;
    this.#deadlines.remove(this);
    if (this.#signal !== undefined) this.#deadlines.signals.remove(this.#signal, this);
    if (this.#ended === undefined) return;
    this.#ended(error);
    this.#ended = undefined;
  }
}

/**
 * Rejects with `error`, whose stack then names who waits: the `await` of the caller, and those that wait for the caller. The
 * error of an ask is made in a turn or timer of Millrace, whose own stack says nothing to the caller. V8 finds the functions that
 * wait for a promise when an async function that is to settle it takes a stack; so this costs nothing until an ask fails. Resolve
 * the caller's promise with what this returns. A caller that uses `then` or `catch` and no `await` is not found.
 */
async function rejectionFor(error: Error): Promise<never> {
  // The caller's promise follows this one two microtasks after it was resolved with it.
  await Promise.resolve();
  await Promise.resolve();
  Error.captureStackTrace(error, rejectionFor);
  throw error;
}
