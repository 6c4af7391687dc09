import { BackpressureError, ReentrantAskError, StoppedError } from '../../errors.js';
import type { AnyMethod, Lane, Ref } from '../../protocol/index.js';
import { nodeKey } from './actor-node.js';
import {
  type AskOptions,
  outgoingTell,
  type SendOptions,
  type StreamOptions,
  type WaitingActor,
  type WaitingAsk,
} from './call.js';
import { type CallChain, type ChainMember, chainIncludes } from './call-chain.js';
import { type Delivery, isAsk } from './delivery.js';
import type { TurnTaker } from './dispatcher.js';
import type { Kernel } from './kernel.js';
import { LocalAsk } from './local-ask.js';
import type { Mailbox, MailboxBounds } from './mailbox.js';
import type { AnyBehavior } from './behavior.js';
import { refusedOnArrival } from './admission.js';
import type { ServiceMeter } from './service-meter.js';
import { ColdState, stoppedForGood } from './cold-state.js';
import { ReadyQueue } from './ready-queue.js';
import { ServedStream, type StreamHost } from './served-stream.js';
import { Stash } from './stash.js';
import type { Stream, StreamOpening, StreamSource } from './stream.js';
import { type MeteredLink, type Place, type RoomHost, WaitingRoom } from './waiting-room.js';

/**
 *     starting --> running <--> restarting        (a restart ends in starting)
 *         \           |            /
 *          `------> stopping <----'  --> stopped
 */
export type Phase = 'starting' | 'running' | 'restarting' | 'stopping' | 'stopped';

/** As `Lane.control`: the kernel loads no code of the protocol room. */
const CONTROL_LANE: Lane = 0;

/** The receiving half of a cell: accepts messages, and keeps them until the actor's turn. */
export abstract class Inbox implements ChainMember, RoomHost, TurnTaker, StreamHost, WaitingActor {
  readonly kernel: Kernel;
  abstract readonly behavior: AnyBehavior;
  abstract readonly path: string;
  abstract readonly cUid: bigint;
  abstract readonly incarnation: bigint;
  takenCUid: bigint | undefined = undefined;
  phase: Phase;
  isQueued = false;
  /** The pending promise of a handler or hook; the actor takes no turn meanwhile. */
  pending: Promise<unknown> | undefined = undefined;
  cold: ColdState | undefined = undefined;
  lastAsk: WaitingAsk | undefined = undefined;
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

  get [nodeKey](): true {
    return true;
  }

  /** Its handler is running now, synchronously. */
  protected abstract readonly isRunning: boolean;

  get isHeld(): boolean {
    return this.pending !== undefined;
  }

