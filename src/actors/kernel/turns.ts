import { ProtocolError } from '../../errors.js';
import { promiseOf } from '../../foreign.js';
import { RingQueue } from '../../ring-queue.js';
import type { AnyMethod, AnyService } from '../../protocol/index.js';
import type { Actor, FailedWork } from './actor.js';
import type { ActorNode } from './actor-node.js';
import type { ActorTree } from './actor-tree.js';
import { ArrivingMessage, dropMessage } from './arriving-message.js';
import { type Behavior, type Handler, handlerOf } from './behavior.js';
import type { Context, UntypedSpawnOptions } from './context.js';
import { deferReply } from './deferred-reply.js';
import { type Delivery, isAsk } from './delivery.js';
import type { TurnTaker } from './dispatcher.js';
import { Inbox } from './inbox.js';
import { deferredReplyOf } from './later.js';
import type { Mailbox } from './mailbox.js';
import type { ActorRef } from './reference.js';
import { openFirst } from './open-first.js';
import { OrderedSignal, signalMethod } from './ordered-signal.js';
import { ReleasedWork, settleReleased } from './released-work.js';
import { readingHandler } from './request-reader.js';
import type { Watcher } from './route.js';
import { ServedStream } from './served-stream.js';
import type { ServiceMeter } from './service-meter.js';
import { takeStreamStep } from './stream-step.js';
import type { SignalLane } from './timers.js';
import type { UntypedRef } from './untyped-ref.js';

/**
 * The turns of an actor. In each it runs signals (timers, hooks), then messages, oldest first, until its budget is used up or a handler
 * waits for a promise. Before its first turn it starts, and after its last it winds down.
 */
export abstract class ActorTurns extends Inbox implements Actor, TurnTaker, SignalLane {
  abstract readonly name: string;
  abstract readonly self: UntypedRef;
  abstract readonly service: AnyService;
  abstract readonly parent: Actor | undefined;
  abstract readonly siblings: ReadonlyMap<string, ActorNode>;
  abstract readonly children: ReadonlyMap<string, Actor>;
  abstract readonly tree: ActorTree;
  abstract readonly state: unknown;
  abstract readonly context: Context;
  #current: Delivery | undefined = undefined;
  #signals: RingQueue<() => unknown> | undefined = undefined;
  /** The last method and its handler, which is undefined for a stream: most actors receive the same kind of message repeatedly. */
  #lastMethod: AnyMethod | undefined = undefined;
  #lastHandler: Handler | undefined = undefined;

  abstract become(state: unknown): void;
  abstract childEnded(child: Actor): void;
  abstract fail(cause: unknown, during: string, work: FailedWork): void;
  abstract reportLostReply(error: unknown): void;
  abstract requestStop(): void;
  abstract stopped(drainMs?: number): Promise<void>;
  abstract drain(timeoutMs: number): void;
  abstract started(): Promise<void>;
  abstract watch(watcher: Watcher): void;
  abstract unwatch(watcher: Watcher): void;
  abstract spawnChild<S extends AnyService>(
    behavior: Behavior<S, unknown, unknown>,
    options?: UntypedSpawnOptions,
  ): ActorRef<S>;
  /** The first turn, and the first after a restart. */
  protected abstract start(): void;
  /** The next step of a stop or restart. True when the actor must start again at once. */
  protected abstract windDown(): boolean;
  /** Nothing is left in its mailbox. True when it drains, has done its work, and stops now. */
  protected abstract endDrain(): boolean;
  /** A pending handler or hook has `timeoutMs` to settle; then it is abandoned. */
  protected abstract armStopTimer(timeoutMs: number): void;

  /** The delivery of the message being handled. */
  override get current(): Delivery | undefined {
    return this.#current;
  }

  get lastMethod(): string | undefined {
    return this.#lastMethod?.name;
  }

  /** It runs, and nothing waits for what it is doing. */
  get isQuiet(): boolean {
    return this.phase === 'running' && this.#signals === undefined && !this.hasMessages;
  }

  handles(delivery: Delivery | undefined): void {
    this.#current = delivery;
  }

