import { ConfigError, StoppedError } from '../../errors.js';
import type { AnyMethod, AnyService, Ref, RefInit } from '../../protocol/index.js';
import type { Behavior } from './behavior.js';
import {
  type AskOptions,
  type Caller,
  type OutgoingCall,
  outgoingTell,
  type SendOptions,
  type StreamOptions,
} from './call.js';
import { ActorTree, type RootSystem } from './actor-tree.js';
import { type ActorNode, nodeOf } from './actor-node.js';
import { spawnRoot } from './cell.js';
import type { ClosedReason } from './closed-route.js';
import type { SpawnArguments } from './context.js';
import type { DeadLetters } from './dead-letters.js';
import type { Deadlines } from './deadlines.js';
import type { DeadLetterReason, TellDelivery } from './delivery.js';
import type { Subscribable } from './topic.js';
import { type Failure, Kernel, type KernelOptions } from './kernel.js';
import type { Explainer } from './explainer.js';
import type { ActorObserver } from './observer.js';
import type { MailboxBytes } from './mailbox-bytes.js';
import type { Requests } from './requests.js';
import { type ReadyOptions, ReadyWait } from './ready-wait.js';
import type { RemoteRoutes } from './actor-directory.js';
import type { ActorRef } from './reference.js';
import { type HasSystem, systemKey, type UntypedRef } from './untyped-ref.js';
import type { Cell, LaterCall, Route } from './route.js';
import type { Stream } from './stream.js';
import type { OpenStream } from './stream-call.js';
import { StreamReader } from './stream-reader.js';
import type { Surroundings } from './surroundings.js';

import type { ActorTrouble } from './troubles.js';
import type { CallServices } from './wrapped-asks.js';
import { type Unfinished, unfinishedIn } from './unfinished.js';
import { type MailboxPressure, mailboxPressure, type Statistics, statisticsOf } from './statistics.js';

/**
 * The actors of one partition.
 *
 *     const system = new ActorSystem({ name: 'shop', scheduler: new RealScheduler(), logger, cUids });
 *     const ref = system.spawn(pricing, { name: 'pricing' });
 *     ref.observe({ symbol: 'ACME', price: 12.5 });
 *     const { price } = await ref.quote({ symbol: 'ACME' }, { timeoutMs: 100 });
 *     await system.shutdown();
 */
export class ActorSystem implements HasSystem, RootSystem {
  /** Failures that have stopped a root actor. */
  readonly failures: Subscribable<Failure>;
  readonly deadLetters: DeadLetters;
  /** The timer wheel of all asks, including those over links. */
  readonly deadlines: Deadlines;
  /** What is above the kernel and can say why something of its own waits. */
  readonly explainers = new Set<Explainer>();
  /** Stores the events of persistent actors; the kernel does not use it. */
  persistenceEngine: unknown = undefined;
  readonly #kernel: Kernel;
  #shutdown: Promise<void> | undefined;
  #stopOwner: (() => void) | undefined;
  readonly #onDemand = new Map<bigint, () => void>();
  #isStopRequested = false;
  /** An actor is started on demand. */
  #isStarting = false;

  /** Throws ConfigError for an invalid limit. */
  constructor(options: KernelOptions) {
    const roots = new Map<string, ActorNode>();
    this.#kernel = new Kernel(options, roots, new ActorTree(this, options.name, roots));
    this.failures = this.#kernel.failures;
    this.deadLetters = this.#kernel.deadLetters;
    this.deadlines = this.#kernel.deadlines;
  }

  get name(): string {
    return this.#kernel.name;
  }

  /** The path of an actor that is or was here, or of one of another partition, for errors and dead letters; undefined where it is not known. */
  pathOf(cUid: bigint): string | undefined {
    return this.#kernel.directory.pathOf(cUid);
  }

  /** An actor of another partition has this path. */
  knows(cUid: bigint, path: string): void {
    this.#kernel.directory.known.set(cUid, path);
  }

  /** Incarnation of this process; 0n where it has none. */
  get incarnation(): bigint {
    return this.#kernel.directory.incarnation;
  }

  get [systemKey](): ActorSystem {
    return this;
  }

  /** The actors of users that ended by a failure, and those that restart again and again. */
  get troubles(): readonly ActorTrouble[] {
    return this.#kernel.troubles.list(this.#kernel.scheduler.now());
  }

