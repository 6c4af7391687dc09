import { atExit, type Scheduler, type Timer } from '../../scheduler/index.js';
import { limits } from '../../limits.js';
import type { Rings } from './rings.js';
import { Spin } from './spin.js';
import { ResourceError } from '../../errors.js';

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
  /** Called after each turn, with whether it had news. Returns true if it has submitted more. */
  readonly #afterTurn: (hasNews: boolean) => boolean;
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

  constructor(rings: Rings, scheduler: Scheduler, afterTurn: (hasNews: boolean) => boolean) {
    this.#rings = rings;
    this.#scheduler = scheduler;
    this.#afterTurn = afterTurn;
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
    this.#rings.turn(0);
    this.wake();
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
    const hasNews = this.#rings.hasNews || this.#rings.turn(0) > 0;
    if (hasNews) this.#rings.dispatch();
    const hasMore = this.#afterTurn(hasNews);
    if (this.#isClosed || this.#isTurning) return;
    if (hasNews || hasMore) this.wake();
    else this.#idle();
  }

  #idle(): void {
    const nowMs = this.#scheduler.now();
    this.#idleSinceMs ??= nowMs;
    if (nowMs - this.#idleSinceMs < this.#spin.lengthMs) return this.#again();
    this.#sleep(nowMs);
  }

  /** Schedules a turn, but does not restart the spin time. */
  #again(): void {
    if (this.#isTurning) return;
    this.#isTurning = true;
    this.#scheduler.scheduleYield(this.#turn);
  }

  #sleep(nowMs: number): void {
    const armed = this.#rings.arm();
    // The first attempt after traffic always finds work left: it does not count as an expired spin.
    if (armed === 0) return this.#again();
    this.#spin.expired();
    this.#isAsleep = true;
    this.#asleepSinceMs = nowMs;
    this.#poll.start({ readable: true }, this.#woken);
    // No event reports that a stalled peer reads again, so we poll.
    if (armed === 2) this.#timer = this.#scheduler.setTimer(limits.stalledTurnMs, this.#woken);
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
