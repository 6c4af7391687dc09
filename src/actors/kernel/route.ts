import type { AnyMethod, AnyService, Lane } from '../../protocol/index.js';
import type { AskOptions, SendOptions, StreamOptions } from './call.js';
import type { Delivery } from './delivery.js';
import type { MailboxBounds } from './mailbox.js';
import type { ReadyOptions } from './ready-wait.js';
import type { Stream, StreamOpening, StreamSource } from './stream.js';
import type { OpenStream } from './stream-call.js';
import type { MeteredLink, LinkPlace } from './waiting-room.js';

/** Why a watched actor has ended: it stopped, it ended by a failure, or its process cannot be reached any more. */
export type TerminationReason = 'stopped' | 'failed' | 'unreachable';

/** Is notified when an actor has ended. */
export interface Watcher {
  /** Called once, also if the actor has ended already; must not throw. `cause` is the error of a failure. */
  terminated(route: Route, reason: TerminationReason, cause?: Error): void;
  /** The process of an actor that is reached over a link has confirmed that it watches the actor. May be called again; must not throw. */
  confirmed?(): void;
}

/**
 * Whether an actor has room for a tell. `free`: it would be accepted below the high-water mark, and nobody waits for that, so `ready` would
 * resolve at once. `closed`: it would be a dead letter, because the actor has stopped or cannot be reached.
 */
export type Room = 'free' | 'full' | 'closed';

/** What a call keeps until it is made. */
export interface LaterCall {
  /** Its options, with what they inherit from the message being handled. */
  readonly options: StreamOptions | undefined;
  /** Scheduler time at which its `timeoutMs` has passed; undefined without `timeoutMs`. */
  readonly byMs: number | undefined;
}

/**
 * The target of a reference: a cell of this partition, or a remote route over a link. Defaults of messages are filled in already, but for
 * tells and asks where it `encodes` them. The message of a method that streams its requests is a Requests.
 */
export interface Route {
  /** Tells and asks are encoded before the call returns, which fills in defaults, and checks what was given. */
  readonly encodes?: boolean;
  /**
   * Returns `true`, or `false` when the message was accepted past the high-water mark (wait for `ready`) or became a dead letter. Throws
   * BackpressureError at the bound.
   */
  tell(method: AnyMethod, message: unknown, options: SendOptions | undefined): boolean;
  /**
   * As `tell`, of a message with borrowed fields to an actor of this partition: holds their memory until it is handled. Absent where messages leave
   * the partition.
   */
  tellLent?(method: AnyMethod, message: unknown, options: SendOptions | undefined): boolean;
  /** Rejects with a typed error as soon as it is known that no reply will arrive, and at the deadline. */
  ask(method: AnyMethod, message: unknown, options: AskOptions | undefined): Promise<unknown>;
  /** Sends nothing before the first `next`, but inherits from the message being handled now. Throws ConfigError for an invalid option. */
  stream(method: AnyMethod, message: unknown, options: StreamOptions | undefined): Stream<unknown>;
  /**
   * Resolves when a tell would be accepted below the high-water mark. Rejects with StoppedError or UnreachableError when the actor or link
   * has ended, with BackpressureError at the deadline, AskAbortedError by the signal, and ReentrantAskError where the caller is what the
   * actor waits for. `byMs` is the scheduler time by which `timeoutMs` has passed, where it began before this call.
   */
  ready(options?: ReadyOptions, byMs?: number): Promise<void>;
  /** Reading it has no effect: it opens no link. */
  readonly room: Room;
  /** Keeps for a later call of `method` what a call made now would have. Throws StoppedError where that would be refused. */
  inherit(method: AnyMethod, options: StreamOptions | undefined): LaterCall;
  watch(watcher: Watcher): void;
  unwatch(watcher: Watcher): void;
  /** A link to the actor's process is open, or another one is where one was lost. Reading it opens none. Absent where no link is needed. */
  readonly isLinked?: boolean;
  /** The actor's channel id; a local actor gets one on first use. */
  readonly cUid: bigint;
  /** Incarnation of the actor's process; 0n where it is unknown. */
  readonly incarnation: bigint;
}

/** A local actor as the router sees it: messages from links enter here. */
export interface Cell extends Route {
  readonly service: AnyService;
  readonly path: string;
  /**
   * Puts a decoded message into the mailbox; returns `false` past the high-water mark. A tell throws BackpressureError at the bound, and
   * is a dead letter; after the actor has stopped it throws StoppedError, and its sender was told (`Delivery.giveBack`). An ask is answered
   * with the same errors instead. Past `mailboxBytes`, every mailbox counts as full for asks of the data lane; for tells see `mustWait`.
   */
  deliver(method: AnyMethod, message: unknown, delivery: Delivery | undefined): boolean;
  /** The mailbox is past its high-water mark: links that deliver should be metered. */
  readonly isPastMark: boolean;
  readonly bounds: MailboxBounds;
  /**
   * A tell from a link must be parked now: the mailbox is at its bound, or the mailboxes of the partition are out of bytes, or an earlier
   * link of the same peer has parked messages. Never for an actor that drops messages at its bound.
   */
  mustWait(lane: Lane, link: Pick<MeteredLink, 'peer'>): boolean;
  /** Meters a link from now on, until `link.lift` or `link.stopped` is called. */
  meterLink(link: MeteredLink): LinkPlace;
  /** Opens a stream, whose request counts as one message in the mailbox; a refusal fails `opening.sink`. */
  serve(method: AnyMethod, message: unknown, opening: StreamOpening): StreamSource;
  /** The requests of a call from a link, as its handler reads them. `open` is called by the first read, and no read lasts past `deadlineMs`. */
  readRequests(method: AnyMethod, open: OpenStream, deadlineMs: number): Stream<unknown>;
}

/** Property of every reference that holds its route; a symbol, so that no rpc name can clash with it. */
export const routeKey: unique symbol = Symbol.for('millrace.route');
