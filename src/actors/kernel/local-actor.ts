import type { AnyService } from '../../protocol/index.js';
import type { Behavior } from './behavior.js';
import { ActorCell } from './cell.js';
import type { Context, SpawnOptions } from './context.js';
import type { Phase } from './inbox.js';
import { type ActorRef, type UntypedRef } from './reference.js';
import { routeKey } from './route.js';

/** An actor of this partition from within: what its reference keeps from others, for the room that gives nact's API. */
export interface LocalActor {
  readonly self: UntypedRef;
  readonly context: Context;
  readonly path: string;
  readonly phase: Phase;
  /** What its behavior made; undefined before the start and while it restarts. */
  readonly state: unknown;
  readonly parent: LocalActor | undefined;
  readonly siblings: ReadonlyMap<string, LocalActor>;
  readonly children: ReadonlyMap<string, LocalActor>;
  /** Messages in its mailbox, oldest first. */
  readonly waiting: readonly unknown[];
  /** What `configurePersistence` has given its system. */
  readonly persistenceEngine: unknown;
  /** Starts a child. ConfigError when the name is taken or unfit, StoppedError while this actor stops or restarts. */
  spawnChild<S extends AnyService, T>(behavior: Behavior<S, T>, options?: SpawnOptions): ActorRef<S>;
  /** Runs `turn` before all messages, in a turn of this actor; dropped when it is not running. A promise that it returns holds
   * the mailbox; what it throws, the actor fails with. */
  signal(turn: () => unknown): void;
  requestStop(): void;
  /** As nact's `dispatch` and `query`. */
  dispatch(message: unknown, sender?: object): boolean;
  query(message: unknown, timeoutMs: number): Promise<unknown>;
}

/** Undefined for an actor of another partition, and for whatever is no reference. */
export function localActor(ref: object): LocalActor | undefined {
  const route: unknown = routeKey in ref ? ref[routeKey] : undefined;
  return route instanceof ActorCell ? route : undefined;
}
