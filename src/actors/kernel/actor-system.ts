import { ConfigError } from '../../errors.js';
import type { AnyMethod, AnyService, Ref, RefInit } from '../../protocol/index.js';
import type { Behavior } from './behavior.js';
import { type AskOptions, type OutgoingCall, outgoingTell, type SendOptions, type StreamOptions } from './call.js';
import { treeDirectory } from './actor-tree.js';
import { ActorCell } from './cell.js';
import { ClosedRoute } from './closed-route.js';
import type { SpawnOptions } from './context.js';
import type { DeadLetterReason, DeadLetters } from './dead-letters.js';
import type { Deadlines } from './deadlines.js';
import type { Delivery, TellDelivery } from './delivery.js';
import type { Subscribable } from './feed.js';
import { type Failure, Kernel, type KernelOptions } from './kernel.js';
import type { ActorRef, UntypedRef } from './reference.js';
import { type Cell, type Route, type TerminationReason, routeKey } from './route.js';
import type { Stream } from './stream.js';
import type { OpenStream } from './stream-reader.js';

import { type Unfinished, unfinishedIn } from './unfinished.js';
import { type MailboxPressure, mailboxPressure, type Statistics, statisticsOf } from './statistics.js';

/** Property of what has actors without a parent, such as a Runtime. */
export const systemKey: unique symbol = Symbol.for('millrace.system');

export interface HasSystem {
  readonly [systemKey]: ActorSystem;
}

/**
 * The actors of one partition.
 *
 *     const system = new ActorSystem({ name: 'shop', scheduler: new RealScheduler(), logger, cUids });
 *     const ref = system.spawn(pricing, { name: 'pricing' });
 *     ref.observe({ symbol: 'ACME', price: 12.5 });
 *     const { price } = await ref.quote({ symbol: 'ACME' }, { timeoutMs: 100 });
 *     await system.shutdown();
 */
export class ActorSystem implements HasSystem {
  /** Root actors that failed for good. */
  readonly failures: Subscribable<Failure>;
  readonly deadLetters: DeadLetters;
  /** The timer wheel of all asks: a PendingAsk over a link uses it, too. */
  readonly deadlines: Deadlines;
  /** Keeps the events of persistent actors; not looked into here. */
  persistenceEngine: unknown = undefined;
  readonly #kernel: Kernel;
  #shutdown: Promise<void> | undefined;

  /** ConfigError for a limit that is no number. */
  constructor(options: KernelOptions) {
    this.#kernel = new Kernel(options, this);
    this.failures = this.#kernel.failures;
    this.deadLetters = this.#kernel.deadLetters;
    this.deadlines = this.#kernel.deadlines;
  }

  get name(): string {
    return this.#kernel.name;
  }

  /** Of this process; 0n where it has none. */
  get incarnation(): bigint {
    return this.#kernel.incarnation;
  }

  get [systemKey](): ActorSystem {
    return this;
  }

