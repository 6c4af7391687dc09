import { BackpressureError, MillraceError, ReentrantAskError, StoppedError } from '../../errors.js';
import type { AnyMethod, Lane, Ref } from '../../protocol/index.js';
import { nodeKey } from './actor-node.js';
import { refusedAtItsTurn, refusedOnArrival } from './admission.js';
import { dropMessage } from './arriving-message.js';
import type { AnyBehavior } from './behavior.js';
import { lendsRequest } from './borrowing.js';
import {
  type AskOptions,
  type Caller,
  outgoingTell,
  type Reader,
  type SendOptions,
  type StreamOptions,
  type WaitingAsk,
} from './call.js';
import { type CallChain, chainIncludes, waitingPath } from './call-chain.js';
import { reportFailedReply } from './deferred-reply.js';
import { type Delivery, isAsk, TellDelivery } from './delivery.js';
import { stoppedForGood } from './cold-state.js';
import { HeldMessages } from './held-messages.js';
import { isInfrastructure } from './infrastructure.js';
import { lentMessage } from './lent-message.js';
import { LocalAsk } from './local-ask.js';
import { replyOf } from './message-values.js';
import { LocalReadyWait, type ReadyOptions } from './ready-wait.js';
import { readRequests } from './request-reader.js';
import { requestsIn } from './requests.js';
import type { LaterCall, Room } from './route.js';
import { ServedStream, type StreamHost } from './served-stream.js';
import type { Stream, StreamOpening, StreamSource } from './stream.js';
import type { OpenStream } from './stream-call.js';
import { StreamReader } from './stream-reader.js';
import type { MeteredLink, LinkPlace, RoomHost } from './waiting-room.js';

/** As `Lane.control`: the kernel loads no code of the protocol room. */
const CONTROL_LANE: Lane = 0;
/** Messages among which an ask that is late is looked for: more of them may be late at once. */
const SEARCHED = 1_024;

/** The receiving half of a cell: accepts messages, or refuses them. */
export abstract class Inbox extends HeldMessages implements Caller, RoomHost, StreamHost {
  abstract readonly behavior: AnyBehavior;
  abstract readonly incarnation: bigint;
  abstract readonly current: Delivery | undefined;
  abstract readonly bareTell: TellDelivery;
  abstract readonly takenCUid: bigint | undefined;
  #lastAsk: WaitingAsk | undefined = undefined;

  get [nodeKey](): true {
    return true;
  }

  abstract toRef(): Ref;

  get lastAsk(): WaitingAsk | undefined {
    return this.#lastAsk;
  }

  asks(ask: WaitingAsk): void {
    this.#lastAsk = ask;
  }

  tell(method: AnyMethod, message: unknown, options: SendOptions | undefined): boolean {
    if (!this.isAccepting) {
      this.kernel.deadLetters.add(this, method.fullName, message, 'stopped');
      return false;
    }
    const { turn, contexts, dispatcher } = this.kernel;
    if (this.mailbox === undefined && !dispatcher.isArmed) contexts.lookForTell();
    const { actor } = turn;
    const isBare = options === undefined && actor === undefined && !contexts.isInUse;
    return this.accept(method, message, isBare ? undefined : outgoingTell(options, actor, contexts));
  }

  tellLent(method: AnyMethod, message: unknown, options: SendOptions | undefined): boolean {
    const lent = lentMessage(method.request, message, this.kernel.holdBytes);
    if (lent === message) return this.tell(method, message, options);
    try {
      const { turn, contexts } = this.kernel;
      const delivery = outgoingTell(options, turn.actor, contexts) ?? new TellDelivery(undefined, undefined);
      if (this.isAccepting) return this.accept(method, lent, delivery);
      this.kernel.deadLetters.add(this, method.fullName, lent, 'stopped');
      return false;
    } catch (error) {
      dropMessage(lent);
      throw error;
    }
  }

