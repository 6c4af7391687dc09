import type { AnyService } from '../../protocol/index.js';
import type { ReadyOptions } from './ready-wait.js';
import type { ActorRef, WhenReady } from './reference.js';
import type { Wrappable } from './wrapped-asks.js';

/** Requests of a service. */
type RequestsOf<S extends AnyService> = ReturnType<S['methods'][keyof S['methods']]['request']['create']>;

/**
 * Which member of a group gets a message. `round-robin` (default): they take turns. `least-loaded`: the one that owes this process the fewest replies.
 * `local-first`: those of this process take turns, or all where it has none. `broadcast`: every one gets each tell; asks are refused. `hash`:
 * messages with the same key go to the same member, as long as it is one.
 */
export type GroupPolicy<S extends AnyService = AnyService> =
  | 'round-robin'
  | 'least-loaded'
  | 'local-first'
  | 'broadcast'
  | HashPolicy<RequestsOf<S>>;

export interface HashPolicy<Request> {
  /** The key of a request, whose defaults are filled in. A method, whose parameters are bivariant. */
  hash(request: Request): string | number | bigint;
}

/** What a reference to a group has besides its rpcs. An rpc of the service may be named `close`: `using` closes the reference then. */
interface GroupControls<S extends AnyService> {
  readonly service: S;
  /** Name of the group. */
  readonly name: string;
  /** Resolves when one member has room; with `broadcast`, when all have. Rejects as that of a reference does. */
  ready(options?: ReadyOptions): Promise<void>;
  /** The tells of the service, each of which waits for room first, as `whenReady` of a reference does. */
  readonly whenReady: WhenReady<S>;
  /**
   * This process uses the group no more by this reference: a later tell is a dead letter, and a later ask rejects with StoppedError. Asks
   * that are under way go on. Idempotent.
   */
  close(): void;
  /** The service and the name, for logs and messages. */
  toString(): string;
}

/**
 * A group as one reference: its methods are those of a reference, and its policy says which member gets a message. A tell goes to the next
 * member where the first has no room. Without members that can be reached, a tell is a dead letter, and an ask rejects with UnreachableError.
 * `close` it when it is needed no more.
 *
 *     using pool = await runtime.group(Resizer, 'resizers', { policy: 'least-loaded' });
 *     const { image } = await pool.resize({ image });
 */
export type GroupRef<S extends AnyService> = Pick<ActorRef<S>, keyof S['methods']> &
  Omit<GroupControls<S>, keyof S['methods']> &
  Wrappable &
  Disposable;
