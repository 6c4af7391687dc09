import { ConfigError, StoppedError } from '../../errors.js';
import { errorOf, shownValue } from '../../foreign.js';
import type { Logger } from '../../logging/index.js';
import type { AnyService, BorrowedBytes, Meta, Ref, ServiceRefInit } from '../../protocol/index.js';
import type { Scheduler, Timer } from '../../scheduler/index.js';
import { nodeOf } from './actor-node.js';
import { type Behavior, checkIdleTimeout, isService } from './behavior.js';
import { inheritedOptions, STREAM_OPTIONS, type StreamOptions } from './call.js';
import type { Actor } from './actor.js';
import type { HoldBytes } from './borrowing.js';
import type { Delivery, MessageLink } from './delivery.js';
import { drainMsOf, type StopActorOptions } from './draining.js';
import type { Context, TimerOptions, UntypedSpawnOptions } from './context.js';
import { accepted, type AcceptedOptions, checkOptions } from '../../options/index.js';
import type { GroupRef } from './group-reference.js';
import { IdleTimeout } from './idle-timeout.js';
import type { Place } from './placeable.js';
import type { ActorRef } from './reference.js';
import type { RetainedBytes } from './retained-bytes.js';
import type { UntypedRef } from './untyped-ref.js';
import { routeKey } from './route.js';
import { nothingToStash } from './stash.js';
import type { ClusterAccess, GroupOptions, LookupOptions } from './surroundings.js';
import { ActorTimers } from './timers.js';
import type { TraceContext } from './trace-context.js';
import { Watching } from './watching.js';
import { NEVER, signalOf } from './call-signal.js';
import { innermostRoute } from './wrapped-asks.js';

const TIMER_OPTIONS: AcceptedOptions = { key: accepted.text };

/** The context of an actor's handlers. Creates timers and watches on first use. */
export class ActorContext implements Context {
  readonly #cell: Actor;
  #logger: Logger | undefined = undefined;
  #timers: ActorTimers | undefined = undefined;
  #watching: Watching | undefined = undefined;
  #access: ClusterAccess | undefined = undefined;
  /** The incarnation of the actor that it belongs to has ended. */
  #isRetired = false;

  constructor(cell: Actor) {
    this.#cell = cell;
  }

  get self(): UntypedRef {
    return this.#cell.self;
  }

  get name(): string {
    return this.#cell.name;
  }

  get path(): string {
    return this.#cell.path;
  }

  get log(): Logger {
    this.#logger ??= this.#cell.kernel.logger.child({ actor: this.path });
    return this.#logger;
  }

  get scheduler(): Scheduler {
    return this.#cell.kernel.scheduler;
  }

  get meta(): Meta | undefined {
    return this.#current?.meta;
  }

  /** Trace context of the message being handled. */
  get trace(): TraceContext | undefined {
    return this.#current?.trace;
  }

  get sender(): Ref | undefined {
    return this.#current?.sender;
  }

  get signal(): AbortSignal {
    const current = this.#current;
    const { deadlines } = this.#cell.kernel;
    return current?.whenEnded === undefined ? NEVER : signalOf(current, deadlines);
  }

  get deadlineMs(): number {
    return this.#current?.deadlineMs ?? Number.POSITIVE_INFINITY;
  }

  /** Identifies the link that the message being handled arrived over; undefined for a message from this partition. */
  get link(): MessageLink | undefined {
    return this.#current?.link;
  }