  ask(method: AnyMethod, message: unknown, options: AskOptions | undefined): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const { kernel } = this;
      const nowMs = kernel.scheduler.now();
      const isBare = options === undefined && kernel.turn.actor === undefined;
      const call = isBare ? undefined : kernel.calls.ask(options, nowMs);
      const deadlineMs = call === undefined ? nowMs + kernel.limits.askTimeoutMs : call.deadlineMs;
      const ask = new LocalAsk(kernel, this, method, call, deadlineMs, options, resolve, reject);
      if (this.#mayRefuse(call?.chain) && this.#refuses(method, ask)) return;
      ask.start(nowMs);
      if (!ask.isSettled) this.#acceptAsk(method, message, ask, call?.caller);
      ask.handedOver();
    });
  }

  #acceptAsk(method: AnyMethod, message: unknown, ask: LocalAsk, caller: Caller | undefined): void {
    let arrived: unknown;
    try {
      arrived = this.#arrived(method, message, caller, ask.deadlineMs);
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error;
      ask.fail(error);
      return;
    }
    this.accept(method, arrived, ask);
  }

  stream(method: AnyMethod, message: unknown, options: StreamOptions | undefined): Stream<unknown> {
    const open: OpenStream = (sink, { chain, meta, caller, trace }, start) => {
      const sender = (): Ref | undefined => caller?.toRef();
      const asyncContext = this.kernel.contexts.capture();
      const stream = this.#begin(method, { ...start, chain, meta, trace, sender, asyncContext, sizeBytes: 0, sink });
      if (!stream.isEnded && !this.#refuses(method, stream))
        this.accept(method, this.#arrived(method, message, caller, Number.POSITIVE_INFINITY), stream);
      return stream;
    };
    return new StreamReader(this.kernel, method, this.kernel.calls.stream(options), this, open, requestsIn(message));
  }

  serve(method: AnyMethod, message: unknown, opening: StreamOpening): StreamSource {
    const stream = this.#begin(method, opening);
    if (stream.isEnded) dropMessage(message);
    else this.deliver(method, message, stream);
    return stream;
  }

  /** A message of this partition as its handler gets it. */
  #arrived(method: AnyMethod, message: unknown, caller: Caller | undefined, deadlineMs: number): unknown {
    const requests = method.streamsRequests === true ? requestsIn(message) : undefined;
    if (requests === undefined)
      return lendsRequest(method) ? lentMessage(method.request, message, this.kernel.holdBytes) : message;
    requests.offer(this.kernel, caller);
    const sender = (): Ref | undefined => caller?.toRef();
    const open: OpenStream = (sink, { chain, meta, trace }, start) =>
      requests.open({ ...start, chain, meta, trace, sender, sizeBytes: 0, sink });
    return this.readRequests(method, open, deadlineMs);
  }

  readRequests(method: AnyMethod, open: OpenStream, deadlineMs: number): Stream<unknown> {
    return readRequests(this, method, open, deadlineMs);
  }

  reading(reader: Reader): void {
    if (this.phase === 'stopped') throw new StoppedError(`${this.path} cannot read a stream: it has stopped`);
    this.coldState().streams.read.add(reader);
  }

  readNoMore(reader: Reader): void {
    this.cold?.streams.read.delete(reader);
  }

  ready(options?: ReadyOptions, byMs?: number): Promise<void> {
    return new Promise((resolve) => {
      const call = this.kernel.calls.ready(options, byMs);
      if (!this.isAccepting) throw stoppedForGood(this.path);
      if (this.room === 'free') return resolve();
      if (call.chain !== undefined && this.waitsIn(call.chain)) {
        throw new ReentrantAskError(
          `ready() of ${this.path}, whose mailbox is full, was called by a handler that it waits for itself: it makes no room before that ` +
            `handler is done. Do not wait for ready() there`,
        );
      }
      const wait = new LocalReadyWait(this.kernel, this, call);
      wait.start();
      wait.join(this.readyQueue());
      resolve(wait.promise);
    });
  }

  get room(): Room {
    if (!this.isAccepting) return 'closed';
    return this.load < this.bounds.mark && this.cold?.readyWaiters?.isIdle !== false ? 'free' : 'full';
  }

  inherit(method: AnyMethod, options: StreamOptions | undefined): LaterCall {
    return this.kernel.calls.later(method, options);
  }

  #begin(method: AnyMethod, opening: StreamOpening): ServedStream {
    const stream = new ServedStream(this, method, opening);
    const { served } = this.coldState().streams;
    served.add(stream);
    this.kernel.counters.streamServed(stream);
    const { actorStreams } = this.kernel.limits;
    if (served.size > actorStreams) {
      stream.fail(new BackpressureError(`${this.path} already serves ${actorStreams} streams (actorStreams)`));
    }
    return stream;
  }

  served(stream: ServedStream): void {
    if (this.cold?.streams.served.delete(stream) !== true) return;
    this.kernel.counters.streamClosed(stream);
    this.cold.draining?.progressed();
  }

  messageOf(method: AnyMethod, value: unknown): unknown {
    return replyOf(method, value);
  }

  elementFailed(cause: unknown, answer: MillraceError, method: AnyMethod): void {
    reportFailedReply(this, cause, answer, method);
  }

  /** Ignores the mailbox's bound: an actor has room for one pull of each stream that it serves. */
  queuePull(stream: ServedStream): void {
    this.queueTurn(stream.method, stream);
  }

  deliver(method: AnyMethod, message: unknown, delivery: Delivery | undefined): boolean {
    const { mailboxBytes, deadLetters } = this.kernel;
    if (isAsk(delivery)) {
      if (this.#refuses(method, delivery)) {
        dropMessage(message);
        return true;
      }
    } else if (!this.isAccepting && this.cold?.waitingRoom?.isAdmitting !== true) {
      deadLetters.addFor(this, method, message, delivery, 'stopped');
      throw this.stoppedError(method);
    }
    const isBounded = method.lane !== CONTROL_LANE;
    if (isBounded && mailboxBytes.isFull && this.#isRefusedWhenFull(method, delivery)) {
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

  /** The mailboxes of the partition are out of bytes. What holds them may wait for a call of the runtime, which reads large fields. */
  #isRefusedWhenFull({ fullName }: AnyMethod, delivery: Delivery | undefined): boolean {
    return isAsk(delivery) ? !isInfrastructure(fullName) : this.bounds.overflow !== 'backpressure';
  }

  get isPastMark(): boolean {
    return this.load > this.bounds.mark;
  }

  get isOutOfBytes(): boolean {
    return this.kernel.mailboxBytes.isFull;
  }

  mustWait(lane: Lane, link: Pick<MeteredLink, 'peer'>): boolean {
    const { mailbox, cold } = this;
    if (mailbox === undefined || this.bounds.overflow !== 'backpressure' || !this.isAccepting) return false;
    if (mailbox.size >= this.bounds.capacity && this.load >= this.bounds.capacity) return true;
    if (lane !== CONTROL_LANE && this.isOutOfBytes) return true;
    return cold?.waitingRoom?.isAheadOf(link) === true;
  }

  meterLink(link: MeteredLink): LinkPlace {
    return this.coldState().openWaitingRoom(this).enter(link);
  }

  /** False for an ask that has no reason to be refused, as most. */
  #mayRefuse(chain: CallChain | undefined): boolean {
    return chain !== undefined || this.serviceMeter !== undefined || !this.isAccepting;
  }

  /** Answers an ask that must not reach the mailbox. */
  #refuses(method: AnyMethod, ask: Delivery): boolean {
    if (!this.isAccepting) ask.fail(this.stoppedError(method));
    else if (ask.chain !== undefined && this.waitsIn(ask.chain)) {
      ask.fail(
        new ReentrantAskError(
          `${method.fullName} asked ${this.path}, which waits for a reply in the same chain of asks, so that none of them could answer: ` +
            `${waitingPath(ask.chain, this, (cUid) => this.kernel.directory.nameOf(cUid))}. Answer with later(), or use a tell`,
        ),
      );
    } else
      return this.serviceMeter?.isSlow === true && refusedOnArrival(this, this.serviceMeter, this.mailbox, method, ask);
    return true;
  }

  /** The delivery has left the mailbox. True for an ask that is refused. An actor that keeps up has no meter, and looks at the deadline alone. */
  protected isRefused(method: AnyMethod, delivery: Delivery): boolean {
    const { sizeBytes, deadlineMs } = delivery;
    if (sizeBytes > 0) this.kernel.mailboxBytes.release(sizeBytes);
    if (deadlineMs === Number.POSITIVE_INFINITY) {
      this.serviceMeter?.beganTell();
      return false;
    }
    const nowMs = this.kernel.scheduler.now();
    if (deadlineMs > nowMs && this.serviceMeter === undefined && this.mailbox === undefined) return false;
    return refusedAtItsTurn(this, this.mailbox, method, delivery, nowMs);
  }

  placeOf(delivery: Delivery): 'mailbox' | 'handler' | 'unknown' {
    if (this.current === delivery) return 'handler';
    const { mailbox } = this;
    return mailbox !== undefined && mailbox.size <= SEARCHED && mailbox.hasDelivery(delivery) ? 'mailbox' : 'unknown';
  }

  /** It is a member of this chain, and waits. */
  waitsIn(chain: CallChain): boolean {
    return (this.isHeld || this.kernel.turn.actor === this) && chainIncludes(chain, this);
  }
}

function bytesFull(limit: number): BackpressureError {
  return new BackpressureError(
    `messages of ${limit} bytes (mailboxBytes) already wait in the mailboxes of the receiver's partition: await ref.ready() and send again`,
  );
}
