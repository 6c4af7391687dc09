import type { AnyMethod } from '../../protocol/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import type { Mailbox } from './mailbox.js';
import { ServiceTime } from './service-time.js';

/** Messages of a mailbox whose times are added up; of a longer mailbox, as many are taken as a sample. */
const SAMPLE = 64;
/** Asks of one method are measured together until they have taken this long, in ms: most asks of a fast actor cost a counter. */
const RUN_MS = 0.2;
/** A faster message than this, in ms, delays nobody that much: 65,536 of them take 0.7 s, and then they are looked at in their turn. */
const SLOW_MS = 0.01;
/** A wait that is surely shorter than this, in ms, is not computed. */
const NEGLIGIBLE_MS = 1;

/** An actor that is done in less than this part of the time that was foreseen when it refused an ask has been foreseen wrongly. */
const FAR_TOO_LONG = 1 / 4;

/**
 * Measures how long the messages of one actor hold its mailbox, and predicts from that how long a message will wait. A message is
 * measured from the moment when it leaves the mailbox to the moment when the next one does, the actor's turn ends, or what its handler
 * awaits is done. So other work of the event loop, and the turns of other actors, count only while a handler awaits. When nothing waits there
 * is nothing to predict, and nothing is measured.
 *
 * The clock is read for each ask anyway, because of its deadline. Tells in a row are measured together, so that most of them cost a
 * counter.
 */
export class ServiceMeter {
  readonly #scheduler: Scheduler;
  /** Times of asks and of the steps of streams. */
  readonly #times = new Map<AnyMethod, ServiceTime>();
  #tells = new ServiceTime();
  #lastMethod: AnyMethod | undefined;
  #lastTime = this.#tells;
  /** No message takes longer than this, in ms; 0 while nothing is known. */
  longestMs = 0;
  /** What is measured now: since when (-1: nothing), and how many messages. */
  #measured = this.#tells;
  #measuredMethod: AnyMethod | undefined;
  #sinceMs = -1;
  #count = 0;
  /** Messages wait, and none is handled: the next one is measured, also a tell. */
  #isPaused = false;
  /** What was foreseen when an ask was refused, the first since nothing waited: when, and for how long there was work; 0 for none. */
  #refusedAtMs = 0;
  #foreseenMs = 0;
  /** Time in ms since the actor has let the event loop go on. */
  #heldMs = 0;
  #isTurnOver = false;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  /** The actor takes no further message in this turn. */
  get isTurnOver(): boolean {
    return this.#isTurnOver;
  }

  endTurn(): void {
    this.#isTurnOver = true;
  }

  turnEnded(): void {
    this.#isTurnOver = false;
  }

  /** Nothing is measured, and an ask behind which nothing waits has not to be: the actor keeps up. */
  get isIdle(): boolean {
    return this.#sinceMs < 0 && !this.isSlow;
  }

