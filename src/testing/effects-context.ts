import {
  type ActorRef,
  ActorTimers,
  type AnyBehavior,
  type Behavior,
  Borrowing,
  callServices,
  checkArgs,
  type ClusterAccess,
  type Context,
  drainMsOf,
  givenReference,
  type GroupOptions,
  type GroupRef,
  type LookupOptions,
  noCluster,
  type Place,
  References,
  type RetainedBytes,
  type StopActorOptions,
  type StreamOptions,
  type TimerOptions,
  type UntypedRef,
  type UntypedSpawnOptions,
} from '../actors/kernel/index.js';
import { ConfigError, ProtocolError } from '../errors.js';
import { errorOf } from '../foreign.js';
import { type Logger, type LogRecord, memoryLogger } from '../logging/index.js';
import {
  type AnyMethod,
  type AnyService,
  type BorrowedBytes,
  type Meta,
  type Ref,
  requestStreamOf,
  type ServiceRefInit,
} from '../protocol/index.js';
import type { Scheduler, Timer } from '../scheduler/index.js';
import { AnsweredStream } from './answered-stream.js';
import type { Effect } from './effects.js';
import { type Answer, RecordedRoute, type RecordedTarget } from './recorded-route.js';

/** What comes with a message in a test. */
export interface MessageFields {
  readonly meta?: Meta;
  readonly sender?: UntypedRef;
  /** The caller of an ask gives it up when this is aborted, and so is `ctx.signal`. */
  readonly signal?: AbortSignal;
  /** Time in ms, of `advance`, after which the caller of an ask waits no more, and `ctx.signal` is aborted. Default: it waits. */
  readonly timeoutMs?: number;
}

/** A message that a handler is given. */
interface Handled {
  readonly meta?: Meta;
  readonly sender?: Ref | undefined;
  readonly signal: () => AbortSignal;
}

/** Of hooks, and of what nobody waits for. */
export const NEVER: AbortSignal = new AbortController().signal;
const never = (): AbortSignal => NEVER;

/** The environment of a behavior that runs alone. */
export interface EffectsWorld {
  /** The path of the actor. Its last part is the name. */
  readonly path: string;
  readonly selfCUid: bigint;
  /** Incarnation of the process that holds the actor and its children; 0n: none. */
  readonly incarnation: bigint;
  readonly scheduler: Scheduler;
  /** Receives every effect. */
  record(effect: Effect): void;
  /** Elements of a stream that the behavior opens by a reference that no test has made, or of the requests of a message. */
  elements?(method: AnyMethod): AsyncIterable<unknown>;
  /** False: the world itself tells the sources of requests to stop. Default: the end of their call does. */
  readonly endsRequests?: boolean;
  /** False: an ask has the result that it had with all its repeats, so that `retrying` and `circuitBreaker` change nothing. Default true. */
  readonly wrapsAsks?: boolean;
  /** The channel id of the next child or probe. */
  nextCUid(): bigint;
  /** The name of the next child, if the behavior gives none. */
  nextName(service: AnyService): string;
}

/** The context of a behavior that runs alone. It records the effects. It executes only timers and `become`. */
export class EffectsContext implements Context {
  readonly name: string;
  readonly path: string;
  readonly self: UntypedRef;
  readonly scheduler: Scheduler;
  readonly log: Logger;
  readonly records: readonly LogRecord[];
  meta: Meta | undefined = undefined;
  sender: Ref | undefined = undefined;
  state: unknown = undefined;
  #signal = never;
  readonly #behavior: AnyBehavior;
  readonly #world: EffectsWorld;
  readonly #references: References;
  readonly #routes = new Map<bigint, RecordedRoute>();
  readonly #timers: ActorTimers;
  /** The results of timers that have run. */
  readonly #turns: unknown[] = [];
  /** The callbacks of all timers, in the order in which they were set. */
  readonly #timerCallbacks: (() => unknown)[] = [];
  readonly #watched = new Map<bigint, UntypedRef>();
  readonly #borrowing = new Borrowing();
  readonly #names = new Set<string>();
  readonly #children = new Map<string, UntypedRef>();
  readonly #keyed = new Map<string, Timer>();
  /** Answers for references that no test has made. */
  readonly #unasked: Answer = (method) => (method.mode === 'stream' ? this.#world.elements?.(method) : undefined);

