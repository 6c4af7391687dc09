import { atExit } from '../../at-exit.js';
import type { Scheduler, Timer } from '../../scheduler/index.js';
import { limits } from '../../limits.js';
import type { Rings } from './rings.js';
import { Spin } from './spin.js';
import { ResourceError } from '../../errors.js';

/** Grants wait this long for a frame to the same peer that takes them along, but no longer than the spin. */
const GRANT_AFTER_MS = 0.03;
/** Attempts to sleep in one turn. After traffic UCX always finds work left at the first one. */
const ARM_ATTEMPTS = 3;

/** koffi's poll handle for one file descriptor. */
interface Poll {
  start(events: { readonly readable: boolean }, callback: () => void): void;
  stop(): void;
  close(): void;
  unref(): void;
}

/**
 * Drives the rings: in every turn of the event loop while there is traffic, otherwise by the event fd.
 *
 *     turning --(no news for the spin time)--> asleep on the event fd --(readable)--> turning
 */
export class Progress {
  readonly #rings: Rings;
  readonly #scheduler: Scheduler;
  readonly #poll: Poll;
  /** Submits grants: those that are urgent, or all. Returns true if it has submitted one. */
  readonly #grant: (which: 'urgent' | 'all') => boolean;
  readonly #turn = (): void => this.#runTurn();
  readonly #woken = (): void => this.#wokenUp();
  readonly #forgetEnd: () => void;
  readonly #spin = new Spin();
  #isTurning = false;
  #isAsleep = false;
  #isClosed = false;
  #idleSinceMs: number | undefined;
  #asleepSinceMs = 0;
  #timer: Timer | undefined;

  constructor(rings: Rings, scheduler: Scheduler, grant: (which: 'urgent' | 'all') => boolean) {
    this.#rings = rings;
    this.#scheduler = scheduler;
    this.#grant = grant;
    const fd = rings.eventFd;
    if (fd < 0) throw new ResourceError('The UCX rings have no event fd.');
    // Started only while asleep: an error inside a libuv callback would end the whole process.
    this.#poll = rings.shim.koffi.node.poll(fd, { readable: true }, this.#woken) as Poll;
    this.#poll.stop();
    this.#poll.unref();
    // A libuv callback during the end of its thread would call JavaScript that no longer runs, and abort the whole process.
    this.#forgetEnd = atExit(() => this.close());
  }

  /** Submits at once. Completions are dispatched in a later turn. */
  flush(): void {
    if (this.#isClosed) return;
    // First: rings that turn are taken for awake, and then the poll must have stopped (see silenceThread).
    this.wake();
    this.#rings.turn(0);
  }

  /** Schedules a turn, and restarts the spin time. */
  wake(): void {
    this.#idleSinceMs = undefined;
    if (this.#isTurning || this.#isClosed) return;
    this.#leaveSleep();
    this.#isTurning = true;
    this.#scheduler.scheduleYield(this.#turn);
  }

  /** Idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#leaveSleep();
    this.#poll.close();
    this.#forgetEnd();
  }

  #runTurn(): void {
    this.#isTurning = false;
    if (this.#isClosed) return;
    // The first news are often only those that `flush` has left, of frames sent.
    if (this.#takeNews() || this.#takeNews()) this.wake();
    else if (!this.#isClosed) this.#idle();
  }

  /** Returns true if something has arrived from a peer. */
  #takeNews(): boolean {
    if (this.#isClosed || (!this.#rings.hasNews && this.#rings.turn(0) === 0)) return false;
    const isSpinning = this.#idleSinceMs !== undefined;
    const hasArrived = this.#rings.dispatch();
    this.#idleSinceMs = undefined;
    if (hasArrived && isSpinning) this.#spin.hit();
    this.#grant('urgent');
    return hasArrived;
  }

  #idle(): void {
    const nowMs = this.#scheduler.now();
    const spinMs = this.#spin.lengthMs;
    this.#idleSinceMs ??= nowMs;
    const idleMs = nowMs - this.#idleSinceMs;
    if (idleMs >= Math.min(GRANT_AFTER_MS, spinMs) && this.#grant('all') && this.#rings.turn(0) > 0) this.#again();
    else if (idleMs < spinMs) this.#again();
    else this.#sleep(nowMs);
  }

  /** Schedules a turn, but does not restart the spin time. */
  #again(): void {
    if (this.#isTurning) return;
    this.#isTurning = true;
    this.#scheduler.scheduleYield(this.#turn);
  }

  #sleep(nowMs: number): void {
    const armed = this.#arm();
    if (armed === 0) return this.#again();
    this.#isAsleep = true;
    this.#asleepSinceMs = nowMs;
    this.#poll.start({ readable: true }, this.#woken);
    // No event reports that a stalled peer reads again, so we poll.
    if (armed === 2) this.#timer = this.#scheduler.setTimer(limits.stalledTurnMs, this.#woken);
  }

  /** See Rings.arm. 0 also if there are news. Each attempt in a turn of its own would delay a peer on the same processor. */
  #arm(): number {
    for (let left = ARM_ATTEMPTS; left > 0; left -= 1) {
      const armed = this.#rings.arm();
      if (armed !== 0) return armed;
      if (this.#rings.turn(0) > 0) return 0;
    }
    return 0;
  }

  #wokenUp(): void {
    if (!this.#isAsleep) return;
    this.#spin.slept(this.#scheduler.now() - this.#asleepSinceMs);
    this.wake();
  }

  #leaveSleep(): void {
    if (this.#timer !== undefined) this.#scheduler.clearTimer(this.#timer);
    this.#timer = undefined;
    if (!this.#isAsleep) return;
    this.#isAsleep = false;
    this.#poll.stop();
  }
}
