import { hasMark } from '../../foreign.js';
import type { AnyService } from '../../protocol/index.js';
import { type ActorPath, pathOf } from './actor-path.js';
import type { ActorTree } from './actor-tree.js';
import type { AnyBehavior, Behavior } from './behavior.js';
import type { WaitingAsk } from './call.js';
import type { Context, UntypedSpawnOptions } from './context.js';
import type { MailboxBounds } from './mailbox.js';
import type { ActorRef } from './reference.js';
import { type Cell, type Route, routeKey } from './route.js';
import type { ActorParent, UntypedRef } from './untyped-ref.js';
import { innermostRoute } from './wrapped-asks.js';

/** Property of every actor of this thread, whichever copy of Millrace made it. */
export const nodeKey: unique symbol = Symbol.for('millrace.node');

/**
 *     starting --> running <--> restarting        (a restart ends in starting)
 *         \           |            /
 *          `------> stopping <----'  --> stopped
 */
export type Phase = 'starting' | 'running' | 'restarting' | 'stopping' | 'stopped';

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
  /** Names of the methods of the oldest messages in its mailbox, at most `count`. */
  waitingMethods(count: number): readonly string[];
  /** Starts a child. Throws ConfigError when the name is taken or invalid, StoppedError while this actor stops or restarts. */
  spawnChild<S extends AnyService>(behavior: Behavior<S, unknown, unknown>, options?: UntypedSpawnOptions): ActorRef<S>;
  /**
   * Runs `turn` before all messages, in a turn of this actor; does nothing when the actor is not running. A promise that it returns
   * holds the mailbox; an error that it throws fails the actor.
   */
  signal(turn: () => unknown): void;
  /** From now on, the actor accepts no messages, and ends. */
  requestStop(): void;
  /** Takes no new messages from now on, and ends when it has done its work, at the latest after `timeoutMs`. */
  drain(timeoutMs: number): void;
  /** Stops the actor, with `drainMs` by `drain`; resolves when it and its children have stopped. */
  stopped(drainMs?: number): Promise<void>;
  /**
   * Resolves when an actor that was spawned in this turn has started. Rejects with what its state or `on.started` has thrown: the actor ends then,
   * whatever its supervision is.
   */
  started(): Promise<void>;
  readonly behavior: AnyBehavior;
  /** The promise that its handler or hook waits for. */
  readonly pending: Promise<unknown> | undefined;
  /** Name of the method that it has handled last, or handles. */
  readonly lastMethod: string | undefined;
  /** The last ask that it made of an actor of this partition. */
  readonly lastAsk: WaitingAsk | undefined;
  /** Its channel; undefined where no reference to it was ever sent. */
  readonly takenCUid: bigint | undefined;
  /** The mailbox, its capacity and what happens when it is full. */
  readonly bounds: MailboxBounds;
  /** Messages in its mailbox that count against its capacity. */
  readonly load: number;
  /** A handler waits for a promise: no message is handled meanwhile. */
  readonly isHeld: boolean;
  /** Messages from links that found no room, and wait beside the mailbox. */
  readonly parked: number;
  readonly stashed: number;
  /** Pending handlers, hooks and deferred replies, and a queued turn. */
  readonly unsettled: number;
  /** Logs the failure of an ask that has no waiting caller. */
  reportLostReply(error: unknown): void;
}

/** The actor of a reference. Undefined for an actor of another partition, and for a value that is no reference. */
export function nodeOf(ref: object): ActorNode | undefined {
  return isReference(ref) ? nodeAt(ref[routeKey]) : undefined;
}

function isReference(value: object): value is { readonly [routeKey]: Route } {
  return hasMark(value, routeKey);
}

function nodeAt(route: Route): ActorNode | undefined {
  const inner = innermostRoute(route);
  return isNode(inner) ? inner : undefined;
}

function isNode(value: unknown): value is ActorNode {
  return hasMark(value, nodeKey);
}

/** The last part of a path; for an actor of another partition, its channel id. */
export function routeName(route: Route): string {
  return nodeAt(route)?.name ?? route.cUid.toString(16);
}

/** An actor of another partition is not in the tree: its path begins with `@`, which is no valid actor name. */
export function routePath(route: Route, systemName: string): ActorPath {
  const node = nodeAt(route);
  return pathOf(systemName, node === undefined ? ['@', routeName(route)] : partsOf(node));
}

/** Undefined for an actor of another partition. */
export function routeParent(route: Route): ActorParent | undefined {
  const node = nodeAt(route);
  if (node === undefined) return undefined;
  return node.parent === undefined ? node.tree.reference : node.parent.self;
}

/** Names from the root to the node. */
function partsOf(leaf: ActorNode): string[] {
  const parts: string[] = [];
  for (let node: ActorNode | undefined = leaf; node !== undefined; node = node.parent) parts.unshift(node.name);
  return parts;
}
