import { hasMark } from '../../foreign.js';
import type { AnyService } from '../../protocol/index.js';
import type { ActorTree } from './actor-tree.js';
import type { Behavior } from './behavior.js';
import type { Context, UntypedSpawnOptions } from './context.js';
import type { Phase } from './held-messages.js';
import type { ActorRef, UntypedRef } from './reference.js';
import { type Cell, routeKey } from './route.js';

/** Property of every actor of this thread, whichever copy of Millrace made it. */
export const nodeKey: unique symbol = Symbol.for('millrace.node');

/** An actor of this partition as a node of its system's tree. Gives other APIs for actors, such as nact's, what a reference hides. */
export interface ActorNode extends Cell {
  readonly [nodeKey]: true;
  readonly name: string;
  readonly self: UntypedRef;
  readonly context: Context;
  readonly path: string;
  readonly phase: Phase;
  /** The state of its behavior; undefined before the start and during a restart. */
  readonly state: unknown;
  readonly parent: ActorNode | undefined;
  readonly siblings: ReadonlyMap<string, ActorNode>;
  readonly children: ReadonlyMap<string, ActorNode>;
  readonly tree: ActorTree;
  /** Messages in its mailbox, oldest first. */
  readonly waiting: readonly unknown[];
  /** Starts a child. Throws ConfigError when the name is taken or invalid, StoppedError while this actor stops or restarts. */
  spawnChild<S extends AnyService>(behavior: Behavior<S, unknown, unknown>, options?: UntypedSpawnOptions): ActorRef<S>;
  /**
   * Runs `turn` before all messages, in a turn of this actor; does nothing when the actor is not running. A promise that it returns
   * holds the mailbox; an error that it throws fails the actor.
   */
  signal(turn: () => unknown): void;
  requestStop(): void;
  /** Logs the failure of an ask that has no waiting caller. */
  reportLostReply(error: unknown): void;
}

/** The actor of a reference. Undefined for an actor of another partition, and for a value that is no reference. */
export function nodeOf(ref: object): ActorNode | undefined {
  const route: unknown = hasMark(ref, routeKey) ? Reflect.get(ref, routeKey) : undefined;
  return isNode(route) ? route : undefined;
}

function isNode(value: unknown): value is ActorNode {
  return hasMark(value, nodeKey);
}
