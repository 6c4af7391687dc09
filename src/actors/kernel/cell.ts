import { StoppedError } from '../../errors.js';
import { promiseOf } from '../../foreign.js';
import type { AnyMethod, AnyService, Ref } from '../../protocol/index.js';
import type { ActorNode } from './actor-node.js';
import type { ActorTree } from './actor-tree.js';
import { ActorContext } from './actor-context.js';
import { dropMessage, openFirst } from './arriving-message.js';
import type { AnyBehavior, Behavior, Handler } from './behavior.js';
import type { UntypedSpawnOptions } from './context.js';
import { type Delivery, isAsk, TellDelivery } from './delivery.js';
import type { TurnTaker } from './dispatcher.js';
import { Inbox } from './inbox.js';
import type { Kernel } from './kernel.js';
import { laterReply } from './later.js';
import { armStopTimer, fail, type FailedWork, requestStop, start, windDown } from './lifecycle.js';
import { deferReply } from './deferred-reply.js';
import type { Mailbox } from './mailbox.js';
import { ReleasedWork, settleReleased } from './released-work.js';
import { readingHandler } from './request-reader.js';
import { takeStreamStep } from './stream-step.js';
import type { ActorRef, UntypedRef } from './reference.js';
import type { Watcher } from './route.js';
import { ServedStream } from './served-stream.js';
import type { ServiceMeter } from './service-meter.js';
import type { SignalLane } from './timers.js';
import { cannotHandle } from './unhandled.js';

/** One actor: its inbox, its state, and its turns. Parts that few actors need are created on first use. */
export class ActorCell extends Inbox implements ActorNode, TurnTaker, SignalLane {
  readonly behavior: AnyBehavior;
  readonly parent: ActorCell | undefined;
  readonly name: string;
  state: unknown = undefined;
  /** What it was spawned with, for `state` of its behavior. */
  args: unknown = undefined;
  /** The state was created, so `on.stopping` must be called. */
  hasState: boolean;
  /** The delivery of the message being handled. */
  override current: Delivery | undefined = undefined;
  childCells: Map<string, ActorCell> | undefined = undefined;
  private signals: (() => unknown)[] | undefined = undefined;
  private ownContext: ActorContext | undefined = undefined;
  private ownReference: UntypedRef | undefined = undefined;
  private ownBareTell: TellDelivery | undefined = undefined;
  /** The last method and its handler: most actors receive the same kind of message repeatedly. */
  private lastMethod: AnyMethod | undefined = undefined;
  private lastHandler: Handler | undefined = undefined;

  constructor(kernel: Kernel, behavior: AnyBehavior, parent: ActorCell | undefined, name: string) {
    const isStarted =
      behavior.createState === undefined && behavior.on.started === undefined && behavior.idleTimeoutMs === undefined;
    super(kernel, kernel.boundsOf(behavior), isStarted ? 'running' : 'starting');
    this.hasState = isStarted;
    this.behavior = behavior;
    this.parent = parent;
    this.name = name;
  }

  get service(): AnyService {
    return this.behavior.service;
  }

  /** `system/parent/child` */
  override get path(): string {
    return `${this.parent === undefined ? this.kernel.name : this.parent.path}/${this.name}`;
  }

  get children(): ReadonlyMap<string, ActorCell> {
    return this.childCells ?? new Map();
  }

  /** Itself among them. */
  get siblings(): ReadonlyMap<string, ActorCell> {
    return this.parent?.children ?? this.kernel.roots;
  }

  get tree(): ActorTree {
    return this.kernel.tree;
  }

  get context(): ActorContext {
    this.ownContext ??= new ActorContext(this);
    return this.ownContext;
  }

  get self(): UntypedRef {
    this.ownReference ??= this.kernel.references.create(this.behavior.service, this);
    return this.ownReference;
  }

  override get bareTell(): TellDelivery {
    this.ownBareTell ??= new TellDelivery(this, undefined);
    return this.ownBareTell;
  }

  override get cUid(): bigint {
    this.takenCUid ??= this.kernel.address(this, this.kernel.nextCUid());
    return this.takenCUid;
  }

  override get incarnation(): bigint {
    return this.kernel.incarnation;
  }

  protected override get isRunning(): boolean {
    return this.kernel.running === this;
  }

  override toRef(): Ref {
    return { cUid: this.cUid, service: this.behavior.service.typeName, incarnation: this.incarnation };
  }