  asks(ask: WaitingAsk): void {
    this.lastAsk = ask;
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

  tell(method: AnyMethod, message: unknown, options: SendOptions | undefined): boolean {
    if (!this.isOpen) {
      this.kernel.deadLetters.add(this, method.fullName, message, 'stopped');
      return false;
    }
    const { running, contexts } = this.kernel;
    const isBare = options === undefined && running === undefined && !contexts.isInUse;
    return this.accept(method, message, isBare ? undefined : outgoingTell(options, running, contexts));
  }

  ask(method: AnyMethod, message: unknown, options: AskOptions | undefined): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const { kernel } = this;
      const nowMs = kernel.scheduler.now();
      const call = kernel.outgoing(options, nowMs);
      const ask = new LocalAsk(kernel, this, method, call, options, resolve, reject);
      if (this.refuses(method, ask)) return;
      ask.start(nowMs);
      if (!ask.isSettled) this.accept(method, message, ask);
      ask.isUnderWay = true;
    });
  }

  /** Messages in the mailbox, oldest first. */
  get waiting(): readonly unknown[] {
    return this.mailbox?.all ?? [];
  }

  stream(method: AnyMethod, message: unknown, options: StreamOptions | undefined): Stream<unknown> {
    return this.kernel.read(method, options, this, (sink, { chain, meta, caller, trace }, start) => {
      const sender = (): Ref | undefined => caller?.toRef();
      const asyncContext = this.kernel.contexts.capture();
      const stream = this.begin(method, { ...start, chain, meta, trace, sender, asyncContext, sizeBytes: 0, sink });
      if (!stream.isEnded && !this.refuses(method, stream)) this.accept(method, message, stream);
      return stream;
    });
  }

  serve(method: AnyMethod, message: unknown, opening: StreamOpening): StreamSource {
    const stream = this.begin(method, opening);
    if (!stream.isEnded) this.deliver(method, message, stream);
    return stream;
  }

  private begin(method: AnyMethod, opening: StreamOpening): ServedStream {
    const stream = new ServedStream(this, method, opening);
    const { served } = this.coldState().streams;
    served.add(stream);
    this.kernel.openStreams++;
    const { actorStreams } = this.kernel.limits;
    if (served.size > actorStreams) {
      stream.fail(new BackpressureError(`${this.path} already serves ${actorStreams} streams (actorStreams)`));
    }
    return stream;
  }

  served(stream: ServedStream): void {
    if (this.cold?.streams.served.delete(stream) === true) this.kernel.openStreams--;
  }

  /** Ignores the mailbox's bound: an actor has room for one pull of each stream that it serves. */
  queuePull(stream: ServedStream): void {
    if (this.phase !== 'running') return;
    this.mailbox ??= this.kernel.mailboxes.take();
    this.mailbox.push(stream.method, undefined, stream);
    this.coldState().streams.queued++;
    if (!this.isQueued && this.pending === undefined) this.kernel.dispatcher.add(this);
  }

  deliver(method: AnyMethod, message: unknown, delivery: Delivery | undefined): boolean {
    const { mailboxBytes, deadLetters } = this.kernel;
    if (isAsk(delivery)) {
      if (this.refuses(method, delivery)) return true;
    } else if (!this.isOpen) {
      deadLetters.add(this, method.fullName, message, 'stopped');
      throw this.stoppedError(method);
    }
    const isBounded = method.lane !== CONTROL_LANE;
    if (isBounded && mailboxBytes.isFull && (isAsk(delivery) || this.bounds.overflow !== 'backpressure')) {
      const error = bytesFull(mailboxBytes.limit);
      this.lose(method, message, delivery, error);
      if (isAsk(delivery)) return false;
      throw error;
    }
    const { sizeBytes = 0 } = delivery ?? {};
    mailboxBytes.take(sizeBytes);
    try {
      return this.accept(method, message, delivery) && !(isBounded && mailboxBytes.isPastMark);
    } catch (error) {
      mailboxBytes.release(sizeBytes);
      deadLetters.add(this, method.fullName, message, 'overflow');
      throw error;
    }
  }

  get isPastMark(): boolean {
    return this.load > this.bounds.mark;
  }

  get isOutOfBytes(): boolean {
    return this.kernel.mailboxBytes.isFull;
  }

  mustWait(lane: Lane, link: Pick<MeteredLink, 'peer'>): boolean {
    const { mailbox, cold } = this;
    if (mailbox === undefined || this.bounds.overflow !== 'backpressure' || !this.isOpen) return false;
    if (mailbox.size >= this.bounds.capacity && this.load >= this.bounds.capacity) return true;
    if (lane !== CONTROL_LANE && this.isOutOfBytes) return true;
    return cold?.waitingRoom?.isAheadOf(link) === true;
  }

  meterLink(link: MeteredLink): Place {
    const cold = this.coldState();
    cold.waitingRoom ??= new WaitingRoom(this);
    return cold.waitingRoom.enter(link);
  }

  /** The mailbox is empty: parked messages enter it. False when there are none. */
  protected refill(): boolean {
    this.cold?.waitingRoom?.refill();
    return this.mailbox !== undefined;
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

  get isBusy(): boolean {
    return this.pending !== undefined;
  }

  /** Answers an ask that must not reach the mailbox. */
  private refuses(method: AnyMethod, ask: Delivery): boolean {
    if (!this.isOpen) ask.fail(this.stoppedError(method));
    else if (ask.chain !== undefined && this.waitsIn(ask.chain)) {
      ask.fail(
        new ReentrantAskError(
          `${method.fullName} asked ${this.path}, which waits for a reply in the same chain of asks: use a tell instead`,
        ),
      );
    } else
      return this.serviceMeter?.isSlow === true && refusedOnArrival(this, this.serviceMeter, this.mailbox, method, ask);
    return true;
  }

  /** It is a member of this chain, and waits. */
  waitsIn(chain: CallChain): boolean {
    return (this.pending !== undefined || this.isRunning) && chainIncludes(chain, this);
  }

  private accept(method: AnyMethod, message: unknown, delivery: Delivery | undefined): boolean {
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
    while (mailbox.delivery instanceof ServedStream && mailbox.delivery.isQueued) {
      const { delivery } = mailbox;
      mailbox.drop();
      mailbox.push(delivery.method, undefined, delivery);
    }
  }

  private release(delivery: Delivery | undefined): void {
    if (delivery !== undefined) this.kernel.mailboxBytes.release(delivery.sizeBytes);
  }

  private lose(method: AnyMethod, message: unknown, delivery: Delivery | undefined, error: BackpressureError): void {
    if (isAsk(delivery)) delivery.fail(error);
    else this.kernel.deadLetters.add(this, method.fullName, message, 'overflow');
  }

  ready(): Promise<void> {
    if (!this.isOpen) return Promise.reject(stoppedForGood(this.path));
    const waiters = this.cold?.readyWaiters;
    if (this.load < this.bounds.mark && (waiters === undefined || waiters.size === 0)) return Promise.resolve();
    return this.coldState().readyWaiters.wait();
  }

  /** The message being handled is stashed when its handler is done. Throws BackpressureError when the stash is full. */
  stash(): void {
    const cold = this.coldState();
    cold.stash ??= new Stash(this.bounds.stash, this);
    cold.stash.mark(this.kernel.scheduler.now(), (ask) => this.release(ask));
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
    if (isAsk(delivery)) delivery.fail(this.stoppedError(method));
    else this.kernel.deadLetters.add(this, method.fullName, message, 'stopped');
  }

  private stoppedError(method: AnyMethod): StoppedError {
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

function bytesFull(limit: number): BackpressureError {
  return new BackpressureError(
    `messages of ${limit} bytes (mailboxBytes) already wait in the mailboxes of the receiver's partition: await ref.ready() and send again`,
  );
}
