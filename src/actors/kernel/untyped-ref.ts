import type { AnyService, Ref } from '../../protocol/index.js';
import type { ActorPath } from './actor-path.js';
import type { ReadyOptions } from './ready-wait.js';
import type { Route, routeKey } from './route.js';
import type { Wrappable } from './wrapped-asks.js';

/** Property of everything that has root actors, such as a Runtime. */
export const systemKey: unique symbol = Symbol.for('millrace.system');

/** What has root actors. */
export interface HasSystem {
  readonly [systemKey]: { readonly name: string };
}

/** The system of an actor without a parent, as its `parent`. `spawn` and `stop` of `millrace/nact` accept it. */
export interface SystemRef extends HasSystem {
  readonly type: 'system';
  readonly name: string;
  readonly path: ActorPath;
  readonly system: { readonly name: string };
  toString(): string;
}

/** The parent of an actor, which is a reference to it, or its system when it has none. */
export type ActorParent = UntypedRef | SystemRef;

/** A reference whose service the compiler does not know. nact's `dispatch`, `query` and `stop` accept it too. */
export interface UntypedRef extends Wrappable {
  readonly [routeKey]: Route;
  readonly service: AnyService;
  /**
   * Resolves when a tell would be accepted below the high-water mark. Rejects with BackpressureError at the deadline (`timeoutMs`), or without
   * one when the actor has handled no message for 60 s, AskAbortedError when `signal` is aborted, StoppedError or UnreachableError when the actor or the link to
   * it ends, ReentrantAskError when a handler calls it for its own actor, or for one that waits for its reply, and the mailbox is full,
   * ConfigError for a wrong option.
   *
   *     if (!ref.observe(trade)) await ref.ready({ timeoutMs: 1_000 });
   */
  ready(options?: ReadyOptions): Promise<void>;
  /** The wire record, for use in messages; a local actor gets a channel id on first use. */
  toRef(): Ref;
  /** The service and the path, for logs and messages. */
  toString(): string;
  /** The service and the path. A reference cannot be made from them again: send `toRef()` in a message instead. */
  toJSON(): { readonly service: string; readonly path: string };
  readonly type: 'actor';
  readonly name: string;
  readonly path: ActorPath;
  readonly parent: ActorParent | undefined;
  readonly system: { readonly name: string };
}