  override takeTurn(budget: number): number {
    let used = 0;
    let handled = 0;
    const { serviceMeter } = this;
    while (used < budget && this.pending === undefined && (serviceMeter === undefined || !this.isTurnOver)) {
      if (this.phase === 'running') {
        if (this.signals !== undefined) this.runSignal(this.signals);
        else if (this.mailbox !== undefined) {
          this.handleNext(this.mailbox, serviceMeter);
          handled++;
        } else if (!this.refill()) break;
      } else if (this.phase === 'starting') start(this);
      else if (!windDown(this)) break;
      used++;
    }
    if (this.serviceMeter !== undefined) {
      this.isTurnOver = false;
      if (this.mailbox === undefined && this.pending === undefined) this.serviceMeter.drained();
    }
    if (handled > 0) this.kernel.contexts.isUnchecked = true;
    if (this.cold !== undefined) {
      if (handled > 0) this.progressed(this.cold);
      this.drained(this.cold);
    }
    return used;
  }

  /** Runs `turn` before all messages, in a turn of this actor; does nothing when the actor is not running. */
  signal(turn: () => unknown): void {
    if (this.phase !== 'running') return;
    if (this.signals === undefined) this.signals = [turn];
    else this.signals.push(turn);
    if (this.pending === undefined) this.wake();
  }

  dropSignals(): void {
    this.signals = undefined;
  }

  private runSignal(signals: (() => unknown)[]): void {
    const turn = signals.shift();
    if (signals.length === 0) this.signals = undefined;
    if (turn !== undefined) this.runHook('a timer or hook', turn);
  }

  /** Runs code that handles no message. A promise that it returns holds the mailbox, as a handler's promise does. */
  runHook(what: string, code: () => unknown, failed: FailedWork = 'hook'): void {
    const { kernel } = this;
    kernel.running = this;
    kernel.isInHook = true;
    let result: unknown;
    let failure: { readonly error: unknown } | undefined;
    try {
      result = kernel.contexts.run(undefined, code);
    } catch (error) {
      failure = { error };
    }
    kernel.contexts.check();
    kernel.running = undefined;
    kernel.isInHook = false;
    if (failure !== undefined) fail(this, failure.error, what, failed);
    else {
      const work = promiseOf(result);
      if (work !== undefined) this.suspend(work, what, () => this.cold?.stash?.assertUnmarked(), failed);
    }
  }

  private handleNext(mailbox: Mailbox, meter: ServiceMeter | undefined): void {
    const { method, message, delivery } = mailbox;
    if (method === undefined) return;
    mailbox.drop();
    if (mailbox.size === 0) this.mailbox = this.kernel.mailboxes.release(mailbox);
    if (delivery === undefined) meter?.beganTell();
    else if (this.isRefused(method, delivery)) return dropMessage(message);
    else if (openFirst(this, method, message, delivery)) return;
    this.dispatch(method, message, delivery);
  }

  /** Lets the handler of a message run. */
  dispatch(method: AnyMethod, message: unknown, delivery: Delivery | undefined): void {
    const isFirst = method !== this.lastMethod;
    if (isFirst) this.findHandler(method);
    const handler = this.lastHandler;
    if (method.mode === 'stream' && delivery instanceof ServedStream) takeStreamStep(this, handler, message, delivery);
    else if (handler === undefined || method.mode === 'stream') this.handleRest(method, message, delivery);
    else this.handle(handler, method, message, delivery);
    if (isFirst || isAsk(delivery)) this.kernel.contexts.check();
  }

  /** What is rare, and is no message that has a handler. */
  private handleRest(method: AnyMethod, message: unknown, delivery: Delivery | undefined): void {
    if (delivery instanceof ReleasedWork) {
      this.coldState().streams.queued--;
      delivery.takeTurn();
    } else cannotHandle(this, method, message, delivery);
  }

  private handle(handler: Handler, method: AnyMethod, message: unknown, delivery: Delivery | undefined): void {
    const { kernel } = this;
    this.current = delivery;
    kernel.running = this;
    try {
      const result = kernel.contexts.isInUse
        ? this.runApart(handler, message, delivery)
        : handler(this.state, message, this.context);
      kernel.running = undefined;
      // The handler of a tell mostly returns nothing.
      if (result === undefined && delivery === undefined && this.cold === undefined) return;
      const work = promiseOf(result);
      if (work === undefined) this.answer(method, message, result);
      else this.hold(work, method, message);
    } catch (error) {
      kernel.running = undefined;
      fail(this, error, method.fullName, 'message');
    }
  }

