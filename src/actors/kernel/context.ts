import type { Logger } from '../../logging/index.js';
import type { AnyService, BorrowedBytes, Meta, Ref, ServiceRefInit } from '../../protocol/index.js';
import type { Scheduler, Timer } from '../../scheduler/index.js';
import type { Behavior } from './behavior.js';
import type { StreamOptions } from './call.js';
import type { StopActorOptions } from './draining.js';
import type { GroupRef } from './group-reference.js';
import type { Place } from './placeable.js';
import type { ActorRef } from './reference.js';
import type { RetainedBytes } from './retained-bytes.js';
import type { GroupOptions, LookupOptions } from './surroundings.js';
import type { UntypedRef } from './untyped-ref.js';

export interface SpawnOptions {
  /** Unique among its siblings; letters, digits and -$_.+!*'(), only. Default: the service's name and a number. */
  readonly name?: string | undefined;
  /** A conventional channel id. Default: the next free one, assigned on first use. */
  readonly cUid?: bigint | undefined;
}

/**
 * The arguments of a spawn after the behavior: its options, with `args` where the state of the behavior takes them. `Options` are the other
 * options.
 */
export type SpawnArguments<Args, Options = SpawnOptions> = unknown extends Args
  ? [options?: Options & { readonly args?: unknown }]
  : [Args] extends [undefined]
    ? [options?: Options & { readonly args?: undefined }]
    : [options: Options & { readonly args: Args }];

/** The options of a spawn where the compiler does not know the type of `args`. */
export interface UntypedSpawnOptions extends SpawnOptions {
  readonly args?: unknown;
}

export interface TimerOptions {
  /** A timer replaces the one of this actor that has the same key. */
  readonly key?: string | undefined;
}

/**
 * The context of an actor's handlers. There is one for each start of an actor; `meta` and `sender` belong to the message being handled. After
 * a stop or restart it does nothing any more: `stop` and `fail` are ignored, and what would change the actor throws StoppedError.
 */