  override takeTurn(budget: number): number {
    let used = 0;
    let handled = 0;
    const { serviceMeter } = this;
    while (used < budget && !this.isHeld && serviceMeter?.isTurnOver !== true) {
      if (this.phase === 'running') {
        const { mailbox } = this;
        if (this.#signals !== undefined) this.#runSignal(this.#signals);
        else if (mailbox !== undefined) {
          this.#handleNext(mailbox, serviceMeter);
          handled++;
        } else if (!this.refill() && !this.endDrain()) break;
      } else if (this.phase === 'starting') this.start();
      else if (!this.windDown()) break;
      used++;
    }
    if (this.serviceMeter !== undefined) this.turnEnded(this.serviceMeter);
    if (this.cold !== undefined) {
      if (handled > 0) this.progressed(this.cold);
      this.drained(this.cold);
    }
    return used;
  }

  signal(turn: () => unknown): void {
    if (this.phase !== 'running') return;
    this.#signals ??= new RingQueue();
    this.#signals.push(turn);
    if (!this.isHeld) this.wake();
  }

  signalInOrder(turn: () => unknown): void {
    if (!this.hasMessages || !this.queueTurn(signalMethod, new OrderedSignal(turn))) this.signal(turn);
  }

  protected dropSignals(): void {
    this.#signals = undefined;
  }

  #runSignal(signals: RingQueue<() => unknown>): void {
    const turn = signals.shift();
    if (signals.size === 0) this.#signals = undefined;
    if (turn !== undefined) this.runHook('a timer or hook', turn);
  }

  /** Runs code that handles no message. A promise that it returns holds the mailbox, as a handler's promise does. */
  protected runHook(what: string, code: () => unknown, failed: FailedWork = 'hook'): void {
    const { contexts, turn } = this.kernel;
    turn.enterHook(this);
    let result: unknown;
    let failure: { readonly error: unknown } | undefined;
    try {
      result = contexts.run(undefined, code);
    } catch (error) {
      failure = { error };
    }
    contexts.check();
    turn.leave();
    if (failure !== undefined) this.fail(failure.error, what, failed);
    else {
      const work = promiseOf(result);
      if (work !== undefined) this.suspend(work, what, () => this.cold?.stash?.assertUnmarked(), failed);
    }
  }

