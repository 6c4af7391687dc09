import type { AnyMethod, AnyService } from '../../protocol/index.js';
import type { AskOptions, SendOptions, StreamOptions } from './call.js';
import type { Delivery } from './delivery.js';
import type { Stream, StreamOpening, StreamSource } from './stream.js';

/** Why a watched actor is gone: it stopped, or the process that holds it can no longer be reached. */
export type TerminationReason = 'stopped' | 'unreachable';

/** Who learns that an actor is gone. */
export interface Watcher {
  /** Called once, at once when the actor is gone already; must not throw. */
  terminated(route: Route, reason: TerminationReason): void;
}

/** Where a reference's messages go: a cell of this partition, or a way over a link. Messages are filled already. */
export interface Route {
  /**
   * `true`, or `false` when the message is accepted past the mark (wait for `ready`) or has become a dead letter.
   * Throws BackpressureError at the bound.
   */
  tell(method: AnyMethod, message: unknown, options: SendOptions | undefined): boolean;
  /** Rejects with a typed error as soon as it is known that no reply will come, at the deadline otherwise. */
  ask(method: AnyMethod, message: unknown, options: AskOptions | undefined): Promise<unknown>;
  /** Nothing is sent before the first `next`, which takes what it inherits from where this is called. Throws ConfigError. */
  stream(method: AnyMethod, message: unknown, options: StreamOptions | undefined): Stream<unknown>;
  /** Resolves when a tell would be accepted below the mark; rejects with StoppedError or UnreachableError. */
  ready(): Promise<void>;
  watch(watcher: Watcher): void;
  unwatch(watcher: Watcher): void;
  /** The actor's channel id; a local actor takes one on first use. */
  readonly cUid: bigint;
  /** Of the process that the actor lives in; 0n where it is not known. */
  readonly incarnation: bigint;
}

/** A local actor as the router sees it: messages from links enter here. */
export interface Cell extends Route {
  readonly service: AnyService;
  /**
   * Puts a decoded message into the mailbox; `false` when it went past the mark. A tell at the bound throws BackpressureError,
   * after the end StoppedError, and is counted as a dead letter here; an ask is answered with the same errors instead.
   * Past `mailboxBytes` every mailbox counts as full, but for messages of the control lane.
   */
  deliver(method: AnyMethod, message: unknown, delivery: Delivery | undefined): boolean;
  /** As `ready`, for messages from links: it also waits for room among the bytes of all mailboxes. */
  readyForLinks(): Promise<unknown>;
  /** Opens a stream, which takes a message's room in the mailbox; a refusal goes to `opening.sink`. */
  serve(method: AnyMethod, message: unknown, opening: StreamOpening): StreamSource;
}

/** Property of every reference that holds its route; a symbol, so that no rpc name can clash with it. */
export const routeKey: unique symbol = Symbol('millrace.route');