  /** True for an ask that follows others of its method which have taken little time: it is measured with them. */
  continues(method: AnyMethod, nowMs: number): boolean {
    if (method !== this.#measuredMethod || nowMs - this.#sinceMs >= RUN_MS) return false;
    this.#count++;
    return true;
  }

  /** An ask, or a step of a stream, leaves the mailbox: the message before it is done. */
  ended(nowMs: number): void {
    if (this.#sinceMs < 0) return;
    const totalMs = nowMs - this.#sinceMs;
    this.#heldMs += totalMs;
    this.longestMs = Math.max(this.longestMs, totalMs / this.#count);
    if (this.#measured.add(totalMs, this.#count, nowMs)) this.longestMs = this.#longestMean(nowMs);
    this.#stop();
  }

  /** An ask, or a step of a stream, is handled from now on. True when after it the actor has held the event loop for `turnMs`. */
  began(method: AnyMethod, nowMs: number, turnMs: number): boolean {
    this.#measured = this.#timeOf(method);
    this.#measuredMethod = method;
    this.#sinceMs = nowMs;
    this.#count = 1;
    this.#isPaused = false;
    if (this.#heldMs + this.longestMs < turnMs) return false;
    if (this.#heldMs + this.#measured.meanMs(nowMs) < turnMs) return false;
    this.#heldMs = 0;
    return true;
  }

  /** A tell leaves the mailbox, and is handled from now on. */
  beganTell(): void {
    if (this.#sinceMs < 0 && !this.#isPaused) return;
    if (this.#sinceMs < 0 || this.#measured !== this.#tells) {
      const nowMs = this.#scheduler.now();
      this.ended(nowMs);
      this.#measured = this.#tells;
      this.#sinceMs = nowMs;
      this.#count = 0;
      this.#isPaused = false;
    }
    this.#count++;
  }

  /** The actor has let go of the event loop, or what its handler has awaited is done. Other messages may wait. */
  paused(): void {
    if (this.#sinceMs < 0) return;
    this.ended(this.#scheduler.now());
    this.#isPaused = true;
  }

  /** The last message is done, and no other one waits. It is measured where this may show that the actor is not slow any more. */
  drained(): void {
    this.#isPaused = false;
    if (this.#foreseenMs > 0) this.#compare(this.#scheduler.now());
    if (this.#sinceMs < 0) return;
    if (this.isSlow) this.ended(this.#scheduler.now());
    else this.#stop();
  }

  /** An ask is refused, because there is work for `waitMs`. */
  refused(waitMs: number, nowMs: number): void {
    if (this.#foreseenMs > 0) return;
    this.#refusedAtMs = nowMs;
    this.#foreseenMs = waitMs;
  }

  /** Nothing waits any more: what was refused shows whether that was right. If not, what is known is wrong, and is forgotten. */
  #compare(nowMs: number): void {
    const isFarTooLong = nowMs - this.#refusedAtMs < this.#foreseenMs * FAR_TOO_LONG;
    this.#foreseenMs = 0;
    if (!isFarTooLong) return;
    this.#stop();
    this.#times.clear();
    this.#tells = new ServiceTime();
    this.#lastMethod = undefined;
    this.longestMs = 0;
  }

  /** Time in ms that most messages of this method take; 0 when it is unknown. */
  serviceMs(method: AnyMethod, nowMs: number): number {
    return this.#timeOf(method).mostlyMs(nowMs);
  }

  /** Messages take so long that a mailbox of them may hold an ask for too long. */
  get isSlow(): boolean {
    return this.longestMs > SLOW_MS;
  }

  /** False when a new message need not wait for a time that matters. */
  mayWait(mailbox: Mailbox | undefined, isBusy: boolean): boolean {
    return ((mailbox?.size ?? 0) + (isBusy ? 1 : 0)) * this.longestMs > NEGLIGIBLE_MS;
  }

  /** Time in ms until a new message would be handled. `isBusy`: the message being handled holds the mailbox. */
  waitMs(mailbox: Mailbox | undefined, isBusy: boolean, nowMs: number): number {
    const currentMs = isBusy ? this.#remainingMs(nowMs) : 0;
    return currentMs + (mailbox === undefined ? 0 : this.queuedMs(mailbox, nowMs));
  }

  /** Time in ms to handle all that waits. */
  queuedMs(mailbox: Mailbox, nowMs: number): number {
    const { size } = mailbox;
    const stride = Math.max(1, Math.floor(size / SAMPLE));
    let sumMs = 0;
    let sampled = 0;
    let method: AnyMethod | undefined;
    let meanMs = 0;
    for (let index = 0; index < size; index += stride) {
      const next = mailbox.methodAt(index);
      if (next !== method && next !== undefined) {
        method = next;
        meanMs = this.#timeOf(next).meanMs(nowMs);
      }
      sumMs += meanMs;
      sampled++;
    }
    return sampled === 0 ? 0 : (sumMs / sampled) * size;
  }

  #stop(): void {
    this.#sinceMs = -1;
    this.#measuredMethod = undefined;
  }

  /** What is left of the message being handled, which holds the mailbox. */
  #remainingMs(nowMs: number): number {
    if (this.#sinceMs < 0) return 0;
    const meanMs = this.#measured.meanMs(nowMs);
    return this.#measured === this.#tells ? meanMs : Math.max(0, meanMs - (nowMs - this.#sinceMs));
  }

  #timeOf(method: AnyMethod): ServiceTime {
    if (method.mode === 'tell') return this.#tells;
    if (method === this.#lastMethod) return this.#lastTime;
    let time = this.#times.get(method);
    if (time === undefined) {
      time = new ServiceTime();
      this.#times.set(method, time);
    }
    this.#lastMethod = method;
    this.#lastTime = time;
    return time;
  }

  #longestMean(nowMs: number): number {
    let longestMs = this.#tells.meanMs(nowMs);
    for (const time of this.#times.values()) longestMs = Math.max(longestMs, time.meanMs(nowMs));
    return longestMs;
  }
}