  #handleNext(mailbox: Mailbox, meter: ServiceMeter | undefined): void {
    const { method, message, delivery } = mailbox;
    if (method === undefined) return;
    this.removeOldest(mailbox);
    const handler = this.#lastHandler;
    // The most common case is kept small: V8 then makes one piece of code of the turn, the handler included.
    if (delivery === undefined && meter === undefined && handler !== undefined && method === this.#lastMethod) {
      this.#handle(handler, method, message, undefined);
      this.kernel.contexts.handled();
    } else this.#handleAny(method, message, delivery, meter);
  }

  #handleAny(
    method: AnyMethod,
    message: unknown,
    delivery: Delivery | undefined,
    meter: ServiceMeter | undefined,
  ): void {
    if (delivery === undefined) {
      if (meter !== undefined) meter.beganTell();
    } else if (this.isRefused(method, delivery)) return dropMessage(message);
    else if (message instanceof ArrivingMessage) return openFirst(this, method, message, delivery);
    this.dispatch(method, message, delivery);
  }

  dispatch(method: AnyMethod, message: unknown, delivery: Delivery | undefined): void {
    const isFirst = method !== this.#lastMethod;
    if (isFirst) this.#findHandler(method);
    const handler = this.#lastHandler;
    if (handler === undefined) this.#handleRest(method, message, delivery);
    else this.#handle(handler, method, message, delivery);
    if (isFirst || isAsk(delivery)) this.kernel.contexts.check();
    else this.kernel.contexts.handled();
  }

  #findHandler(method: AnyMethod): void {
    this.#lastHandler = method.mode === 'stream' ? undefined : this.#handlerOf(method);
    this.#lastMethod = method;
  }

  #handlerOf(method: AnyMethod): Handler | undefined {
    const handler = handlerOf(this.behavior, method);
    return method.streamsRequests === true && handler ? readingHandler(this, handler) : handler;
  }

  #handle(handler: Handler, method: AnyMethod, message: unknown, delivery: Delivery | undefined): void {
    const { contexts, turn } = this.kernel;
    this.#current = delivery;
    turn.enter(this);
    try {
      const result = contexts.isInUse
        ? this.#runApart(handler, message, delivery)
        : handler(this.state, message, this.context);
      turn.leave();
      // The handler of a tell mostly returns nothing, and then nothing is left to do.
      if (result !== undefined || delivery !== undefined || this.cold !== undefined)
        this.#returned(method, message, result);
    } catch (error) {
      turn.leave();
      this.fail(error, method.fullName, 'message');
    }
  }

  /** Not in `#handle`, which V8 inlines only while it is small. */
  #runApart(handler: Handler, message: unknown, delivery: Delivery | undefined): unknown {
    return this.kernel.contexts.run(delivery?.asyncContext, handler, this.state, message, this.context);
  }

  #returned(method: AnyMethod, message: unknown, result: unknown): void {
    const work = promiseOf(result);
    if (work === undefined) this.#answer(method, message, result);
    else this.suspend(work, method.fullName, (value) => this.#answer(method, message, value));
  }

  /** The handler has returned, or its promise has resolved. */
  #answer(method: AnyMethod, message: unknown, result: unknown): void {
    const { cold } = this;
    const current = this.#current;
    const later = deferredReplyOf(result);
    if (cold?.stash?.isMarked === true)
      this.addToStash(cold.stash, method, cold.borrowing?.handOver() ?? message, current);
    else if (later !== undefined) {
      cold?.borrowing?.defer(later.reply);
      deferReply(this, later, method, current);
    } else if (isAsk(current)) current.reply(result);
    this.#current = undefined;
  }

  /** A step of a stream, the rest of a handler that has waited for its next request, and a message that has no handler. */
  #handleRest(method: AnyMethod, message: unknown, delivery: Delivery | undefined): void {
    if (method.mode === 'stream' && delivery instanceof ServedStream)
      takeStreamStep(this, this.#handlerOf(method), message, delivery);
    else if (delivery instanceof ReleasedWork) {
      this.coldState().streams.stepTaken();
      delivery.takeTurn();
    } else if (delivery instanceof OrderedSignal) {
      this.coldState().streams.stepTaken();
      this.runHook('a timer or hook', delivery.turn);
    } else if (isAsk(delivery)) delivery.fail(this.#cannotHandle(method));
    else this.kernel.deadLetters.addFor(this, method, message, delivery, 'unknown method');
  }

  #cannotHandle({ mode, fullName }: AnyMethod): ProtocolError {
    return new ProtocolError(
      mode === 'stream'
        ? `${fullName} is a stream: open it; it cannot be asked or told`
        : `${this.path} implements ${this.service.typeName}, which has no method ${fullName}`,
    );
  }

  suspend(
    work: Promise<unknown>,
    what: string,
    answer: (value: unknown) => void,
    failed: FailedWork = 'message',
  ): void {
    const { counters, limits, logger } = this.kernel;
    this.holdFor(work);
    counters.awaits(this.behavior);
    this.kernel.observer?.awaits(this, what);
    if (this.phase !== 'running') this.armStopTimer(limits.stopTimeoutMs);
    work.then(
      (value) => {
        counters.settled(this.behavior);
        this.#resume(work, what, failed, () => answer(value));
      },
      (error: unknown) => {
        counters.settled(this.behavior);
        if (this.pending !== work && this.cold?.streams.reading?.released.has(work) !== true)
          logger.warn(`${what} failed after it was abandoned`, { actor: this.path, error });
        this.#resume(work, what, failed, () => {
          throw error;
        });
      },
    );
  }

  handlesOn(call: Delivery, work: Promise<unknown>): void {
    this.holdFor(work);
    this.#current = call;
  }

  release(): void {
    this.holdFor(undefined);
    this.#current = undefined;
    this.wake();
  }

  #resume(work: Promise<unknown>, what: string, failed: FailedWork, finish: () => void): void {
    if (this.pending !== work) {
      settleReleased(this, work, () => this.#finish(what, failed, finish));
      return;
    }
    this.holdFor(undefined);
    this.#finish(what, failed, finish);
    if (!this.isHeld) this.serviceMeter?.paused();
  }

  #finish(what: string, failed: FailedWork, finish: () => void): void {
    this.cold?.idle?.touch();
    try {
      finish();
    } catch (error) {
      this.fail(error, what, failed);
    }
    this.wake();
  }
}
