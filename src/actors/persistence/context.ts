import type { Logger } from '../../logging/index.js';
import type { AnyService, BorrowedBytes, Meta, Ref, RefInit } from '../../protocol/index.js';
import type { Scheduler, Timer } from '../../scheduler/index.js';
import type {
  ActorRef,
  Behavior,
  Context,
  GroupOptions,
  GroupRef,
  LookupOptions,
  Place,
  RetainedBytes,
  StopActorOptions,
  StreamOptions,
  TimerOptions,
  UntypedRef,
  UntypedSpawnOptions,
} from '../kernel/index.js';

/**
 * The context of a persistent actor's handlers and hooks. It has what `Context` has, but for `become`: only events change the state. Its
 * timers and `pipe` may persist events, too.
 */
export interface PersistentContext<State = unknown, EventInit = unknown, Self extends UntypedRef = UntypedRef>
  extends Omit<Context<State, Self>, 'become'> {
  /** The state with all stored events. It differs from the handler's first argument after `persist`. */
  readonly state: State;
  /**
   * Stores events, and applies them to the state. Resolves to the new state when the engine has stored all of them. Several events of one
   * call are stored together: all or none, where the engine can. The next message is handled when all events are stored, awaited or not.
   *
   * Throws ProtocolError for what is no event, BackpressureError when more than `pendingEvents` would not be stored yet, and what `apply`
   * throws; then nothing is stored. Throws ConfigError outside of a handler, hook
   * or timer, and in the generator of a stream; StoppedError when the actor has stopped or restarted meanwhile. Rejects with
   * PersistenceError when the events may not be stored; then the actor fails too, and recovers from the engine if it is restarted.
   *
   *     deposit: async (_state, { amount }, ctx) => {
   *       const { balance } = await ctx.persist({ event: { case: 'deposited', value: { amount } } });
   *       return { balance };
   *     },
   */
  persist(...events: readonly EventInit[]): Promise<State>;
}

/** What a context asks of its actor. */
export interface EventSource {
  readonly state: unknown;
  persist(events: readonly unknown[]): Promise<unknown>;
  /** Runs code of the user in a turn, and holds the turn until its events are stored. */
  run(code: () => unknown): unknown;
}

/** Passes everything to the kernel's context, and runs callbacks as turns that may persist. */
export class ActorPersistentContext implements PersistentContext {
  readonly #context: Context;
  readonly #source: EventSource;

  constructor(context: Context, source: EventSource) {
    this.#context = context;
    this.#source = source;
  }

  get state(): unknown {
    return this.#source.state;
  }

  persist(...events: readonly unknown[]): Promise<unknown> {
    return this.#source.persist(events);
  }

  after(delayMs: number, callback: () => unknown, options?: TimerOptions): Timer {
    return this.#context.after(delayMs, this.#turn(callback), options);
  }

  every(periodMs: number, callback: () => unknown, options?: TimerOptions): Timer {
    return this.#context.every(periodMs, this.#turn(callback), options);
  }

  pipe<T>(work: PromiseLike<T>, then: (value: T) => unknown, failed?: (error: Error) => unknown): void {
    const source = this.#source;
    this.#context.pipe(
      work,
      (value) => source.run(() => then(value)),
      failed && ((error) => source.run(() => failed(error))),
    );
  }

  /** What is no function is refused by the kernel. */
  #turn(callback: () => unknown): () => unknown {
    return typeof callback === 'function' ? () => this.#source.run(callback) : callback;
  }

  get self(): UntypedRef {
    return this.#context.self;
  }

  get name(): string {
    return this.#context.name;
  }

  get path(): string {
    return this.#context.path;
  }

  get log(): Logger {
    return this.#context.log;
  }

  get scheduler(): Scheduler {
    return this.#context.scheduler;
  }

  get signal(): AbortSignal {
    return this.#context.signal;
  }

  get meta(): Meta | undefined {
    return this.#context.meta;
  }

  get sender(): Ref | undefined {
    return this.#context.sender;
  }

  get children(): ReadonlyMap<string, UntypedRef> {
    return this.#context.children;
  }

  spawn<S extends AnyService>(behavior: Behavior<S, unknown, unknown>, options?: UntypedSpawnOptions): ActorRef<S> {
    return this.#context.spawn(behavior, options);
  }

  watch(ref: UntypedRef): void {
    this.#context.watch(ref);
  }

  unwatch(ref: UntypedRef): void {
    this.#context.unwatch(ref);
  }

  get place(): Place {
    return this.#context.place;
  }

  lookup<S extends AnyService>(service: S, name: string, options?: LookupOptions): Promise<ActorRef<S>> {
    return this.#context.lookup(service, name, options);
  }

  group<S extends AnyService>(service: S, name: string, options?: GroupOptions<S>): Promise<GroupRef<S>> {
    return this.#context.group(service, name, options);
  }

  stopChild(ref: UntypedRef, options?: StopActorOptions): Promise<void> {
    return this.#context.stopChild(ref, options);
  }

  ref<S extends AnyService>(service: S, ref: RefInit): ActorRef<S> {
    return this.#context.ref(service, ref);
  }

  cancel(timer: Timer | string): void {
    this.#context.cancel(timer);
  }

  setIdleTimeout(timeoutMs: number | undefined): void {
    this.#context.setIdleTimeout(timeoutMs);
  }

  stash(): void {
    this.#context.stash();
  }

  unstashAll(): void {
    this.#context.unstashAll();
  }

  retain(bytes: BorrowedBytes): RetainedBytes {
    return this.#context.retain(bytes);
  }

  stop(): void {
    this.#context.stop();
  }

  fail(error: Error): void {
    this.#context.fail(error);
  }

  options(options?: StreamOptions): StreamOptions {
    return this.#context.options(options);
  }

  outside<T>(work: Promise<T>): Promise<T> {
    return this.#context.outside(work);
  }
}