  get statistics(): Statistics {
    return statisticsOf(this.#kernel);
  }

  /** How full the mailboxes are at this moment. Looks at every actor: 30 ns for each. */
  mailboxes(): MailboxPressure {
    return mailboxPressure(this.#kernel.roots);
  }

  /** Starts an actor without a parent. ConfigError when its name or channel id is taken or unfit, StoppedError after `shutdown`. */
  spawn<S extends AnyService, T>(behavior: Behavior<S, T>, options?: SpawnOptions): ActorRef<S> {
    const refusal = this.#kernel.refusalOfOutside('spawn');
    if (refusal !== undefined) throw refusal;
    return this.#kernel.spawn(undefined, this.#kernel.roots, behavior, options);
  }

  /** The typed reference of a wire record, here or elsewhere. ProtocolError when it is of another service. */
  reference<S extends AnyService>(service: S, ref: RefInit): ActorRef<S> {
    return this.#kernel.reference(service, ref);
  }

  /** A typed reference over a given route. */
  referenceTo<S extends AnyService>(service: S, route: Route): ActorRef<S> {
    return this.#kernel.references.create(service, route);
  }

  /** Where references lead whose channel id no actor here has; until it is set they are unreachable. */
  setRemoteRoutes(provider: (ref: Ref) => Route): void {
    this.#kernel.remoteRoutes = provider;
  }

  /** A route to an actor known to be gone, for such a provider. */
  closedRoute(ref: Ref, reason: TerminationReason): Route {
    const { deadLetters, deadlines } = this.#kernel;
    return new ClosedRoute(ref, reason, deadLetters, deadlines.asks);
  }

  /** Counts a tell that was lost on its way to or from another process. `path` is what is known of its target. */
  addDeadLetter(path: string, method: string, message: unknown, reason: DeadLetterReason): void {
    this.#kernel.deadLetters.add({ path }, method, message, reason);
  }

  /** The actor that has this channel id: the router's way in. */
  resolve(cUid: bigint): Cell | undefined {
    return this.#kernel.addressed.get(cUid);
  }

  /**
   * What an ask made now carries over a link: its options joined with what the handler that makes it inherits. ConfigError for a
   * `timeoutMs` that is no positive number, ReentrantAskError for a chain past `callChain`.
   */
  outgoingAsk(options: AskOptions | undefined): OutgoingCall {
    return this.#kernel.outgoing(options, this.#kernel.scheduler.now());
  }

  /** What comes with a tell from a link of so many bytes that says nothing of its sender. */
  incomingTell(sizeBytes: number): Delivery | undefined {
    return this.#kernel.mailboxBytes.tell(sizeBytes);
  }

  /** What a tell made now carries over a link: undefined when it comes from no actor and has no meta. */
  outgoingTell(options: SendOptions | undefined): TellDelivery | undefined {
    return outgoingTell(options, this.#kernel.running);
  }

  /**
   * A stream over a link: `open` is called when it is first read, and `path` says what is known of the actor. ConfigError for an
   * option that is no fit number, ReentrantAskError for a chain past `callChain`.
   */
  read(
    method: AnyMethod,
    options: StreamOptions | undefined,
    target: { readonly path: string },
    open: OpenStream,
  ): Stream<unknown> {
    return this.#kernel.read(method, options, target, open);
  }

  /** Resolves when the actor and its children are gone; at once when they are already. ConfigError for an actor elsewhere. */
  stop(ref: UntypedRef): Promise<void> {
    const route = ref[routeKey];
    if (!(route instanceof ActorCell) || route.kernel !== this.#kernel) {
      return Promise.reject(
        new ConfigError(`${ref.toString()} is not an actor of system ${this.name}: only its own system stops it`),
      );
    }
    return stopped(route);
  }

  /** Work that has begun and not ended. */
  unfinished(): Unfinished {
    return unfinishedIn(this.#kernel);
  }

  /** From now on messages from outside all actors are refused with StoppedError; actors go on with what they have. Idempotent. */
  drain(): void {
    this.#kernel.drain();
  }

  /**
   * Stops all actors, children first, and gives the system's name back. Handlers that are awaited have `handlerTimeoutMs`, `stopTimeoutMs`
   * when it is not given, before they are abandoned. Idempotent.
   */
  shutdown(options: { readonly handlerTimeoutMs?: number } = {}): Promise<void> {
    this.#kernel.handlerTimeoutMs = options.handlerTimeoutMs ?? this.#kernel.handlerTimeoutMs;
    this.#shutdown ??= this.#stopAll();
    return this.#shutdown;
  }

  async #stopAll(): Promise<void> {
    const kernel = this.#kernel;
    kernel.isStopping = true;
    await Promise.all(Array.from(kernel.roots.values(), stopped));
    kernel.deadlines.close();
    treeDirectory().close(kernel.tree);
  }
}

function stopped(cell: ActorCell): Promise<void> {
  if (cell.phase === 'stopped') return Promise.resolve();
  return new Promise((resolve) => {
    cell.usingSeldom().stopWaiters.push(resolve);
    cell.requestStop();
  });
}
