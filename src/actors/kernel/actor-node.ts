import { hasMark } from '../../foreign.js';
import type { AnyService } from '../../protocol/index.js';
import type { ActorTree } from './actor-tree.js';
import type { Behavior } from './behavior.js';
import type { Context, SpawnOptions } from './context.js';
import type { Phase } from './inbox.js';
import type { ActorRef, UntypedRef } from './reference.js';
import { type Cell, routeKey } from './route.js';

/** Property of every actor of this thread, whichever copy of Millrace made it. */
export const nodeKey: unique symbol = Symbol.for('millrace.node');

/** What a path is read off. */
export interface TreeNode {
  readonly [nodeKey]: true;
  readonly name: string;
  readonly parent: TreeNode | undefined;
}

/** An actor of this partition as a node of its system's tree: what its reference hides, for a room that gives another API to actors. */
export interface ActorNode extends TreeNode, Cell {
  readonly self: UntypedRef;
  readonly context: Context;
  readonly path: string;
  readonly phase: Phase;
  /** What its behavior made; undefined before the start and while it restarts. */
  readonly state: unknown;
  readonly parent: ActorNode | undefined;
  readonly siblings: ReadonlyMap<string, ActorNode>;
  readonly children: ReadonlyMap<string, ActorNode>;
  readonly tree: ActorTree;
  /** Messages in its mailbox, oldest first. */
  readonly waiting: readonly unknown[];
  /** Starts a child. ConfigError when the name is taken or unfit, StoppedError while this actor stops or restarts. */
  spawnChild<S extends AnyService, T>(behavior: Behavior<S, T>, options?: SpawnOptions): ActorRef<S>;
  /**
   * Runs `turn` before all messages, in a turn of this actor; dropped when it is not running. A promise that it returns holds
   * the mailbox; what it throws, the actor fails with.
   */
  signal(turn: () => unknown): void;
  requestStop(): void;
  /** Logs that an ask failed whose reply nobody waits for. */
  reportLostReply(error: unknown): void;
}

/** The actor behind a reference. Undefined for one that is elsewhere, and for whatever is no reference. */
export function nodeOf(ref: object): ActorNode | undefined {
  const route: unknown = hasMark(ref, routeKey) ? Reflect.get(ref, routeKey) : undefined;
  return isNode(route) ? route : undefined;
}

function isNode(value: unknown): value is ActorNode {
  return hasMark(value, nodeKey);
}
