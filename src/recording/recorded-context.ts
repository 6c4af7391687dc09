import type {
  ActorRef,
  AskOptions,
  Behavior,
  Context,
  GroupOptions,
  GroupRef,
  LookupOptions,
  Place,
  RetainedBytes,
  StopActorOptions,
  TimerOptions,
  UntypedRef,
  UntypedSpawnOptions,
} from '../actors/kernel/index.js';
import type { Logger } from '../logging/index.js';
import type { AnyService, BorrowedBytes, Meta, Ref, ServiceRefInit } from '../protocol/index.js';
import type { Scheduler, Timer } from '../scheduler/index.js';
import type { RecordedActor } from './recorded-actor.js';
import { RecordedDraws } from './recorded-draws.js';
import { errorRecord } from './records.js';

/** The context of a recorded actor: forwards each call to the actor's own context, and records it. */
export class RecordedContext implements Context {
  readonly scheduler: Scheduler;
  readonly #inner: Context;
  readonly #actor: RecordedActor;
  readonly #timers = new Map<Timer | undefined, number>();
  readonly #keyed = new Map<string, Timer>();
  #timersSet = 0;

  constructor(inner: Context, actor: RecordedActor) {
    this.scheduler = new RecordedDraws(inner.scheduler, (value) => actor.log({ case: 'draw', value }));
    this.#inner = inner;
    this.#actor = actor;
  }

  get self(): UntypedRef {
    return this.#inner.self;
  }

  get name(): string {
    return this.#inner.name;
  }

  get path(): string {
    return this.#inner.path;
  }

  get log(): Logger {
    return this.#inner.log;
  }

  get signal(): AbortSignal {
    return this.#actor.used(this.#inner.signal);
  }

  get meta(): Meta | undefined {
    return this.#inner.meta;
  }

  get sender(): Ref | undefined {
    return this.#inner.sender;
  }

  spawn<S extends AnyService>(behavior: Behavior<S, unknown, unknown>, options?: UntypedSpawnOptions): ActorRef<S> {
    const child = this.#inner.spawn(behavior, options);
    this.#actor.log({ case: 'spawned', value: { name: child.name, ref: child.toRef() } });
    return child;
  }

  watch(ref: UntypedRef): void {
    this.#inner.watch(ref);
    this.#actor.log({ case: 'watched', value: ref.toRef() });
  }

  unwatch(ref: UntypedRef): void {
    this.#inner.unwatch(ref);
    this.#actor.log({ case: 'unwatched', value: ref.toRef() });
  }

  ref<S extends AnyService>(service: S, ref: ServiceRefInit<S> | undefined): ActorRef<S> {
    return this.#inner.ref(service, ref);
  }

  get children(): ReadonlyMap<string, UntypedRef> {
    return this.#inner.children;
  }

  get place(): Place {
    return this.#inner.place;
  }

  lookup<S extends AnyService>(service: S, name: string, options?: LookupOptions): Promise<ActorRef<S>> {
    return this.#inner.lookup(service, name, options);
  }

  group<S extends AnyService>(service: S, name: string, options?: GroupOptions<S>): Promise<GroupRef<S>> {
    return this.#inner.group(service, name, options);
  }

  stopChild(ref: UntypedRef, options?: StopActorOptions): Promise<void> {
    return this.#inner.stopChild(ref, options);
  }

  after(delayMs: number, callback: () => unknown, options?: TimerOptions): Timer {
    return this.#set(delayMs, undefined, callback, options, (fire) => this.#inner.after(delayMs, fire, options));
  }

  every(periodMs: number, callback: () => unknown, options?: TimerOptions): Timer {
    return this.#set(periodMs, periodMs, callback, options, (fire) => this.#inner.every(periodMs, fire, options));
  }

  pipe<T>(work: PromiseLike<T>, then: (value: T) => unknown, failed?: (error: Error) => unknown): void {
    const fail = failed && ((error: Error) => this.#actor.runCode(() => failed(error)));
    this.#inner.pipe(work, (value) => this.#actor.runCode(() => then(value)), fail);
  }

  cancel(timer: Timer | string): void {
    this.#inner.cancel(timer);
    const number = this.#timers.get(typeof timer === 'string' ? this.#keyed.get(timer) : timer);
    if (number !== undefined) this.#actor.log({ case: 'timerCancelled', value: number });
  }

  setIdleTimeout(timeoutMs: number | undefined): void {
    this.#inner.setIdleTimeout(timeoutMs);
    this.#actor.log({ case: 'idleTimeoutSet', value: timeoutMs ?? 0 });
  }

  stash(): void {
    this.#inner.stash();
    this.#actor.log({ case: 'stashed', value: {} });
  }

  unstashAll(): void {
    this.#inner.unstashAll();
    this.#actor.log({ case: 'unstashed', value: {} });
  }

  retain(bytes: BorrowedBytes): RetainedBytes {
    return this.#inner.retain(bytes);
  }

  become(state: unknown): void {
    this.#inner.become(state);
  }

  stop(): void {
    this.#inner.stop();
    this.#actor.log({ case: 'stopped', value: {} });
  }

  fail(error: Error): void {
    this.#inner.fail(error);
    this.#actor.log({ case: 'stopped', value: { error: errorRecord(error) } });
  }

  options(options?: AskOptions): AskOptions {
    return this.#inner.options(options);
  }

  outside<T>(work: Promise<T>): Promise<T> {
    return this.#inner.outside(work);
  }

  #set(
    delayMs: number,
    periodMs: number | undefined,
    callback: () => unknown,
    options: TimerOptions | undefined,
    set: (fire: () => unknown) => Timer,
  ): Timer {
    const number = this.#timersSet++;
    const timer = set(() => {
      this.#actor.log({ case: 'timerFired', value: number });
      return this.#actor.runCode(callback);
    });
    this.#timers.set(timer, number);
    if (options?.key !== undefined) this.#keyed.set(options.key, timer);
    this.#actor.log({ case: 'timerSet', value: { delayMs, periodMs } });
    return timer;
  }
}
