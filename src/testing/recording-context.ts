import {
  type ActorRef,
  ActorTimers,
  type AnyBehavior,
  type AskOptions,
  type Behavior,
  type Context,
  References,
  type Route,
  routeKey,
  type SpawnOptions,
  type UntypedRef,
} from '../actors/kernel/index.js';
import { ConfigError, ProtocolError } from '../errors.js';
import { type Logger, type LogRecord, memoryLogger } from '../logging/index.js';
import type { AnyService, Meta, Ref } from '../protocol/index.js';
import type { ManualScheduler, Timer } from '../scheduler/index.js';
import type { Effect } from './effects.js';
import { type Answer, RecordedRoute } from './recorded-route.js';

/** What comes with a message in a test. */
export interface MessageFields {
  readonly meta?: Meta;
  readonly sender?: UntypedRef;
}

/** The context of a behavior that runs alone: keeps what the behavior does, and does nothing of it but timers and `become`. */
export class RecordingContext implements Context {
  readonly name: string;
  readonly path: string;
  readonly self: UntypedRef;
  readonly scheduler: ManualScheduler;
  readonly log: Logger;
  readonly records: readonly LogRecord[];
  meta: Meta | undefined = undefined;
  sender: Ref | undefined = undefined;
  state: unknown = undefined;
  readonly #behavior: AnyBehavior;
  readonly #references = new References('test');
  readonly #routes = new Map<bigint, RecordedRoute>();
  readonly #timers: ActorTimers;
  readonly #watched = new Set<Route>();
  readonly #record = (effect: Effect): void => void this.#effects.push(effect);
  #effects: Effect[] = [];
  /** What timers returned that have run. */
  readonly #turns: unknown[] = [];
  readonly #names = new Set<string>();
  #lastCUid = 0n;

  constructor(behavior: AnyBehavior, name: string, scheduler: ManualScheduler) {
    const logger = memoryLogger();
    this.name = name;
    this.path = `test/${name}`;
    this.scheduler = scheduler;
    this.log = logger;
    this.records = logger.records;
    this.#behavior = behavior;
    this.#timers = new ActorTimers(scheduler, { signal: (turn) => void this.#turns.push(turn()) });
    this.self = this.probe(behavior.service, () => undefined);
  }

  createState(): void {
    this.state = this.#behavior.createState?.(this);
  }

  takeEffects(): readonly Effect[] {
    const taken = this.#effects;
    this.#effects = [];
    return taken;
  }

  takeTurns(): readonly unknown[] {
    return this.#turns.splice(0);
  }

  /** Runs a handler with what came with its message. */
  during<Result>({ meta, sender }: MessageFields, run: () => Result): Result {
    this.meta = meta;
    this.sender = sender?.toRef();
    return run();
  }

  /** False when it was not watched. */
  forgetWatched(ref: UntypedRef): boolean {
    return this.#watched.delete(ref[routeKey]);
  }

  /** A reference whose messages are recorded. */
  probe<S extends AnyService>(service: S, answer: Answer): ActorRef<S> {
    this.#lastCUid += 1n;
    return this.#probeAt(service, this.#lastCUid, answer);
  }

  spawn<S extends AnyService, T>(behavior: Behavior<S, T>, options: SpawnOptions = {}): ActorRef<S> {
    const name = options.name ?? `${behavior.service.typeName}-${this.#names.size}`;
    if (this.#names.has(name)) throw new ConfigError(`${this.path}/${name} exists already: choose another name`);
    this.#names.add(name);
    const ref = this.probe(behavior.service, () => undefined);
    this.#record({ kind: 'spawned', name, ref, behavior });
    return ref;
  }

  watch(ref: UntypedRef): void {
    if (this.#behavior.on.terminated === undefined) {
      throw new ConfigError(
        `${this.path} watches ${ref.service.typeName}, but its behavior has no on.terminated to be told by`,
      );
    }
    this.#watched.add(ref[routeKey]);
    this.#record({ kind: 'watched', ref });
  }

  unwatch(ref: UntypedRef): void {
    this.#watched.delete(ref[routeKey]);
    this.#record({ kind: 'unwatched', ref });
  }

  ref<S extends AnyService>(service: S, ref: Ref): ActorRef<S> {
    if (ref.service !== service.typeName) {
      throw new ProtocolError(`a reference to ${ref.service} was used as one to ${service.typeName}`);
    }
    const known = this.#routes.get(ref.cUid);
    return known === undefined
      ? this.#probeAt(service, ref.cUid, () => undefined)
      : this.#references.create(service, known);
  }

  after(delayMs: number, callback: () => unknown): Timer {
    return this.#setTimer(delayMs, undefined, callback);
  }

  every(periodMs: number, callback: () => unknown): Timer {
    return this.#setTimer(periodMs, periodMs, callback);
  }

  cancel(timer: Timer): void {
    this.#timers.cancel(timer);
    this.#record({ kind: 'timer cancelled', timer });
  }

  setIdleTimeout(timeoutMs: number | undefined): void {
    this.#record({ kind: 'idle timeout set', timeoutMs });
  }

  stash(): void {
    this.#record({ kind: 'stashed' });
  }

  unstashAll(): void {
    this.#record({ kind: 'unstashed' });
  }

  become(state: unknown): void {
    this.state = state;
    this.#record({ kind: 'became', state });
  }

  stop(): void {
    this.#record({ kind: 'stopped' });
  }

  fail(error: Error): void {
    this.#record({ kind: 'failed', error });
  }

  options(options: AskOptions = {}): AskOptions {
    const meta = this.meta === undefined ? options.meta : { ...this.meta, ...options.meta };
    return { ...options, meta };
  }

  outside<T>(work: Promise<T>): Promise<T> {
    return work;
  }

  clearTimers(): void {
    this.#timers.clear();
  }

  #setTimer(delayMs: number, periodMs: number | undefined, callback: () => unknown): Timer {
    const timer = this.#timers.add(delayMs, periodMs, callback);
    this.#record({ kind: 'timer set', timer, delayMs, periodMs });
    return timer;
  }

  #probeAt<S extends AnyService>(service: S, cUid: bigint, answer: Answer): ActorRef<S> {
    const route = new RecordedRoute(cUid, this.#record, answer);
    this.#routes.set(cUid, route);
    return route.bind(this.#references.create(service, route));
  }
}
