import type { Logger } from '../../logging/index.js';
import type { AnyService, Meta, Ref, RefInit } from '../../protocol/index.js';
import type { Scheduler, Timer } from '../../scheduler/index.js';
import type { Behavior } from './behavior.js';
import type { StreamOptions } from './call.js';
import type { ActorRef, UntypedRef } from './reference.js';

export interface SpawnOptions {
  /** Unique among its siblings; letters, digits and -$_.+!*'(), only. Default: the service's name and a number. */
  readonly name?: string | undefined;
  /** A conventional channel id. Default: the next free one, taken when first needed. */
  readonly cUid?: bigint | undefined;
}

/** What an actor's handlers reach the world with. One for each actor; `meta` and `sender` are those of the message being handled. */
export interface Context<State = unknown> {
  readonly self: UntypedRef;
  readonly name: string;
  /** `system/parent/child`, for people. */
  readonly path: string;
  /** Names this actor in every line. */
  readonly log: Logger;
  readonly scheduler: Scheduler;
  readonly meta: Meta | undefined;
  /**
   * The actor that sent the message; undefined when it came from outside any actor, and in timers and hooks. Over a link its service
   * does not travel and is empty: `ctx.ref(Service, ctx.sender)` says what it speaks.
   */
  readonly sender: Ref | undefined;
  /** Starts a child, which ends with this actor. ConfigError when the name is taken or unfit, StoppedError while this actor stops. */
  spawn<S extends AnyService, T>(behavior: Behavior<S, T>, options?: SpawnOptions): ActorRef<S>;
  /** `on.terminated` is called once when `ref` is gone, at once when it is already. ConfigError without `on.terminated`. */
  watch(ref: UntypedRef): void;
  unwatch(ref: UntypedRef): void;
  /** The typed reference of one that came in a message. ProtocolError when it names another service. */
  ref<S extends AnyService>(service: S, ref: RefInit): ActorRef<S>;
  /** Calls `callback` once after `delayMs`, as a turn of this actor: never beside a handler. Ends with the actor, or its restart. */
  after(delayMs: number, callback: () => unknown): Timer;
  /** As `after`, again and again; a period that passes while the actor is busy is not made up for. */
  every(periodMs: number, callback: () => unknown): Timer;
  cancel(timer: Timer): void;
  /**
   * `on.idle` is called when no message was handled for so long, and again after each further while; undefined: never. Ends with the
   * actor; a restart begins with the behavior's own `idleTimeoutMs`. ConfigError without `on.idle`.
   */
  setIdleTimeout(timeoutMs: number | undefined): void;
  /**
   * Puts the message being handled aside, once its handler is done; what that returns is no reply then. An asker goes on waiting, until
   * its deadline at the latest. A restart puts everything back before the mailbox, a stop answers it as it does the mailbox.
   * BackpressureError when the stash is full, ConfigError in a hook, a timer or the handler of a stream.
   */
  stash(): void;
  /** Everything put aside so far is handled next, in the order in which it came, before what waits in the mailbox. */
  unstashAll(): void;
  /** Replaces the state, from the next handler on. */
  become(state: State): void;
  /** Ends this actor when the current handler is done. */
  stop(): void;
  /** Fails this actor as if a handler had thrown, in a turn of its own: for work that goes on behind the handlers. */
  fail(error: Error): void;
  /**
   * Options for calls made after an `await`: they carry the call chain, meta and remaining time of the message being handled.
   * Calls made before the first `await` carry them anyway.
   */
  options(options?: StreamOptions): StreamOptions;
  /** Declares work whose completion comes from outside the program, such as a file or a socket: see Scheduler. */
  outside<T>(work: Promise<T>): Promise<T>;
}
