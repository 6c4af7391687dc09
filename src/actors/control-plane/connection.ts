import { Deferred } from '../../deferred.js';
import {
  ConfigError,
  type MillraceError,
  ProtocolError,
  RefusedError,
  ResourceError,
  StoppedError,
  UnreachableError,
} from '../../errors.js';
import { namedMessageOf } from '../../foreign.js';
import { limits } from '../../limits.js';
import type { Logger } from '../../logging/index.js';
import type { Scheduler, Timer } from '../../scheduler/index.js';
import { ANNOUNCE } from './connections.js';
import { DEPOSED } from './state/index.js';

/** Time before the first attempt, in ms; it doubles up to `rejoinMs`. */
const FIRST_ATTEMPT_MS = 50;

export interface ConnectionOptions {
  readonly scheduler: Scheduler;
  readonly log: Logger;
  /** Unique among the processes of the cluster: each draws other times between its attempts. */
  readonly name: string;
  /** Address of the control plane, for the log. */
  readonly address: () => string;
  /** One attempt to take up the connection again. Rejects when it has to be repeated. */
  readonly attempt: () => Promise<void>;
}

/**
 * Whether the control plane can be reached. While it cannot, this takes up the connection again and again, ever more slowly, and requests wait:
 *
 *     up -- lost --> down -- attempt succeeds --> up
 *                    down -- close -----------> closed
 */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #random: () => number;
  #lostBy: MillraceError | undefined;
  #closedBy: MillraceError | undefined;
  #isLeaving = false;
  #failures = 0;
  #timer: Timer | undefined;
  readonly #waiting = new Set<Deferred<void>>();

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#random = options.scheduler.fork(`attempts of ${options.name} to reach the control plane`);
  }

  get isUp(): boolean {
    return this.#lostBy === undefined && this.#closedBy === undefined;
  }

  get isClosed(): boolean {
    return this.#closedBy !== undefined;
  }

  /** This process leaves, or has lost its place for good: requests that fail need not be made again. */
  get isEnding(): boolean {
    return this.#isLeaving || this.isClosed;
  }

  /** Resolves when it is up. Rejects with the error of its loss at `deadlineMs`, and at once when it is closed or nobody waits any more. */
  async up(deadlineMs: number): Promise<void> {
    const error = this.#closedBy ?? (this.#isLeaving ? this.#lostBy : undefined);
    if (error !== undefined) throw error;
    if (this.#lostBy === undefined) return;
    const { scheduler } = this.#options;
    const waiting = new Deferred<void>();
    const lostBy = this.#lostBy;
    const timer = scheduler.setTimer(Math.max(0, deadlineMs - scheduler.now()), () => waiting.reject(lostBy));
    this.#waiting.add(waiting);
    try {
      await waiting.promise;
    } finally {
      scheduler.clearTimer(timer);
      this.#waiting.delete(waiting);
    }
  }

  /** It was lost: the first attempt to take it up follows soon. Does nothing while it is down. */
  lost(error: MillraceError): void {
    if (!this.isUp) return;
    this.#lostBy = error;
    if (this.#isLeaving) this.#settle(error);
    else this.#attemptSoon();
  }

  /** Another process serves the control plane, which can be reached: the next attempt is made as soon as a first one is. */
  moved(): void {
    this.#failures = 0;
    if (this.#timer === undefined) return;
    this.#options.scheduler.clearTimer(this.#timer);
    this.#attemptSoon();
  }

  /** A request was answered. */
  succeeded(): void {
    this.#failures = 0;
  }

  /** This process is ending: while it is down, requests fail at once. */
  leave(): void {
    this.#isLeaving = true;
    if (this.#lostBy !== undefined) this.#stop(this.#lostBy);
  }

  /** For good: requests reject with `error`. */
  close(error: MillraceError): void {
    if (this.#closedBy !== undefined) return;
    this.#closedBy = error;
    this.#stop(error);
  }

  #stop(error: MillraceError): void {
    if (this.#timer !== undefined) this.#options.scheduler.clearTimer(this.#timer);
    this.#timer = undefined;
    this.#settle(error);
  }

  #attemptSoon(): void {
    const longestMs = Math.min(limits.rejoinMs, FIRST_ATTEMPT_MS * 2 ** this.#failures);
    this.#failures++;
    // Many processes lose one control plane at the same time; they should not all come back at the same time.
    const delayMs = longestMs * (0.5 + 0.5 * this.#random());
    this.#timer = this.#options.scheduler.setTimer(delayMs, () => {
      this.#timer = undefined;
      void this.#attempt();
    });
  }

  async #attempt(): Promise<void> {
    const { attempt, log, address } = this.#options;
    try {
      await attempt();
    } catch (error) {
      log.debug('the control plane was not reached', { controlPlane: address(), error: namedMessageOf(error) });
      if (!this.isClosed && !this.#isLeaving) this.#attemptSoon();
      return;
    }
    this.#lostBy = undefined;
    this.#settle(undefined);
  }

  #settle(error: MillraceError | undefined): void {
    for (const waiting of this.#waiting) {
      if (error === undefined) waiting.resolve();
      else waiting.reject(error);
    }
  }
}

/** The request did not reach the control plane that knows this process. Not so where the settings of a link are wrong: that does not pass. */
export function isLoss(error: unknown): boolean {
  if (error instanceof RefusedError) return error.reason === ANNOUNCE || error.reason === DEPOSED;
  if (error instanceof StoppedError) return true;
  if (!(error instanceof UnreachableError)) return false;
  const { cause } = error;
  return !(cause instanceof ConfigError || cause instanceof ProtocolError || cause instanceof ResourceError);
}
