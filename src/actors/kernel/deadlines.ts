import type { Scheduler, Timer } from '../../scheduler/index.js';
import { AbortListeners } from '../../abort-listeners.js';
import { AskMeter } from './ask-meter.js';

export interface LateAskObserver {
  /** An ask made in this partition had no reply by its deadline. */
  askTimedOut(method: string, target: string, error: Error): void;
}

const TICK_MS = 16;
const SLOTS = 512;
/** Slots of deadlines that were not added to the wheel yet, that were removed from it, and that expire in this turn. */
export const NEVER_IN = -1;
const OUT = -2;
const DUE = -3;
/** Bit in the slot of a deadline whose ask is measured: checking it needs no further memory access. */
const MEASURED = SLOTS;

/** Something that expires; the wheel links it into a list, so that adding and removing touch no other memory. */
export abstract class Deadline {
  /** Scheduler time. */
  deadlineMs: number;
  /** Its slot in the wheel; NEVER_IN, OUT or DUE outside the wheel. */
  slot = NEVER_IN;
  previous: Deadline | undefined = undefined;
  next: Deadline | undefined = undefined;

  constructor(deadlineMs: number) {
    this.deadlineMs = deadlineMs;
  }

  /** Called in the first turn at or after the deadline, unless it was removed before. It may add the deadline again, with a later time. */
  abstract expire(): void;
}

/** A wait that is added in the next turn of the event loop. */
export interface LateWait {
  /** Adds itself, unless it has ended. */
  begin(nowMs: number): void;
}

/**
 * One timer for all asks: a hashed timer wheel of lists, each for 16 ms out of every 8.2 s. The scheduler's timer is set to the earliest
 * deadline that is known then. It is cleared one turn of the event loop after the last ask was answered, so that a program with one ask at
 * a time does not set it for every ask.
 */
export class Deadlines {
  readonly asks: AskMeter;
  /** Asks and streams whose callers may abort them. */
  readonly signals = new AbortListeners();
  /** Is told of asks that had no reply; undefined while nobody watches. */
  observer: LateAskObserver | undefined = undefined;
  /** Deadlines that were ever added to the wheel, and that were removed from it. */
  #added = 0;
  #removed = 0;
  /** Added deadlines that are no asks. */
  #waits = 0;
  /** The ask that raises `added` to this number is measured. */
  #measureAt = 1;
  readonly #slots: (Deadline | undefined)[] = Array.from<undefined>({ length: SLOTS });
  readonly #scheduler: Scheduler;
  #late: LateWait[] = [];
  #timer: Timer | undefined;
  #timerAtMs = Number.POSITIVE_INFINITY;
  /** Every deadline in an earlier tick was handled. */
  #tick = 0;
  #isReleasePlanned = false;
  readonly #onTimer: () => void = () => this.#advance();
  readonly #release: () => void = () => {
    this.#isReleasePlanned = false;
    if (this.count > 0) return;
    this.#clearTimer();
    // If few asks follow, the next sample must not be as far away as a high rate of asks has set it.
    const stride = this.asks.strideAt(this.#scheduler.now(), this.begun);
    this.#measureAt = Math.min(this.#measureAt, this.#added + stride);
  };

