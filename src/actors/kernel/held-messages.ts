import { BackpressureError, StoppedError } from '../../errors.js';
import type { AnyMethod } from '../../protocol/index.js';
import { retryAfter } from './admission.js';
import { dropMessage } from './arriving-message.js';
import { ColdState } from './cold-state.js';
import { type Delivery, isAsk } from './delivery.js';
import type { TurnTaker } from './dispatcher.js';
import type { Kernel } from './kernel.js';
import type { Phase } from './actor-node.js';
import type { Mailbox, MailboxBounds } from './mailbox.js';
import type { ReadyQueue } from './ready-queue.js';
import { ServiceMeter } from './service-meter.js';
import type { Stash } from './stash.js';

/** The messages that an actor has accepted and not handled: in its mailbox, stashed, or parked beside the mailbox. */
export abstract class HeldMessages implements TurnTaker {
  readonly kernel: Kernel;
  abstract readonly path: string;
  abstract readonly cUid: bigint;
  readonly bounds: MailboxBounds;
  #phase: Phase;
  #isQueued = false;
  #pending: Promise<unknown> | undefined = undefined;
  #cold: ColdState | undefined = undefined;
  #mailbox: Mailbox | undefined = undefined;
  #serviceMeter: ServiceMeter | undefined = undefined;

  constructor(kernel: Kernel, bounds: MailboxBounds, phase: Phase) {
    this.kernel = kernel;
    this.bounds = bounds;
    this.#phase = phase;
  }

  get phase(): Phase {
    return this.#phase;
  }

  protected enter(phase: Phase): void {
    this.#phase = phase;
  }

  get isQueued(): boolean {
    return this.#isQueued;
  }

  queued(isQueued: boolean): void {
    this.#isQueued = isQueued;
  }

  /** The pending promise of a handler or hook; the actor takes no turn meanwhile. */
  get pending(): Promise<unknown> | undefined {
    return this.#pending;
  }

  /** The actor takes no turn from now on until `work` is done; undefined: it does. */
  protected holdFor(work: Promise<unknown> | undefined): void {
    this.#pending = work;
  }

  get isHeld(): boolean {
    return this.#pending !== undefined;
  }

  /** Undefined while the mailbox is empty. */
  protected get mailbox(): Mailbox | undefined {
    return this.#mailbox;
  }

  /** Created when an ask is taken while other messages wait: an actor that keeps up has none. */
  get serviceMeter(): ServiceMeter | undefined {
    return this.#serviceMeter;
  }

  measure(): ServiceMeter {
    this.#serviceMeter ??= new ServiceMeter(this.kernel.scheduler);
    return this.#serviceMeter;
  }

  /** Its asks have held the event loop for `turnMs`: it goes on after the event loop had a turn. */
  endTurn(): void {
    this.measure().endTurn();
    this.kernel.dispatcher.yieldAfter(this);
  }