export interface Context<State = unknown, Self extends UntypedRef = UntypedRef> {
  /** This actor; typed in the handlers and hooks of a behavior. */
  readonly self: Self;
  readonly name: string;
  /** `system/parent/child`, for logs and messages. */
  readonly path: string;
  /** Adds this actor's path to every record. */
  readonly log: Logger;
  readonly scheduler: Scheduler;
  readonly meta: Meta | undefined;
  /**
   * Is aborted when nobody waits for the reply to the message being handled any more: at its deadline, when its caller aborts it, when the link to the
   * caller is lost, and when it is answered. Its `reason` is the error. For a tell, a stream and in hooks it is never aborted.
   *
   *     quote: async (_state, { url }, ctx) => ({ text: await (await fetch(url, { signal: ctx.signal })).text() }),
   */
  readonly signal: AbortSignal;
  /**
   * The actor that sent the message; undefined when no actor sent it, and in timers and hooks. For a message from a link, its service is
   * empty, because it is not sent: `ctx.ref(Service, ctx.sender)` states it.
   */
  readonly sender: Ref | undefined;
  /**
   * Starts a child, which stops with this actor. `args` go to `state` of its behavior, at each start. Throws ConfigError when the name is taken
   * or invalid, or `args` are missing or not taken; StoppedError while this actor stops.
   *
   *     ctx.spawn(account, { name: id, args: { limit: 500 } });
   */
  spawn<S extends AnyService, T, Args>(
    behavior: Behavior<S, T, Args>,
    ...options: SpawnArguments<NoInfer<Args>>
  ): ActorRef<S>;
  /** Calls `on.terminated` once when `ref` has ended, also if it already has. Throws ConfigError without `on.terminated`. */
  watch(ref: UntypedRef): void;
  unwatch(ref: UntypedRef): void;
  /** Its children that have not stopped, by name. */
  readonly children: ReadonlyMap<string, UntypedRef>;
  /**
   * Stops a child, or an actor that this one has placed; resolves when it has stopped. With `drain` it first handles what it has accepted.
   * Rejects with ConfigError for any other actor.
   *
   *     await ctx.stopChild(worker, { drain: true });
   */
  stopChild(ref: UntypedRef, options?: StopActorOptions): Promise<void>;
  /** The typed reference for a reference from a message. Throws ProtocolError when the message has none, or one that names another service. */
  ref<S extends AnyService>(service: S, ref: ServiceRefInit<S> | undefined): ActorRef<S>;
  /**
   * Places actors as `runtime.place` does, in any partition. This actor is their parent: when it stops or restarts, they are stopped, unless they
   * are `detached`. Rejects with ConfigError where its actor system belongs to no runtime, StoppedError while this actor stops.
   *
   *     const worker = await ctx.place(resizer, { args: { quality: 80 }, on: 'threads' });
   */
  readonly place: Place;
  /**
   * The actor with a registered name, as `runtime.lookup`. Rejects with AskTimeoutError where nobody has it in time, ConfigError where its
   * actor system belongs to no runtime, StoppedError while this actor stops.
   *
   *     const bank = await ctx.lookup(Bank, 'bank', { timeoutMs: 1_000 });
   */
  lookup<S extends AnyService>(service: S, name: string, options?: LookupOptions): Promise<ActorRef<S>>;
  /**
   * All actors of a group as one reference, as `runtime.group`. It is closed when this actor stops or restarts. Rejects as `lookup`.
   *
   *     const resizers = await ctx.group(Resizer, 'resizers', { policy: 'least-loaded' });
   */
  group<S extends AnyService>(service: S, name: string, options?: GroupOptions<S>): Promise<GroupRef<S>>;
  /** Calls `callback` once after `delayMs`, in a turn of this actor: never during a handler. Cancelled when the actor stops or restarts. */
  after(delayMs: number, callback: () => unknown, options?: TimerOptions): Timer;
  /** As `after`, repeatedly; periods that pass while the actor is busy are skipped. */
  every(periodMs: number, callback: () => unknown, options?: TimerOptions): Timer;
  /** Cancels a timer, or the timer with this key. Its callback is not called any more, also when it was due. */
  cancel(timer: Timer | string): void;
  /**
   * Calls `then` with the result of `work`, in a turn of this actor: never during a handler, and not at all when the actor has
   * stopped or restarted meanwhile. When `work` fails, calls `failed`; without it the actor fails with the error.
   *
   *     load: (rows, { id }, ctx) => ctx.pipe(fetchRow(id), (row) => rows.set(id, row)),
   */
  pipe<T>(work: PromiseLike<T>, then: (value: T) => unknown, failed?: (error: Error) => unknown): void;
  /**
   * Calls `on.idle` when no message was handled for `timeoutMs`, and again after each further period; undefined: never. A restart resets it
   * to the behavior's `idleTimeoutMs`. Throws ConfigError without `on.idle`.
   */
  setIdleTimeout(timeoutMs: number | undefined): void;
  /**
   * Stashes the message being handled when its handler is done; the handler's result is no reply then. The caller of an ask waits on, at
   * most until its deadline. A restart returns all stashed messages to the front of the mailbox; a stop answers them as those in the
   * mailbox. Throws BackpressureError when the stash is full, ConfigError in a hook, a timer or the handler of a stream.
   */
  stash(): void;
  /** Returns all stashed messages to the front of the mailbox, in the order of their arrival. */
  unstashAll(): void;
  /**
   * Keeps the bytes of a borrowed field, or a part of them, when its handler has settled, until what is returned is disposed or this actor stops or
   * restarts. Bytes that belong to nobody else are kept as they are. Throws ConsumedError for bytes that were released before.
   *
   *     load: (frames, { number, pixels }, ctx) => void frames.set(number, ctx.retain(pixels)),
   */
  retain(bytes: BorrowedBytes): RetainedBytes;
  /** Replaces the state, for the next handler and later ones. */
  become(state: State): void;
  /** Stops this actor when the current handler is done. */
  stop(): void;
  /** Fails this actor as if a handler had thrown, in a separate turn: for work outside the handlers. */
  fail(error: Error): void;
  /**
   * Options for calls after an `await`: they pass on the call chain, meta and remaining time of the message being handled. Calls before the
   * first `await` do so without them. More options are its argument, or are added to a copy.
   *
   *     await store.load({ id }, ctx.options({ timeoutMs: 500 })); // or { ...ctx.options(), timeoutMs: 500 }
   */
  options(options?: StreamOptions): StreamOptions;
  /** Declares work that completes outside the program, such as I/O on a file or a socket: see Scheduler. */
  outside<T>(work: Promise<T>): Promise<T>;
}