  readonly #addAllLate: () => void = () => {
    const nowMs = this.#scheduler.now();
    const late = this.#late;
    this.#late = [];
    for (const wait of late) wait.begin(nowMs);
  };

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
    this.asks = new AskMeter(scheduler);
  }

  get nowMs(): number {
    return this.#scheduler.now();
  }

  get count(): number {
    return this.#added - this.#removed;
  }

  /** Asks that were ever added. */
  get begun(): number {
    return this.#added - this.#waits;
  }

  /**
   * Adds a wait in the next turn of the event loop, unless it has ended by then: most waits for elements of a stream do. So they cost no look
   * at the clock, and time in which the event loop has stood still does not count.
   */
  addLate(wait: LateWait): void {
    if (this.#late.length === 0) this.#scheduler.scheduleYield(this.#addAllLate);
    this.#late.push(wait);
  }

  /** Adds a deadline that is no ask. */
  addWait(deadline: Deadline, nowMs: number): void {
    this.#waits++;
    this.#measureAt++;
    this.add(deadline, nowMs);
  }

  /** `nowMs` is the scheduler's time, which the caller has already. */
  add(deadline: Deadline, nowMs: number): void {
    const slot = tickOf(deadline.deadlineMs) & (SLOTS - 1);
    const first = this.#slots[slot];
    deadline.slot = slot;
    deadline.next = first;
    if (first !== undefined) first.previous = deadline;
    this.#slots[slot] = deadline;
    if (this.#added === this.#removed) this.#tick = tickOf(nowMs);
    this.#added++;
    if (this.#added >= this.#measureAt) this.#measure(deadline, nowMs);
    if (deadline.deadlineMs < this.#timerAtMs) this.#setTimer(deadline.deadlineMs, nowMs);
  }

  /** It will not expire. Does nothing for a deadline that was never added, that was removed, or that has expired. */
  remove(deadline: Deadline): void {
    if (deadline.slot < 0) {
      if (deadline.slot === DUE) deadline.slot = OUT;
      return;
    }
    this.#unlink(deadline);
    if (this.#added === this.#removed && !this.#isReleasePlanned) {
      this.#isReleasePlanned = true;
      this.#scheduler.scheduleYield(this.#release);
    }
  }

  *[Symbol.iterator](): Generator<Deadline> {
    for (const first of this.#slots) {
      for (let entry = first; entry !== undefined; entry = entry.next) yield entry;
    }
  }

  /** Clears the timer; nothing expires any more. */
  close(): void {
    this.#late.length = 0;
    this.#clearTimer();
  }

  #measure(deadline: Deadline, nowMs: number): void {
    deadline.slot |= MEASURED;
    this.#measureAt = this.#added + this.asks.begin(deadline, nowMs, this.begun);
  }

  #unlink(deadline: Deadline): void {
    const { previous, next, slot } = deadline;
    if (slot >= MEASURED) this.asks.end(deadline);
    if (previous === undefined) this.#slots[slot & (SLOTS - 1)] = next;
    else previous.next = next;
    if (next !== undefined) next.previous = previous;
    deadline.slot = OUT;
    deadline.previous = undefined;
    deadline.next = undefined;
    this.#removed++;
  }

  #advance(): void {
    this.#timer = undefined;
    this.#timerAtMs = Number.POSITIVE_INFINITY;
    const nowMs = this.#scheduler.now();
    const nowTick = tickOf(nowMs);
    const due: Deadline[] = [];
    for (let tick = Math.max(this.#tick, nowTick - SLOTS + 1); tick <= nowTick; tick++) {
      let entry = this.#slots[tick & (SLOTS - 1)];
      while (entry !== undefined) {
        if (entry.deadlineMs <= nowMs) due.push(entry);
        entry = entry.next;
      }
    }
    this.#tick = nowTick;
    due.sort((left, right) => left.deadlineMs - right.deadlineMs);
    for (const deadline of due) {
      this.#unlink(deadline);
      deadline.slot = DUE;
    }
    if (this.count > 0) this.#setTimer(this.#earliest(nowTick), nowMs);
    for (const deadline of due) {
      // The one before may have settled it, which removes it.
      if (deadline.slot !== DUE) continue;
      deadline.slot = OUT;
      deadline.expire();
    }
  }

  /** The next deadline within one revolution of the wheel; the end of the revolution when there is none. */
  #earliest(fromTick: number): number {
    for (let tick = fromTick; tick < fromTick + SLOTS; tick++) {
      let earliestMs = Number.POSITIVE_INFINITY;
      for (let entry = this.#slots[tick & (SLOTS - 1)]; entry !== undefined; entry = entry.next) {
        if (tickOf(entry.deadlineMs) <= tick) earliestMs = Math.min(earliestMs, entry.deadlineMs);
      }
      if (earliestMs < Number.POSITIVE_INFINITY) return earliestMs;
    }
    return (fromTick + SLOTS) * TICK_MS;
  }

  #setTimer(atMs: number, nowMs: number): void {
    this.#clearTimer();
    this.#timerAtMs = atMs;
    this.#timer = this.#scheduler.setTimer(Math.max(0, atMs - nowMs), this.#onTimer);
  }

  #clearTimer(): void {
    if (this.#timer !== undefined) this.#scheduler.clearTimer(this.#timer);
    this.#timer = undefined;
    this.#timerAtMs = Number.POSITIVE_INFINITY;
  }
}

function tickOf(timeMs: number): number {
  return Math.floor(timeMs / TICK_MS);
}
