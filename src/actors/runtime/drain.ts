import { namedMessageOf } from '../../foreign.js';
import { pause } from '../../scheduler/index.js';
import type { Stoppable } from './stopping.js';
import { hasPipelines, isNothing } from './runtime-unfinished.js';

/** Longest pause between two checks for unfinished work, in ms. */
const LONGEST_PAUSE_MS = 50;
/** Pause between two checks that must both find nothing, in ms: longer than a message is in transit. */
const SECOND_CHECK_MS = 10;
/** Time without any work, in ms, after which `before` must be waiting for something else, such as another caller of `stop`. */
const QUIET_MS = 250;

/** Lets a runtime finish its work: first `before`, then pipelines, then actors, which accept no new work by then. */
export class Drain {
  readonly #target: Stoppable;
  readonly #deadlineMs: number;
  readonly #isCutShort: () => boolean;
  #isInBefore = false;
  #isJoined = false;
  #quietSinceMs: number | undefined;

  constructor(target: Stoppable, deadlineMs: number, isCutShort: () => boolean) {
    this.#target = target;
    this.#deadlineMs = deadlineMs;
    this.#isCutShort = isCutShort;
  }

  /** `before` was called, and has not ended. */
  get isInBefore(): boolean {
    return this.#isInBefore;
  }

  /** Another caller waits for the runtime to stop; `before` may wait for that caller. */
  joined(): void {
    this.#isJoined = true;
  }

  /** Resolves when no work is left, or at the deadline; to false when `before` has not ended, or a partition has not said what it has left. */
  async run(before: (() => unknown) | undefined): Promise<boolean> {
    const { log } = this.#target;
    this.#target
      .unregisterNames()
      .catch((error: unknown) => log.warn('names could not be unregistered', { error: namedMessageOf(error) }));
    const isSettled = await this.#settled(before);
    const isKnown = settling(this.#target.refresh());
    await this.#until(() => isKnown() && !hasPipelines(this.#target.unfinished()));
    const isDraining = settling(this.#target.drain());
    const isQuiet = (): boolean => isDraining() && isNothing(this.#target.unfinished());
    while (await this.#until(isQuiet)) {
      if (!this.#target.hasPeers()) {
        return isSettled;
      }
      await this.#pause(SECOND_CHECK_MS);
      if (isQuiet()) {
        return isSettled;
      }
    }
    return isSettled && isDraining();
  }

  async #settled(before: (() => unknown) | undefined): Promise<boolean> {
    if (before === undefined) return true;
    this.#isInBefore = true;
    const call = async (): Promise<void> => {
      await before();
    };
    call()
      .catch((error: unknown) => this.#target.log.error('the option before of stop failed', { error }))
      .finally(() => {
        this.#isInBefore = false;
      });
    // If another caller waits for the runtime, `before` may wait for that caller. Then the drain must not wait for `before`.
    return this.#until(() => !this.#isInBefore || (this.#isJoined && this.#isQuiet()));
  }

  #isQuiet(): boolean {
    const nowMs = this.#target.scheduler.now();
    if (isNothing(this.#target.unfinished())) this.#quietSinceMs ??= nowMs;
    else this.#quietSinceMs = undefined;
    return this.#quietSinceMs !== undefined && nowMs - this.#quietSinceMs >= QUIET_MS;
  }

  /** False at the deadline. */
  async #until(isTrue: () => boolean): Promise<boolean> {
    let pauseMs = 0;
    while (!isTrue()) {
      if (this.#isOver) {
        return false;
      }
      await this.#pause(pauseMs);
      pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2 + 1);
    }
    return true;
  }

  get #isOver(): boolean {
    return this.#isCutShort() || this.#target.scheduler.now() >= this.#deadlineMs;
  }

  #pause(ms: number): Promise<void> {
    const { scheduler } = this.#target;
    const leftMs = Math.max(0, this.#deadlineMs - scheduler.now());
    return pause(scheduler, Math.min(ms, leftMs));
  }
}

/** Returns a check whether the promise has settled; true where there is none. */
function settling(work: Promise<void> | undefined): () => boolean {
  let isSettled = work === undefined;
  const settled = (): void => void (isSettled = true);
  work?.then(settled, settled);
  return () => isSettled;
}