  get statistics(): Statistics {
    return statisticsOf(this.#kernel);
  }

  /** Actors without a parent, by their names. */
  get roots(): ReadonlyMap<string, ActorNode> {
    return this.#kernel.roots;
  }

  /** Tells `observer` what actors do from now on; undefined: nobody. Turns are measured only meanwhile. */
  observe(observer: ActorObserver | undefined): void {
    this.#kernel.observe(observer);
  }

  /** Somebody watches the actors: their turns are measured. */
  get isObserved(): boolean {
    return this.#kernel.observer !== undefined;
  }

  /** How full the mailboxes are now. Visits every actor: 30 ns for each. */
  mailboxes(): MailboxPressure {
    return mailboxPressure(this.#kernel.roots);
  }

  /** Starts a root actor. Throws as `Context.spawn`, and StoppedError after `requestStop` or `shutdown`. */
  spawn<S extends AnyService, T, Args>(
    behavior: Behavior<S, T, Args>,
    ...[options]: SpawnArguments<NoInfer<Args>>
  ): ActorRef<S> {
    if (this.#isStopRequested)
      throw new StoppedError(`system ${this.name} was told to stop: nothing can be spawned in it`);
    // What was sent to an actor before the drain may start it.
    const refusal = this.#isStarting ? undefined : this.#kernel.calls.refusalOfOutside('spawn');
    if (refusal !== undefined) throw refusal;
    return spawnRoot(this.#kernel, behavior, options);
  }

  /**
   * The typed reference of a wire record, of this or another partition. Throws ProtocolError when there is none, and when it is of another service.
   * `name` is that by which the actor was looked up, for errors.
   */
  reference<S extends AnyService>(service: S, ref: RefInit | undefined, name?: string): ActorRef<S> {
    return this.#kernel.directory.reference(service, ref, name);
  }

  /** A typed reference with the given route. */
  referenceTo<S extends AnyService>(service: S, route: Route): ActorRef<S> {
    return this.#kernel.references.create(service, route);
  }

  /** Sets the routes of references to actors of other partitions. Before that, those actors are unreachable. */
  setRemoteRoutes(provider: RemoteRoutes): void {
    this.#kernel.directory.setRemoteRoutes(provider);
  }

  /** A route to an actor that is known to have ended, for the provider of `setRemoteRoutes`. */
  closedRoute(ref: Ref, reason: ClosedReason): Route {
    return this.#kernel.directory.closedRoute(ref, reason);
  }

  /** The error that ended the actor with this channel id, for those that watch it afterwards; undefined where none did, or it is forgotten. */
  endCauseOf(cUid: bigint): Error | undefined {
    return this.#kernel.directory.causes.at(cUid);
  }

  /** Counts a tell that was lost between processes. `target` is its actor, or the path that describes it. */
  addDeadLetter(
    target: string | { readonly path: string },
    method: string,
    message: unknown,
    reason: DeadLetterReason,
    cause?: Error,
  ): void {
    const addressee = typeof target === 'string' ? { path: target } : target;
    this.#kernel.deadLetters.add(addressee, method, message, reason, cause);
  }

  /** For what makes the asks of a group in another way. */
  get callServices(): CallServices {
    return this.#kernel.callServices;
  }

  /** Bytes of messages from links that wait in all mailboxes. */
  get mailboxBytes(): MailboxBytes {
    return this.#kernel.mailboxBytes;
  }

  /** The actor that has this channel id. The router delivers messages to it. */
  resolve(cUid: bigint): Cell | undefined {
    return this.#kernel.directory.at(cUid) ?? this.#started(cUid);
  }

  /** An actor that is started by the first message or watch from another partition. `start` spawns it with this id. */
  startOnDemand(cUid: bigint, start: () => void): void {
    this.#onDemand.set(cUid, start);
  }

  #started(cUid: bigint): Cell | undefined {
    const start = this.#onDemand.get(cUid);
    if (start === undefined || this.#isStopRequested) return undefined;
    this.#onDemand.delete(cUid);
    this.#isStarting = true;
    try {
      start();
    } finally {
      this.#isStarting = false;
    }
    return this.#kernel.directory.at(cUid);
  }

  /**
   * The data that an ask made now carries over a link: its options, merged with what the running handler passes on. Throws ConfigError for
   * an invalid `timeoutMs`, CallChainError for a chain longer than `callChain`.
   */
  outgoingAsk(options: AskOptions | undefined): OutgoingCall {
    return this.#kernel.calls.ask(options, this.#kernel.scheduler.now());
  }

  /** The data that a tell made now carries over a link: undefined when no actor sends it and it has no meta. */
  outgoingTell(options: SendOptions | undefined): TellDelivery | undefined {
    return outgoingTell(options, this.#kernel.turn.actor);
  }

  /**
   * A call of `ready()` that waits for an actor of another partition: `join` makes the wait join a queue. Rejects as `Route.ready` does.
   */
  ready(
    options: ReadyOptions | undefined,
    byMs: number | undefined,
    target: { readonly path: string },
    join: (wait: ReadyWait) => void,
  ): Promise<void> {
    return new Promise((resolve) => {
      const wait = new ReadyWait(this.#kernel, target, this.#kernel.calls.ready(options, byMs));
      wait.start();
      join(wait);
      resolve(wait.promise);
    });
  }

  /** As `Route.inherit`. */
  inherit(method: AnyMethod, options: StreamOptions | undefined): LaterCall {
    return this.#kernel.calls.later(method, options);
  }

  /**
   * A stream over a link: `open` is called when it is first read, and `path` describes the actor. Throws ConfigError for an invalid option,
   * CallChainError for a chain longer than `callChain`. `requests` are those of the call, which end with the stream.
   */
  read(
    method: AnyMethod,
    options: StreamOptions | undefined,
    target: { readonly path: string },
    open: OpenStream,
    requests?: Requests,
  ): Stream<unknown> {
    return new StreamReader(this.#kernel, method, this.#kernel.calls.stream(options), target, open, requests);
  }

  /** A call with these requests goes out over a link; `withdrawn` is called when its actor can open them no more. */
  offer(requests: Requests, caller: Caller | undefined, withdrawn: () => void): void {
    requests.offer(this.#kernel, caller, withdrawn);
  }

  /**
   * Stops an actor, which has `drainMs` to handle what it has accepted; resolves when it and its children have stopped. Rejects with ConfigError
   * for an actor of another system.
   */
  async stop(ref: UntypedRef, drainMs?: number): Promise<void> {
    await this.#nodeOf(ref).stopped(drainMs);
  }

  /**
   * Resolves when an actor that was spawned in this turn has started. Rejects with what its state or `on.started` has thrown: the actor ends
   * then, whatever its supervision is.
   */
  async started(ref: UntypedRef): Promise<void> {
    await this.#nodeOf(ref).started();
  }

  #nodeOf(ref: UntypedRef): ActorNode {
    const node = nodeOf(ref);
    if (node !== undefined && node.tree === this.#kernel.tree) return node;
    throw new ConfigError(`${ref.toString()} is not an actor of system ${this.name}: only its own system can stop it`);
  }

  /** Counts of unfinished work. */
  unfinished(): Unfinished {
    return unfinishedIn(this.#kernel);
  }

  /** From now on, calls from outside the actors are refused with StoppedError; actors finish their work. Idempotent. */
  drain(): void {
    this.#kernel.drain();
  }

  /** The system belongs to something larger, such as a runtime, which `stop` stops: see `requestStop`. */
  ownedBy(stop: () => void): void {
    this.#stopOwner = stop;
  }

  /** The contexts of actors reach their cluster by it. Before that, they have none. */
  surroundedBy(surroundings: Surroundings): void {
    this.#kernel.surroundedBy(surroundings);
  }

  /** Stops what the system belongs to, and otherwise its actors. Does not wait. */
  requestStop(): void {
    this.#isStopRequested = true;
    if (this.#stopOwner === undefined) void this.shutdown();
    else this.#stopOwner();
  }

  /**
   * Stops all actors, children first, and releases the system's name. Pending handlers have `handlerTimeoutMs` (default `stopTimeoutMs`) to
   * settle before they are abandoned. Idempotent.
   */
  shutdown(options: { readonly handlerTimeoutMs?: number } = {}): Promise<void> {
    this.#kernel.stopWithin(options.handlerTimeoutMs);
    this.#shutdown ??= this.#stopAll();
    return this.#shutdown;
  }

  async #stopAll(): Promise<void> {
    const kernel = this.#kernel;
    await Promise.all(Array.from(kernel.roots.values(), (root) => root.stopped()));
    kernel.close();
  }
}
