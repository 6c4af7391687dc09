import { Deferred } from '../../deferred.js';
import { limits } from '../../limits.js';
import type { Timer } from '../../scheduler/index.js';
import { type Context, type Later, later } from '../kernel/index.js';
import type { Enrolled, MemberRoll } from './member-roll.js';

/** The processes of the cluster under the control plane before this one. */
export interface Predecessor {
  readonly roll: MemberRoll;
  /** Whether nothing listens at the address of a process any more. False where that is not known. */
  readonly hasEnded: (address: string) => Promise<boolean>;
}

/** So many are dialed at a time. */
const DIALS = 32;
/** Time between two looks whether all is announced that is known to be missing, in ms. */
const LOOK_MS = limits.recoveryMs / 8;

/**
 * The time after a control plane has started anew, in which the processes of the cluster announce what they have. What depends on all of
 * them waits until it is over: otherwise a process that has not announced itself yet would be taken for one that has ended. It lasts
 * `recoveryMs`, and up to `longestRecoveryMs` while something is missing that others have announced a part of. It is over earlier where it is
 * known which processes there were, when each of them has announced itself or has ended.
 */
export class Recovery {
  readonly #context: Context;
  readonly #isMissing: () => boolean;
  readonly #over: () => void;
  #running: Deferred<void> | undefined;
  #timer: Timer | undefined;
  /** Those that are waited for. Undefined where it is not known who they are. */
  #awaited: Set<bigint> | undefined;
  /** Those that are not waited for any more. */
  readonly #done = new Set<bigint>();

  /** `isMissing` tells whether something has to be announced yet. `over` is called when it is over, before what waits for that goes on. */
  constructor(context: Context, isMissing: () => boolean, over: () => void) {
    this.#context = context;
    this.#isMissing = isMissing;
    this.#over = over;
  }

  begin(): void {
    this.#running = new Deferred<void>();
    this.#context.log.info('the control plane has started anew: the processes of the cluster announce what they have');
    this.#endAfter(limits.recoveryMs, limits.longestRecoveryMs - limits.recoveryMs);
  }

  /** `spareMs` is how much longer it may last. */
  #endAfter(ms: number, spareMs: number): void {
    this.#timer = this.#context.after(ms, () => {
      if (spareMs > 0 && this.#isMissing()) this.#endAfter(Math.min(LOOK_MS, spareMs), spareMs - LOOK_MS);
      else this.#end();
    });
  }

  /** The processes that there were, as the last control plane has written down. */
  awaits(pUids: readonly bigint[]): void {
    if (this.#running === undefined) return;
    this.#awaited = new Set(pUids.filter((pUid) => !this.#done.has(pUid)));
    if (this.#awaited.size === 0) this.#end();
  }

  isAwaited(pUid: bigint): boolean {
    return this.#awaited?.has(pUid) === true;
  }

  /** The process has announced all that it has, or it has ended. */
  done(pUid: bigint): void {
    if (this.#running === undefined) return;
    this.#done.add(pUid);
    if (this.#awaited?.delete(pUid) === true && this.#awaited.size === 0) this.#end();
  }

  /** Does the work when the recovery is over: now, where none is running. */
  after<T>(work: () => T): T | Later<T> {
    return this.#running === undefined ? work() : later(this.#running.promise.then(work));
  }

  /** As `after`, for work that waits. */
  async waited<T>(work: () => Promise<T>): Promise<T> {
    await this.#running?.promise;
    return work();
  }

  #end(): void {
    const running = this.#running;
    this.#running = undefined;
    this.#awaited = undefined;
    this.#done.clear();
    if (this.#timer !== undefined) this.#context.cancel(this.#timer);
    this.#over();
    running?.resolve();
  }
}

/** Dials processes that are silent, and tells which of them have ended. */
export async function findEnded(
  silent: readonly Enrolled[],
  hasEnded: Predecessor['hasEnded'],
  ended: (pUid: bigint) => void,
): Promise<void> {
  for (let from = 0; from < silent.length; from += DIALS) {
    const dialed = silent.slice(from, from + DIALS);
    await Promise.all(
      dialed.map(async ({ pUid, address }) => {
        if (await hasEnded(address)) ended(pUid);
      }),
    );
  }
}
