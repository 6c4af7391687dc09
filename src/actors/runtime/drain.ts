import { namedMessageOf } from '../../foreign.js';
import type { Stoppable } from './stopping.js';
import { hasPipelines, isNothing } from './runtime-unfinished.js';

/** Longest pause between two looks at what is left, in ms. */
const LONGEST_PAUSE_MS = 50;
/** Between two looks that must both find nothing: longer than a message is on its way. */
const SECOND_LOOK_MS = 10;
/** Without any work for so long, a runtime is not what `before` waits for: another caller of `stop` may be. */
const QUIET_MS = 250;

/** Lets a runtime finish what it has: its owner's doors first, then pipelines, then actors, which take nothing new by then. */
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

  /** Somebody else waits for the runtime to stop, whom `before` may wait for. */
  joined(): void {
    this.#isJoined = true;
  }

  /** Resolves when nothing is left, and at the deadline; false when `before` has not ended. */
  async run(before: (() => unknown) | undefined): Promise<boolean> {
    const { log } = this.#target;
    this.#target
      .withdraw()
      .catch((error: unknown) => log.warn('names could not be withdrawn', { error: namedMessageOf(error) }));
    const isSettled = await this.#settled(before);
    const isKnown = settling(this.#target.look());
    await this.#until(() => isKnown() && !hasPipelines(this.#target.unfinished()));
    const isDraining = settling(this.#target.drain());
    const isQuiet = (): boolean => isDraining() && isNothing(this.#target.unfinished());
    while (await this.#until(isQuiet)) {
      if (!this.#target.hasPeers()) {
        return isSettled;
      }
      await this.#pause(SECOND_LOOK_MS);
      if (isQuiet()) {
        return isSettled;
      }
    }
    return isSettled;
  }

  async #settled(before: (() => unknown) | undefined): Promise<boolean> {
    if (before === undefined) return true;
    this.#isInBefore = true;
    const call = async (): Promise<void> => {
      await before();
    };
    call()
      .catch((error: unknown) => this.#target.log.error('what was to come before the drain failed', { error }))
      .finally(() => {
        this.#isInBefore = false;
      });
    // Another caller may wait for the runtime, and `before` for that caller: then that this has not ended is no loss.
    return this.#until(() => !this.#isInBefore || (this.#isJoined && this.#isQuiet()));
  }

  #isQuiet(): boolean {
    const nowMs = this.#target.scheduler.now();
    if (isNothing(this.#target.unfinished())) this.#quietSinceMs ??= nowMs;
    else this.#quietSinceMs = undefined;
    return this.#quietSinceMs !== undefined && nowMs - this.#quietSinceMs >= QUIET_MS;
  }

  /** False when time is up first. */
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
    return new Promise((resolve) => {
      scheduler.setTimer(Math.min(ms, leftMs), resolve);
    });
  }
}

/** Whether it has settled; what is not awaited has. */
function settling(work: Promise<void> | undefined): () => boolean {
  let isSettled = work === undefined;
  const settled = (): void => void (isSettled = true);
  work?.then(settled, settled);
  return () => isSettled;
}
