import { BackpressureError, StoppedError } from '../../errors.js';
import type { AnyMethod } from '../../protocol/index.js';
import { dropMessage } from './arriving-message.js';
import { ColdState } from './cold-state.js';
import { type Delivery, isAsk } from './delivery.js';
import type { TurnTaker } from './dispatcher.js';
import type { Kernel } from './kernel.js';
import type { Mailbox, MailboxBounds } from './mailbox.js';
import { ReadyQueue } from './ready-queue.js';
import type { ServiceMeter } from './service-meter.js';
import { Stash } from './stash.js';

/**
 *     starting --> running <--> restarting        (a restart ends in starting)
 *         \           |            /
 *          `------> stopping <----'  --> stopped
 */
export type Phase = 'starting' | 'running' | 'restarting' | 'stopping' | 'stopped';

/** The messages that an actor has accepted and not handled: in its mailbox, stashed, or parked beside the mailbox. */
export abstract class HeldMessages implements TurnTaker {
  readonly kernel: Kernel;
  abstract readonly path: string;
  abstract readonly cUid: bigint;
  phase: Phase;
  isQueued = false;
  /** The pending promise of a handler or hook; the actor takes no turn meanwhile. */
  pending: Promise<unknown> | undefined = undefined;
  cold: ColdState | undefined = undefined;
  /** Undefined while the mailbox is empty. */
  protected mailbox: Mailbox | undefined = undefined;
  /** Created when an ask is taken while other messages wait: an actor that keeps up has none. */
  serviceMeter: ServiceMeter | undefined = undefined;
  /** Its asks have held the event loop for `turnMs`: it goes on after the event loop had a turn. */
  isTurnOver = false;
  readonly bounds: MailboxBounds;

  constructor(kernel: Kernel, bounds: MailboxBounds, phase: Phase) {
    this.kernel = kernel;
    this.bounds = bounds;
    this.phase = phase;
  }

  abstract takeTurn(budget: number): number;

  /** Requests a turn, unless one is queued already. */
  wake(): void {
    if (!this.isQueued) this.kernel.dispatcher.add(this);
  }

  coldState(): ColdState {
    this.cold ??= new ColdState(new ReadyQueue(this.kernel.scheduler, () => this.load < this.bounds.mark));
    return this.cold;
  }

  /** It accepts messages; during a restart they wait. */
  get isOpen(): boolean {
    return this.phase !== 'stopping' && this.phase !== 'stopped';
  }

  get hasMessages(): boolean {
    return this.mailbox !== undefined;
  }

  /** Messages in the mailbox, oldest first. */
  get waiting(): readonly unknown[] {
    return this.mailbox?.all ?? [];
  }

  protected accept(method: AnyMethod, message: unknown, delivery: Delivery | undefined): boolean {
    let mailbox = this.mailbox;
    if (mailbox === undefined) {
      mailbox = this.kernel.mailboxes.take();
      this.mailbox = mailbox;
    } else if (mailbox.size >= this.bounds.capacity && this.load >= this.bounds.capacity) {
      return this.overflow(mailbox, method, message, delivery);
    }
    mailbox.push(method, message, delivery);
    if (!this.isQueued && this.pending === undefined && this.phase === 'running') this.kernel.dispatcher.add(this);
    return mailbox.size <= this.bounds.mark || this.load <= this.bounds.mark;
  }

  /** Messages in the mailbox that count against its capacity: all but pulls. */
  get load(): number {
    return (this.mailbox?.size ?? 0) - (this.cold?.streams.queued ?? 0);
  }

  private overflow(mailbox: Mailbox, method: AnyMethod, message: unknown, delivery: Delivery | undefined): boolean {
    const { overflow } = this.bounds;
    if (overflow === 'drop-oldest' && mailbox.method !== undefined) {
      this.passPulls(mailbox);
      const { method: oldMethod, message: oldMessage, delivery: oldDelivery } = mailbox;
      mailbox.drop();
      mailbox.push(method, message, delivery);
      this.release(oldDelivery);
      this.lose(oldMethod, oldMessage, oldDelivery, this.fullError());
    } else if (overflow === 'drop-newest' || isAsk(delivery)) {
      this.release(delivery);
      this.lose(method, message, delivery, this.fullError());
    } else throw this.fullError();
    return false;
  }

  /** Moves pulls at the head to the end, so that the oldest entry is a message. */
  private passPulls(mailbox: Mailbox): void {
    for (
      let { method, delivery } = mailbox;
      method !== undefined && delivery?.isPull === true;
      { method, delivery } = mailbox
    ) {
      mailbox.drop();
      mailbox.push(method, undefined, delivery);
    }
  }