  /** A turn has ended, of an actor whose messages are measured. */
  protected turnEnded(meter: ServiceMeter): void {
    meter.turnEnded();
    if (this.#pending !== undefined) return;
    if (this.#mailbox === undefined) meter.drained();
    else meter.paused();
  }

  abstract takeTurn(budget: number): number;

  /** Requests a turn, unless one is queued already. */
  wake(): void {
    if (!this.#isQueued) this.kernel.dispatcher.add(this);
  }

  get cold(): ColdState | undefined {
    return this.#cold;
  }

  coldState(): ColdState {
    this.#cold ??= new ColdState();
    return this.#cold;
  }

  protected readyQueue(): ReadyQueue {
    return this.coldState().readyQueue(this.kernel.scheduler, () => this.load < this.bounds.mark);
  }

  /** The actor has ended. */
  protected forgetCold(): void {
    this.#cold = undefined;
  }

  /** It runs, and is not told to stop. */
  get isOpen(): boolean {
    return this.#phase !== 'stopping' && this.#phase !== 'stopped';
  }

  /** It takes new messages, which wait during a restart: it is open, and does not drain. */
  get isAccepting(): boolean {
    return this.isOpen && this.#cold?.draining === undefined;
  }

  get hasMessages(): boolean {
    return this.#mailbox !== undefined;
  }

  /** Messages in the mailbox, oldest first. */
  get waiting(): readonly unknown[] {
    return this.#mailbox?.all ?? [];
  }

  waitingMethods(count: number): readonly string[] {
    const mailbox = this.#mailbox;
    const shown = Math.min(count, mailbox?.size ?? 0);
    return Array.from({ length: shown }, (_, index) => mailbox?.methodAt(index)?.name ?? '');
  }

  /** What is rare is in functions of its own: V8 then makes one piece of code of a call and what it does here. */
  protected accept(method: AnyMethod, message: unknown, delivery: Delivery | undefined): boolean {
    const mailbox = this.#mailbox;
    if (mailbox === undefined) return this.#acceptFirst(method, message, delivery);
    const { capacity, mark } = this.bounds;
    if (mailbox.size >= capacity && this.load >= capacity) return this.#overflow(mailbox, method, message, delivery);
    mailbox.push(method, message, delivery);
    if (!this.#isQueued) this.#wakeForMessage();
    return mailbox.size <= mark || this.load <= mark;
  }

  #acceptFirst(method: AnyMethod, message: unknown, delivery: Delivery | undefined): boolean {
    const mailbox = this.kernel.mailboxes.take();
    this.#mailbox = mailbox;
    mailbox.push(method, message, delivery);
    if (!this.#isQueued) this.#wakeForMessage();
    return true;
  }

  /** An actor that starts, restarts or waits takes its turn when that is over. */
  #wakeForMessage(): void {
    if (this.#pending === undefined && this.#phase === 'running') this.kernel.dispatcher.add(this);
  }

  /** The oldest message was taken out of the mailbox, or will be: removes it. */
  protected removeOldest(mailbox: Mailbox): void {
    mailbox.drop();
    if (mailbox.size > 0) return;
    this.#mailbox = undefined;
    this.kernel.mailboxes.release(mailbox);
  }

  /** Puts the next step of a message that was accepted before into the mailbox, even past its bound. False when the actor is not running. */
  queueTurn(method: AnyMethod, step: Delivery): boolean {
    if (this.#phase !== 'running') return false;
    this.#mailbox ??= this.kernel.mailboxes.take();
    this.#mailbox.push(method, undefined, step);
    this.coldState().streams.stepQueued();
    if (!this.#isQueued && this.#pending === undefined) this.kernel.dispatcher.add(this);
    return true;
  }

  /** Messages in the mailbox that count against its capacity: all but pulls. */
  get load(): number {
    return (this.#mailbox?.size ?? 0) - (this.#cold?.streams.queued ?? 0);
  }

  get parked(): number {
    return this.#cold?.waitingRoom?.parked ?? 0;
  }

  get stashed(): number {
    return this.#cold?.stash?.size ?? 0;
  }

  get unsettled(): number {
    return (this.#pending !== undefined || this.#isQueued ? 1 : 0) + (this.#cold?.unsettled ?? 0);
  }

  #overflow(mailbox: Mailbox, method: AnyMethod, message: unknown, delivery: Delivery | undefined): boolean {
    const { overflow } = this.bounds;
    if (overflow === 'drop-oldest' && mailbox.method !== undefined) {
      this.#passPulls(mailbox);
      const { method: oldMethod, message: oldMessage, delivery: oldDelivery } = mailbox;
      mailbox.drop();
      mailbox.push(method, message, delivery);
      this.#release(oldDelivery);
      this.lose(oldMethod, oldMessage, oldDelivery, this.#fullError());
    } else if (overflow === 'drop-newest' || isAsk(delivery)) {
      this.#release(delivery);
      this.lose(method, message, delivery, this.#fullError());
    } else throw this.#fullError();
    return false;
  }

  /** Moves pulls at the head to the end, so that the oldest entry is a message. */
  #passPulls(mailbox: Mailbox): void {
    for (
      let { method, delivery } = mailbox;
      method !== undefined && delivery?.isPull === true;
      { method, delivery } = mailbox
    ) {
      mailbox.drop();
      mailbox.push(method, undefined, delivery);
    }
  }

  #release(delivery: Delivery | undefined): void {
    if (delivery !== undefined) this.kernel.mailboxBytes.release(delivery.sizeBytes);
  }

  protected lose(method: AnyMethod, message: unknown, delivery: Delivery | undefined, error: BackpressureError): void {
    dropMessage(message);
    if (isAsk(delivery)) delivery.fail(error);
    else this.kernel.deadLetters.add(this, method.fullName, message, 'overflow');
  }

  /** The mailbox is empty: parked messages enter it. False when there are none. */
  protected refill(): boolean {
    this.#cold?.waitingRoom?.refill();
    return this.#mailbox !== undefined;
  }

  /** A turn has handled messages. */
  protected progressed({ idle, readyWaiters, waitingRoom }: ColdState): void {
    idle?.touch();
    readyWaiters?.progressed();
    waitingRoom?.progressed();
  }

  /** A turn has ended: there may be room for those who wait. */
  protected drained(cold: ColdState): void {
    const { waitingRoom } = cold;
    if (waitingRoom !== undefined) {
      waitingRoom.admit();
      if (waitingRoom.isEmpty) cold.closeWaitingRoom();
    }
    if (this.load <= this.bounds.resume) cold.readyWaiters?.wake();
  }

  /** The message being handled is stashed when its handler is done. Throws BackpressureError when the stash is full. */
  stash(): void {
    const stash = this.coldState().openStash(this.bounds.stash, this);
    stash.mark(this.kernel.scheduler.now(), (ask) => this.#release(ask));
  }

  hasStashed(delivery: Delivery): boolean {
    return this.#cold?.stash?.has(delivery) === true;
  }

  /** As `returnStash`; where the message being handled will be stashed, when that has happened. */
  unstash(): void {
    const stash = this.#cold?.stash;
    if (stash?.returnsWithMarked() !== true) this.returnStash();
  }

  /** Moves stashed messages to the front of the mailbox, even past its bound, because they were accepted before. */
  returnStash(): void {
    const stash = this.#cold?.stash;
    if (stash === undefined || stash.size === 0) return;
    this.#mailbox ??= this.kernel.mailboxes.take();
    stash.moveTo(this.#mailbox);
    if (this.#pending === undefined && this.#phase === 'running') this.wake();
  }

  /** The handler of this message has called `ctx.stash()`, and is done. */
  protected addToStash(stash: Stash, method: AnyMethod, message: unknown, delivery: Delivery | undefined): void {
    if (this.isOpen) {
      this.kernel.mailboxBytes.take(delivery?.sizeBytes ?? 0);
      stash.keep(method, message, delivery);
    } else this.#refuse(method, message, delivery);
    this.unmark(stash);
  }

  /** The handler that may have called `ctx.stash()` is done, or has failed. */
  protected unmark(stash: Stash): void {
    if (stash.unmark() && this.isOpen) this.returnStash();
  }

  /** Answers all asks in the stash and the mailbox; tells there, and those that are parked, become dead letters. */
  flush(): void {
    this.returnStash();
    const mailbox = this.#mailbox;
    this.#mailbox = undefined;
    if (mailbox !== undefined) this.#flushMailbox(mailbox);
    this.#cold?.waitingRoom?.close();
  }

  #flushMailbox(mailbox: Mailbox): void {
    this.#cold?.streams.stepsDropped();
    for (let { method } = mailbox; method !== undefined; { method } = mailbox) {
      const { message, delivery } = mailbox;
      mailbox.drop();
      this.#release(delivery);
      this.#refuse(method, message, delivery);
    }
    this.kernel.mailboxes.release(mailbox);
  }

  #refuse(method: AnyMethod, message: unknown, delivery: Delivery | undefined): void {
    dropMessage(message);
    if (isAsk(delivery)) delivery.fail(this.stoppedError(method));
    else this.kernel.deadLetters.addFor(this, method, message, delivery, 'stopped');
  }

  protected stoppedError(method: AnyMethod): StoppedError {
    const what = this.isOpen ? 'is stopping: it handles what it has accepted, and takes nothing new' : 'has stopped';
    return new StoppedError(`${method.fullName}: ${this.path} ${what}`);
  }

  #fullError(): BackpressureError {
    const mailbox = this.#mailbox;
    const serviceMeter = this.#serviceMeter;
    // The mailbox is half empty then.
    const waitMs = mailbox === undefined ? 0 : (serviceMeter?.queuedMs(mailbox, this.kernel.scheduler.now()) ?? 0);
    return new BackpressureError(
      `the mailbox of ${this.path} is full (${this.bounds.capacity} messages): await ref.ready() and send again`,
      { retryAfterMs: waitMs === 0 ? undefined : retryAfter(waitMs / 2) },
    );
  }
}