  constructor(behavior: AnyBehavior, world: EffectsWorld) {
    const logger = memoryLogger();
    this.path = world.path;
    this.name = world.path.slice(world.path.lastIndexOf('/') + 1);
    this.scheduler = world.scheduler;
    this.log = logger;
    this.records = logger.records;
    this.#behavior = behavior;
    this.#world = world;
    this.#references = new References(
      { name: 'test' },
      world.wrapsAsks === false ? undefined : callServices(world.scheduler, logger),
    );
    this.#timers = new ActorTimers(world.scheduler, { signal: (turn) => void this.#turns.push(turn()) });
    this.self = this.#probeHere(behavior.service, world.selfCUid, this.#unasked);
  }

  createState(args: unknown): void {
    this.state = this.#behavior.createState?.(this, args);
  }

  takeTurns(): readonly unknown[] {
    return this.#turns.splice(0);
  }

  /** That of the message that was given last. */
  get signal(): AbortSignal {
    return this.#signal();
  }

  /** Runs a handler with what comes with its message. */
  during<Result>(fields: Handled, run: () => Result): Result {
    this.meta = fields.meta;
    this.sender = fields.sender;
    this.#signal = fields.signal;
    return run();
  }

  /** Removes and returns the watched actor with this channel id. */
  takeWatched(cUid: bigint): UntypedRef | undefined {
    const ref = this.#watched.get(cUid);
    this.#watched.delete(cUid);
    return ref;
  }

  /** The callback of the n-th timer, counted from 0. */
  timerCallback(number: number): (() => unknown) | undefined {
    return this.#timerCallbacks[number];
  }

  /** Makes a reference whose messages are recorded. */
  probe<S extends AnyService>(service: S, answer: Answer): ActorRef<S> {
    return this.#probeHere(service, this.#world.nextCUid(), answer);
  }

  spawn<S extends AnyService>(behavior: Behavior<S, unknown, unknown>, options: UntypedSpawnOptions = {}): ActorRef<S> {
    checkArgs(behavior, options);
    const name = options.name ?? this.#world.nextName(behavior.service);
    if (this.#names.has(name)) throw new ConfigError(`${this.path}/${name} already exists: choose another name`);
    this.#names.add(name);
    const ref = this.probe(behavior.service, this.#unasked);
    this.#children.set(name, ref);
    const args = 'args' in options ? { args: options.args } : {};
    this.#world.record({ kind: 'spawned', name, ref, behavior, ...args });
    return ref;
  }

  watch(ref: UntypedRef): void {
    if (this.#behavior.on.terminated === undefined) {
      throw new ConfigError(`${this.path} watches ${ref.service.typeName}, but its behavior has no on.terminated`);
    }
    this.#watched.set(ref.toRef().cUid, ref);
    this.#world.record({ kind: 'watched', ref });
  }

  unwatch(ref: UntypedRef): void {
    this.#watched.delete(ref.toRef().cUid);
    this.#world.record({ kind: 'unwatched', ref });
  }

  ref<S extends AnyService>(service: S, ref: ServiceRefInit<S> | undefined): ActorRef<S> {
    const { cUid, service: typeName, incarnation } = givenReference(service, ref);
    if (typeName !== service.typeName && typeName !== '') {
      throw new ProtocolError(`a reference to ${typeName} was used as one to ${service.typeName}`);
    }
    const known = this.#routes.get(cUid);
    return known === undefined
      ? this.#probeAt(service, { cUid, incarnation }, this.#unasked)
      : this.#references.create(service, known);
  }

  get children(): ReadonlyMap<string, UntypedRef> {
    return this.#children;
  }

  get place(): Place {
    return this.#noCluster().place;
  }

  lookup<S extends AnyService>(service: S, name: string, options?: LookupOptions): Promise<ActorRef<S>> {
    return this.#noCluster().lookup(service, name, options);
  }

  group<S extends AnyService>(service: S, name: string, options?: GroupOptions<S>): Promise<GroupRef<S>> {
    return this.#noCluster().group(service, name, options);
  }

  #noCluster(): ClusterAccess {
    const advice =
      'its behavior runs alone, in a test or a replay. Give it the reference in args or in a message, or test it in a runtime';
    return noCluster(this.path, advice);
  }

  async stopChild(ref: UntypedRef, options?: StopActorOptions): Promise<void> {
    const drainMs = drainMsOf('ctx.stopChild', options);
    const [name] = [...this.#children].find(([, child]) => child === ref) ?? [];
    if (name === undefined) {
      throw new ConfigError(`${this.path} cannot stop ${ref.toString()}: it is no child of this actor`);
    }
    this.#children.delete(name);
    this.#world.record({ kind: 'child stopped', ref, ...(drainMs === undefined ? {} : { drainMs }) });
  }

  after(delayMs: number, callback: () => unknown, options?: TimerOptions): Timer {
    return this.#setTimer(delayMs, undefined, callback, options);
  }

  every(periodMs: number, callback: () => unknown, options?: TimerOptions): Timer {
    return this.#setTimer(periodMs, periodMs, callback, options);
  }

  pipe<T>(work: PromiseLike<T>, then: (value: T) => unknown, failed?: (error: Error) => unknown): void {
    void Promise.resolve(work).then(
      (value) => then(value),
      (error: unknown) => {
        const cause = errorOf(error);
        if (failed === undefined) this.fail(cause);
        else failed(cause);
      },
    );
  }

  cancel(cancelled: Timer | string): void {
    const timer = typeof cancelled === 'string' ? this.#keyed.get(cancelled) : cancelled;
    if (timer === undefined) return;
    this.#timers.cancel(timer);
    this.#world.record({ kind: 'timer cancelled', timer });
  }

  setIdleTimeout(timeoutMs: number | undefined): void {
    this.#world.record({ kind: 'idle timeout set', timeoutMs });
  }

  stash(): void {
    this.#world.record({ kind: 'stashed' });
  }

  unstashAll(): void {
    this.#world.record({ kind: 'unstashed' });
  }

  retain(bytes: BorrowedBytes): RetainedBytes {
    return this.#borrowing.retain(bytes, this.log);
  }

  become(state: unknown): void {
    this.state = state;
    this.#world.record({ kind: 'became', state });
  }

  stop(): void {
    this.#world.record({ kind: 'stopped' });
  }

  fail(error: Error): void {
    this.#world.record({ kind: 'failed', error });
  }

  options(options: StreamOptions = {}): StreamOptions {
    const meta = this.meta === undefined ? options.meta : { ...this.meta, ...options.meta };
    return { ...options, meta };
  }

  outside<T>(work: Promise<T>): Promise<T> {
    return this.scheduler.outside(work);
  }

  /** The requests of a message whose rpc streams them: `elements` of the world gives them at the first read. */
  requests(method: AnyMethod): AsyncIterable<unknown> {
    const stream = requestStreamOf(method);
    return new AnsweredStream(stream, () => this.#world.elements?.(stream));
  }

  clearTimers(): void {
    this.#timers.clear();
  }

  #setTimer(
    delayMs: number,
    periodMs: number | undefined,
    callback: () => unknown,
    options: TimerOptions | undefined,
  ): Timer {
    const timer = this.#timers.add(delayMs, periodMs, callback, options?.key);
    if (options?.key !== undefined) this.#keyed.set(options.key, timer);
    this.#timerCallbacks.push(callback);
    this.#world.record({ kind: 'timer set', timer, delayMs, periodMs });
    return timer;
  }

  #probeHere<S extends AnyService>(service: S, cUid: bigint, answer: Answer): ActorRef<S> {
    return this.#probeAt(service, { cUid, incarnation: this.#world.incarnation }, answer);
  }

  #probeAt<S extends AnyService>(service: S, target: RecordedTarget, answer: Answer): ActorRef<S> {
    const endsRequests = this.#world.endsRequests !== false;
    const route = new RecordedRoute(target, (effect) => this.#world.record(effect), answer, endsRequests);
    this.#routes.set(target.cUid, route);
    return route.bind(this.#references.create(service, route));
  }
}