  private release(delivery: Delivery | undefined): void {
    if (delivery !== undefined) this.kernel.mailboxBytes.release(delivery.sizeBytes);
  }

  protected lose(method: AnyMethod, message: unknown, delivery: Delivery | undefined, error: BackpressureError): void {
    dropMessage(message);
    if (isAsk(delivery)) delivery.fail(error);
    else this.kernel.deadLetters.add(this, method.fullName, message, 'overflow');
  }

  /** The mailbox is empty: parked messages enter it. False when there are none. */
  protected refill(): boolean {
    this.cold?.waitingRoom?.refill();
    return this.mailbox !== undefined;
  }

  /** A turn has handled messages. */
  protected progressed({ idle, readyWaiters, waitingRoom }: ColdState): void {
    idle?.touch();
    readyWaiters.progressed();
    waitingRoom?.progressed();
  }

  /** A turn has ended: there may be room for those who wait. */
  protected drained(cold: ColdState): void {
    const { waitingRoom } = cold;
    if (waitingRoom !== undefined) {
      waitingRoom.admit();
      if (waitingRoom.isEmpty) cold.waitingRoom = undefined;
    }
    if (this.load <= this.bounds.resume) cold.readyWaiters.wake();
  }

  /** The message being handled is stashed when its handler is done. Throws BackpressureError when the stash is full. */
  stash(): void {
    const cold = this.coldState();
    cold.stash ??= new Stash(this.bounds.stash, this);
    cold.stash.mark(this.kernel.scheduler.now(), (ask) => this.release(ask));
  }

  hasStashed(delivery: Delivery): boolean {
    return this.cold?.stash?.has(delivery) === true;
  }

  /** As `returnStash`; where the message being handled will be stashed, when that has happened. */
  unstash(): void {
    const stash = this.cold?.stash;
    if (stash?.isMarked === true) stash.isReturning = true;
    else this.returnStash();
  }

  /** Moves stashed messages to the front of the mailbox, even past its bound, because they were accepted before. */
  returnStash(): void {
    const stash = this.cold?.stash;
    if (stash === undefined || stash.size === 0) return;
    this.mailbox ??= this.kernel.mailboxes.take();
    stash.moveTo(this.mailbox);
    if (this.pending === undefined && this.phase === 'running') this.wake();
  }

  /** The handler of this message has called `ctx.stash()`, and is done. */
  protected addToStash(stash: Stash, method: AnyMethod, message: unknown, delivery: Delivery | undefined): void {
    if (this.isOpen) {
      this.kernel.mailboxBytes.take(delivery?.sizeBytes ?? 0);
      stash.keep(method, message, delivery);
    } else this.refuse(method, message, delivery);
    this.unmark(stash);
  }

  /** The handler that may have called `ctx.stash()` is done, or has failed. */
  unmark(stash: Stash): void {
    stash.isMarked = false;
    if (!stash.isReturning) return;
    stash.isReturning = false;
    if (this.isOpen) this.returnStash();
  }

  /** Answers all asks in the stash and the mailbox; tells there, and those that are parked, become dead letters. */
  flush(): void {
    this.returnStash();
    const { mailbox, cold } = this;
    this.mailbox = undefined;
    if (mailbox !== undefined) this.flushMailbox(mailbox);
    cold?.waitingRoom?.close();
  }

  private flushMailbox(mailbox: Mailbox): void {
    if (this.cold !== undefined) this.cold.streams.queued = 0;
    for (let { method } = mailbox; method !== undefined; { method } = mailbox) {
      const { message, delivery } = mailbox;
      mailbox.drop();
      this.release(delivery);
      this.refuse(method, message, delivery);
    }
    this.kernel.mailboxes.release(mailbox);
  }

  private refuse(method: AnyMethod, message: unknown, delivery: Delivery | undefined): void {
    dropMessage(message);
    if (isAsk(delivery)) delivery.fail(this.stoppedError(method));
    else this.kernel.deadLetters.addFor(this, method, message, delivery, 'stopped');
  }

  protected stoppedError(method: AnyMethod): StoppedError {
    return new StoppedError(`${method.fullName}: ${this.path} has stopped`);
  }

  private fullError(): BackpressureError {
    const { serviceMeter, mailbox } = this;
    // The mailbox is half empty then.
    const waitMs = mailbox === undefined ? 0 : (serviceMeter?.queuedMs(mailbox, this.kernel.scheduler.now()) ?? 0);
    return new BackpressureError(
      `the mailbox of ${this.path} is full (${this.bounds.capacity} messages): await ref.ready() and send again`,
      { retryAfterMs: waitMs === 0 ? undefined : Math.ceil(waitMs / 2) },
    );
  }
}