  /** Not in `handle`, which V8 inlines only while it is small. */
  private runApart(handler: Handler, message: unknown, delivery: Delivery | undefined): unknown {
    return this.kernel.contexts.run(delivery?.asyncContext, handler, this.state, message, this.context);
  }

  private hold(work: Promise<unknown>, method: AnyMethod, message: unknown): void {
    this.suspend(work, method.fullName, (value) => this.answer(method, message, value));
  }

  /** The handler has returned, or its promise has resolved. */
  private answer(method: AnyMethod, message: unknown, result: unknown): void {
    const { current, cold } = this;
    const later = laterReply(result);
    if (cold?.stash?.isMarked === true) this.addToStash(cold.stash, method, message, current);
    else if (later !== undefined) deferReply(this, later, method, current);
    else if (isAsk(current)) current.reply(result);
    this.current = undefined;
  }

  /** Takes no turn until `work` settles; `answer` gets its value. `what` names the work in logs. */
  suspend(
    work: Promise<unknown>,
    what: string,
    answer: (value: unknown) => void,
    failed: FailedWork = 'message',
  ): void {
    this.pending = work;
    const awaited = this.beginAwaiting();
    if (this.phase !== 'running') armStopTimer(this, this.kernel.limits.stopTimeoutMs);
    work.then(
      (value) => {
        this.kernel.awaited -= awaited;
        this.resume(work, what, failed, () => answer(value));
      },
      (error: unknown) => {
        this.kernel.awaited -= awaited;
        if (this.pending !== work && this.cold?.streams.reading?.released.has(work) !== true)
          this.kernel.logger.warn(`${what} failed after it was abandoned`, { actor: this.path, error });
        this.resume(work, what, failed, () => {
          throw error;
        });
      },
    );
  }

  /** Counts pending work of users' actors; returns the number to subtract when it has settled. */
  beginAwaiting(): number {
    const counted = Number(!this.behavior.isOfRuntime);
    this.kernel.awaited += counted;
    return counted;
  }

  private resume(work: Promise<unknown>, what: string, failed: FailedWork, finish: () => void): void {
    if (this.pending !== work) {
      settleReleased(this, work, () => this.finish(what, failed, finish));
      return;
    }
    this.pending = undefined;
    this.finish(what, failed, finish);
  }

  private finish(what: string, failed: FailedWork, finish: () => void): void {
    this.cold?.idle?.touch();
    try {
      finish();
    } catch (error) {
      fail(this, error, what, failed);
    }
    this.wake();
  }

  private findHandler(method: AnyMethod): void {
    const handler = this.behavior.handlers.get(method) ?? this.handlerByName(method);
    this.lastHandler = method.streamsRequests === true && handler ? readingHandler(this, handler) : handler;
    this.lastMethod = method;
  }

  /** The handler of a method from another copy of the same generated code. */
  private handlerByName(method: AnyMethod): Handler | undefined {
    const own = this.service.methods[method.name];
    return own?.fullName === method.fullName ? this.behavior.handlers.get(own) : undefined;
  }

  watch(watcher: Watcher): void {
    const cause = this.kernel.causes.of(this);
    if (this.phase === 'stopped') watcher.terminated(this, cause === undefined ? 'stopped' : 'failed', cause);
    else this.coldState().watchers.add(watcher);
  }

  unwatch(watcher: Watcher): void {
    this.cold?.watchers.delete(watcher);
  }

  requestStop(): void {
    requestStop(this);
  }

  reportLostReply(error: unknown): void {
    this.kernel.logger.warn('an ask without a waiting caller failed', { actor: this.path, error });
  }

  spawnChild<S extends AnyService>(
    behavior: Behavior<S, unknown, unknown>,
    options?: UntypedSpawnOptions,
  ): ActorRef<S> {
    if (this.phase !== 'running' && this.phase !== 'starting') {
      throw new StoppedError(`${this.path} cannot spawn: it is ${this.phase}`);
    }
    const siblings = this.childCells ?? new Map<string, ActorCell>();
    const reference = this.kernel.spawn(this, siblings, behavior, options);
    this.childCells = siblings;
    return reference;
  }

  adopt(reference: UntypedRef): void {
    this.ownReference = reference;
  }

  /** Ends the timers and watches of the actor, and the streams that it reads. */
  releaseContext(): void {
    this.ownContext?.release();
    this.cold?.streams.abandonRead(this.path);
  }

  /** This incarnation has ended: its context does nothing any more. */
  retireContext(): void {
    this.releaseContext();
    this.ownContext?.retire();
    this.ownContext = undefined;
  }
}