  /** The delivery of the message being handled; undefined where this incarnation handles none any more. */
  get #current(): Delivery | undefined {
    return this.#isRetired ? undefined : this.#cell.current;
  }

  spawn<S extends AnyService>(behavior: Behavior<S, unknown, unknown>, options?: UntypedSpawnOptions): ActorRef<S> {
    this.#assertLives('spawn');
    return this.#cell.spawnChild(behavior, options);
  }

  watch(ref: UntypedRef): void {
    this.#assertOpen('watch');
    this.#checkReference('watch', ref);
    if (this.#cell.behavior.on.terminated === undefined) {
      throw new ConfigError(`${this.path} watches ${ref.toString()}, but its behavior has no on.terminated handler`);
    }
    this.#watching ??= new Watching(this.#cell, (gone, reason, cause) => {
      const event = cause === undefined ? { ref: gone, reason } : { ref: gone, reason, cause };
      return this.#cell.behavior.on.terminated?.(this.#cell.state, event, this);
    });
    this.#watching.add(ref);
  }

  unwatch(ref: UntypedRef): void {
    this.#checkReference('unwatch', ref);
    this.#watching?.remove(ref);
  }

  ref<S extends AnyService>(service: S, ref: ServiceRefInit<S> | undefined): ActorRef<S> {
    if (!isService(service)) {
      throw new ConfigError(
        `ctx.ref of ${this.path} needs a service of a generated module, not ${shownValue(service)}.`,
      );
    }
    return this.#cell.kernel.directory.reference(service, ref);
  }

  get children(): ReadonlyMap<string, UntypedRef> {
    return new Map(Array.from(this.#isRetired ? [] : this.#cell.children, ([name, child]) => [name, child.self]));
  }

  async stopChild(ref: UntypedRef, options?: StopActorOptions): Promise<void> {
    this.#checkReference('stopChild', ref);
    const drainMs = drainMsOf('ctx.stopChild', options);
    const child = this.#isRetired ? undefined : this.#cell.children.get(ref.name);
    if (child !== undefined && child === innermostRoute(ref[routeKey])) return await child.stopped(drainMs);
    if ((await this.#access?.stopPlaced(ref, drainMs)) === true) return;
    const node = nodeOf(ref);
    if (node?.parent === this.#cell && node.phase === 'stopped') return;
    throw new ConfigError(
      `${this.path} cannot stop ${ref.toString()}: it is no child of this actor, and not placed by it`,
    );
  }

  get place(): Place {
    return this.#cluster().place;
  }

  lookup<S extends AnyService>(service: S, name: string, options?: LookupOptions): Promise<ActorRef<S>> {
    return this.#cluster().lookup(service, name, options);
  }

  group<S extends AnyService>(service: S, name: string, options?: GroupOptions<S>): Promise<GroupRef<S>> {
    return this.#cluster().group(service, name, options);
  }

  /** That of an incarnation that ends, or has ended, refuses everything. */
  #cluster(): ClusterAccess {
    if (this.#access === undefined) {
      this.#access = this.#cell.kernel.surroundings.enter(this.self, this.path);
      if (this.#isRetired || !this.#cell.isOpen) this.#access.end();
    }
    return this.#access;
  }

  after(delayMs: number, callback: () => unknown, options?: TimerOptions): Timer {
    return this.#addTimer(delayMs, undefined, callback, options);
  }

  every(periodMs: number, callback: () => unknown, options?: TimerOptions): Timer {
    return this.#addTimer(periodMs, periodMs, callback, options);
  }

  pipe<T>(work: PromiseLike<T>, then: (value: T) => unknown, failed?: (error: Error) => unknown): void {
    this.#assertOpen('wait for a promise');
    for (const handler of [then, failed]) {
      if (handler !== undefined && typeof handler !== 'function') throw this.#noFunction('pipe', handler);
    }
    if (then === undefined) throw this.#noFunction('pipe', then);
    const cell = this.#cell;
    const { kernel } = cell;
    const context = kernel.contexts.capture();
    kernel.counters.awaits(cell.behavior);
    const settle = (turn: () => unknown): void => {
      kernel.counters.settled(cell.behavior);
      if (!this.#isRetired) cell.signal(() => kernel.contexts.run(context, turn));
    };
    void Promise.resolve(work).then(
      (value) => settle(() => then(value)),
      (error: unknown) =>
        settle(() => {
          if (failed === undefined) throw error;
          return failed(errorOf(error));
        }),
    );
  }

  cancel(timer: Timer | string): void {
    this.#timers?.cancel(timer);
  }

  setIdleTimeout(timeoutMs: number | undefined): void {
    const cell = this.#cell;
    this.#assertOpen('set an idle timeout');
    if (timeoutMs !== undefined) checkIdleTimeout(timeoutMs);
    if (cell.behavior.on.idle === undefined) {
      throw new ConfigError(`${this.path} sets an idle timeout, but its behavior has no on.idle handler`);
    }
    cell.coldState().setIdle(
      timeoutMs === undefined
        ? undefined
        : new IdleTimeout(
            timeoutMs,
            this.scheduler,
            cell,
            () => cell.hasMessages,
            () => cell.behavior.on.idle?.(cell.state, this),
          ),
    );
  }

  stash(): void {
    const cell = this.#cell;
    this.#assertLives('stash');
    const { actor, isInHook } = cell.kernel.turn;
    if (actor === cell ? isInHook : !cell.isHeld) throw nothingToStash(this.path);
    cell.stash();
  }

  unstashAll(): void {
    this.#assertLives('unstash');
    this.#cell.unstash();
  }

  /** Holds memory that does not belong to whoever refers to it. */
  get holdBytes(): HoldBytes {
    return this.#cell.kernel.holdBytes;
  }

  retain(bytes: BorrowedBytes): RetainedBytes {
    this.#assertLives('retain bytes');
    return this.#cell.coldState().openBorrowing().retain(bytes, this.log, this.#cell.kernel.holdBytes);
  }

  become(state: unknown): void {
    this.#assertLives('change its state');
    this.#cell.become(state);
  }

  stop(): void {
    if (!this.#isRetired) this.#cell.requestStop();
  }

  fail(error: Error): void {
    if (this.#isRetired) this.log.warn('ctx.fail of an actor that has stopped or restarted was ignored', { error });
    else this.#cell.signal(() => this.#cell.fail(error, 'ctx.fail', 'actor'));
  }

  options(options?: StreamOptions): StreamOptions {
    checkOptions('ctx.options()', options, STREAM_OPTIONS);
    this.#assertLives('pass on the options of a message');
    return inheritedOptions(this.#cell, options, this.#cell.current);
  }

  outside<T>(work: Promise<T>): Promise<T> {
    return this.#cell.kernel.scheduler.outside(work);
  }

  /** Ends timers and watches, and what it has in the cluster, when the actor stops or restarts. */
  release(): void {
    this.#timers?.clear();
    this.#cell.cold?.idle?.close();
    this.#watching?.clear();
    this.#access?.end();
  }

  #addTimer(
    delayMs: number,
    periodMs: number | undefined,
    callback: () => unknown,
    options: TimerOptions | undefined,
  ): Timer {
    this.#assertOpen('set a timer');
    checkOptions('a timer', options, TIMER_OPTIONS);
    this.#timers ??= new ActorTimers(this.#cell.kernel.scheduler, this.#cell);
    const { contexts } = this.#cell.kernel;
    const bound = typeof callback === 'function' ? contexts.bind(callback) : callback;
    return this.#timers.add(delayMs, periodMs, bound, options?.key);
  }

  /** The incarnation has ended: see `retire` in the cell. */
  retire(): void {
    this.#isRetired = true;
  }

  #assertLives(what: string): void {
    if (this.#isRetired) {
      throw new StoppedError(`${this.path} cannot ${what} through a context from before its stop or restart`);
    }
  }

  /** Before anything is kept: what is no reference could not be released either. */
  #checkReference(call: string, ref: unknown): void {
    if (typeof ref === 'object' && ref !== null && routeKey in ref) return;
    throw new ConfigError(
      `ctx.${call} of ${this.path} needs a reference to an actor, not ${shownValue(ref)}: ctx.ref(Service, ref) makes one of a message's.`,
    );
  }

  #noFunction(call: string, value: unknown): ConfigError {
    return new ConfigError(`ctx.${call} of ${this.path} needs a function for what comes, not ${shownValue(value)}.`);
  }

  #assertOpen(what: string): void {
    this.#assertLives(what);
    if (!this.#cell.isOpen) throw new StoppedError(`${this.path} cannot ${what}: it is stopping`);
  }
}

/** Scheduler time until which somebody waits for the reply to the message being handled; `Infinity` where nobody does. */
export function deadlineOf(context: Context): number {
  return context instanceof ActorContext ? context.deadlineMs : Number.POSITIVE_INFINITY;
}

/** Identifies the link that the message being handled arrived over: the same object for all messages of one link. */
export function linkOf(context: Context): MessageLink | undefined {
  return context instanceof ActorContext ? context.link : undefined;
}
