import type { Logger } from '../../logging/index.js';
import { type AnyMethod, type AnyService, Ref, type RefInit } from '../../protocol/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import { limits as defaultLimits } from '../../limits.js';
import { ConfigError, ProtocolError, StoppedError } from '../../errors.js';
import type { ActorSystem } from './actor-system.js';
import { ActorTree, treeDirectory } from './actor-tree.js';
import { type AnyBehavior, type Behavior, boundsOf } from './behavior.js';
import type { ActorCell } from './cell.js';
import {
  type AskOptions,
  inheritedOptions,
  isInherited,
  type OutgoingCall,
  outgoingAsk,
  type StreamOptions,
} from './call.js';
import { type ClosedReason, ClosedRoute } from './closed-route.js';
import type { UntypedSpawnOptions } from './context.js';
import { DeadLetterOffice } from './dead-letters.js';
import { Deadlines } from './deadlines.js';
import { Dispatcher } from './dispatcher.js';
import { EndCauses } from './end-causes.js';
import { Topic } from './topic.js';
import { type MailboxBounds, MailboxPool } from './mailbox.js';
import { MailboxBytes } from './mailbox-bytes.js';
import { type ReadyCall, readyCall, type ReadyOptions } from './ready-wait.js';
import { refuse } from './refuse.js';
import { AsyncContexts } from './async-contexts.js';
import { type ActorRef, References } from './reference.js';
import type { Requests } from './requests.js';
import type { Route } from './route.js';
import { spawn } from './spawn.js';
import { outgoingStream } from './stream-call.js';
import { Troubles } from './troubles.js';
import { tracedBehavior, tracedCalls, type Tracing } from './tracing.js';
import { type OpenStream, StreamReader } from './stream-reader.js';
import type { Interceptor } from './interceptor.js';

/** The limits of the kernel; their defaults and units are in limits.ts. */
export type KernelLimits = Readonly<
  Record<
    | 'mailboxMessages'
    | 'stashMessages'
    | 'mailboxBytes'
    | 'throughputMessages'
    | 'turnMessages'
    | 'stopTimeoutMs'
    | 'askTimeoutMs'
    | 'readyTimeoutMs'
    | 'restarts'
    | 'restartWindowMs'
    | 'actorStreams'
    | 'callChain',
    number
  >
>;

/** A failure that has stopped a root actor. */
export interface Failure {
  readonly path: string;
  readonly error: Error;
}

export interface KernelOptions {
  /** First part of every path. */
  readonly name: string;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
  /** Returns the next free channel id. */
  readonly cUids: () => bigint;
  /** Incarnation of this process. References to its actors contain it; those with another belong to other processes. Default 0n: unknown. */
  readonly incarnation?: bigint;
  readonly limits?: Partial<KernelLimits> | undefined;
  readonly interceptor?: Interceptor | undefined;
  /** Traces the messages of users' actors. */
  readonly tracing?: Tracing | undefined;
}

/** The state that all cells of one system share. */
export class Kernel {
  readonly name: string;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
  readonly limits: KernelLimits;
  readonly dispatcher: Dispatcher;
  readonly contexts: AsyncContexts;
  readonly deadlines: Deadlines;
  readonly deadLetters: DeadLetterOffice;
  readonly failures: Topic<Failure>;
  readonly causes = new EndCauses();
  /** What `health()` says of users' actors. */
  readonly troubles: Troubles;
  readonly references: References;
  readonly mailboxes = new MailboxPool();
  readonly mailboxBytes: MailboxBytes;
  readonly tree: ActorTree;
  readonly interceptor: Interceptor | undefined;
  /** Actors without a parent. */
  readonly roots = new Map<string, ActorCell>();
  /** Actors that have a channel id. */
  readonly addressed = new Map<bigint, ActorCell>();
  /** The actor whose handler is running now, synchronously. */
  running: ActorCell | undefined = undefined;
  /** A hook or timer is running, so there is no message. */
  isInHook = false;
  remoteRoutes: (ref: Ref) => Route;
  readonly incarnation: bigint;
  actors = 0;
  /** Streams that are read here, plus streams that are served here. */
  openStreams = 0;
  /** Failures and restarts of actors since the start. */
  failed = 0;
  restarted = 0;
  /** Pending promises of handlers, and pending deferred replies. */
  awaited = 0;
  /** Time in ms for a pending handler to settle when its actor is told to stop. */
  handlerTimeoutMs: number;
  private isDraining = false;
  isStopping = false;
  private readonly takeCUid: () => bigint;
  private readonly tracing: Tracing | undefined;
  private readonly traced = new WeakMap<AnyBehavior, AnyBehavior>();
  private readonly bounds = new WeakMap<AnyBehavior, MailboxBounds>();
  private namesGiven = 0;

  constructor(options: KernelOptions, system: ActorSystem) {
    this.name = options.name;
    this.scheduler = options.scheduler;
    this.logger = options.logger;
    this.takeCUid = options.cUids;
    this.incarnation = options.incarnation ?? 0n;
    this.interceptor = options.interceptor;
    this.limits = kernelLimits(options.limits);
    this.handlerTimeoutMs = this.limits.stopTimeoutMs;
    this.mailboxBytes = new MailboxBytes(this.limits.mailboxBytes);
    const { tracing, interceptor } = options;
    this.tracing = tracing;
    // A recorder knows by the context whose actions it sees.
    this.contexts = new AsyncContexts(interceptor === undefined);
    this.dispatcher = new Dispatcher(
      this.scheduler,
      this.limits.throughputMessages,
      this.limits.turnMessages,
      this.contexts,
      tracing && ((turn) => tracing.detached(turn)),
    );
    this.deadlines = new Deadlines(this.scheduler);
    this.deadLetters = new DeadLetterOffice(this.scheduler, this.logger);
    this.failures = new Topic(this.logger);
    this.troubles = new Troubles(this.limits.restartWindowMs);
    this.tree = new ActorTree(system, this.name, this.roots);
    treeDirectory().open(this.tree);
    this.references = new References(this.tree.label, options.interceptor);
    if (tracing !== undefined) this.references.wrapCalls(tracedCalls(tracing, () => this.running));
    this.remoteRoutes = (ref) => this.closedRoute(ref, 'unreachable');
  }

  /** The route to an actor that is known to have ended. */
  closedRoute(ref: Ref, reason: ClosedReason): Route {
    const cause = reason === 'stopped' ? this.causes.at(ref.cUid) : undefined;
    return new ClosedRoute(ref, reason, this.deadLetters, this.deadlines.asks, cause);
  }

  /** Starts an actor among `siblings`: see `spawn`. */
  spawn<S extends AnyService>(
    parent: ActorCell | undefined,
    siblings: Map<string, ActorCell>,
    behavior: Behavior<S, unknown, unknown>,
    options: UntypedSpawnOptions | undefined,
  ): ActorRef<S> {
    return spawn(this, parent, siblings, behavior, options);
  }

  /** A typed reference from a wire record. Throws ProtocolError when the record names another service; it may name none. */
  reference<S extends AnyService>(service: S, init: RefInit): ActorRef<S> {
    const ref = Ref.create(init);
    if (ref.service !== service.typeName && ref.service !== '') {
      throw new ProtocolError(`a reference to ${ref.service} was used as a reference to ${service.typeName}`);
    }
    const cell = this.isOfThisProcess(ref) ? this.addressed.get(ref.cUid) : undefined;
    if (cell === undefined) return this.references.create(service, this.remoteRoutes(ref));
    if (cell.service.typeName !== service.typeName) {
      throw new ProtocolError(
        `${cell.path} implements ${cell.service.typeName}, not ${service.typeName} as its reference states`,
      );
    }
    return this.references.create(service, cell);
  }

  /** A reference without an incarnation may belong to this process. */
  private isOfThisProcess({ incarnation }: Ref): boolean {
    return incarnation === 0n || incarnation === this.incarnation;
  }

  outgoing(options: AskOptions | undefined, nowMs: number): OutgoingCall {
    return outgoingAsk(options, this.running, nowMs, this.limits.askTimeoutMs, this.limits.callChain);
  }

  /** Options for a later call, which inherits what a call made now would. Throws StoppedError where that would be refused. */
  inherit({ fullName }: AnyMethod, options: StreamOptions | undefined): StreamOptions | undefined {
    if (isInherited(options)) return options;
    const { running } = this;
    if (running !== undefined) return inheritedOptions(running, options, running.current);
    const refusal = this.refusalOfOutside(fullName);
    if (refusal !== undefined) throw refusal;
    return options;
  }

  readyCall(options: ReadyOptions | undefined): ReadyCall {
    return readyCall(options, this.running, this.limits.readyTimeoutMs);
  }

  /** A stream of `target`; `open` is called when it is first read. `requests` are those of its call, which end with it. */
  read(
    method: AnyMethod,
    options: StreamOptions | undefined,
    target: { readonly path: string },
    open: OpenStream,
    requests?: Requests,
  ): StreamReader {
    const { askTimeoutMs, callChain } = this.limits;
    const call = outgoingStream(options, this.running, askTimeoutMs, callChain);
    return new StreamReader(this, method, call, target, open, requests);
  }

  /** The behavior to spawn for this one: itself, or a wrapper that traces it. */
  behaviorFor(behavior: AnyBehavior): AnyBehavior {
    if (this.tracing === undefined) return behavior;
    let traced = this.traced.get(behavior);
    if (traced === undefined) {
      traced = tracedBehavior(this.tracing, behavior);
      this.traced.set(behavior, traced);
    }
    return traced;
  }

  /** From now on, calls from outside the actors are refused. Calls of handlers are accepted, also those after an `await`. */
  drain(): void {
    if (this.isDraining) return;
    this.isDraining = true;
    this.references.wrapCalls((method, call) => (ref, message, options) => {
      const refusal = isInherited(options) ? undefined : this.refusalOfOutside(method.fullName);
      return refusal === undefined
        ? call(ref, message, options)
        : refuse(ref, method, message, refusal, this.deadLetters);
    });
  }

  /** The error for a call that starts now; undefined when the call may belong to earlier work. */
  refusalOfOutside(what: string): StoppedError | undefined {
    if (!this.isDraining || this.running !== undefined || this.awaited > 0) return undefined;
    return new StoppedError(`${what}: system ${this.name} is draining: it finishes its work, and accepts no new calls`);
  }

  /** The mailbox bounds that all actors of a behavior share. */
  boundsOf(behavior: AnyBehavior): MailboxBounds {
    let bounds = this.bounds.get(behavior);
    if (bounds === undefined) {
      bounds = boundsOf(behavior, this.limits);
      this.bounds.set(behavior, bounds);
    }
    return bounds;
  }

  /** Registers a channel id; that of an actor that has ended leads to nothing. Throws ConfigError when another actor has it. */
  address(cell: ActorCell, cUid: bigint): bigint {
    if (this.addressed.has(cUid)) throw new ConfigError(`channel id ${cUid.toString(16)} is taken by another actor`);
    if (cell.phase === 'stopped') this.causes.addressed(cell, cUid);
    else this.addressed.set(cUid, cell);
    return cUid;
  }

  nextCUid(): bigint {
    return this.takeCUid();
  }

  /** The service's name and a number that no sibling has. */
  freeName(service: AnyService, siblings: ReadonlyMap<string, unknown> | undefined): string {
    const base = service.typeName.slice(service.typeName.lastIndexOf('.') + 1);
    let name: string;
    do {
      this.namesGiven++;
      name = `${base}-${this.namesGiven}`;
    } while (siblings?.has(name) === true);
    return name;
  }
}

function kernelLimits(given: Partial<KernelLimits> = {}): KernelLimits {
  const all: KernelLimits = { ...defaultLimits, ...given };
  for (const [name, value] of Object.entries(given)) {
    if (!(Number.isFinite(value) && value >= 0))
      throw new ConfigError(`limit ${name} must be a number, at least 0, not ${value}`);
  }
  for (const name of ['mailboxMessages', 'stashMessages', 'throughputMessages', 'turnMessages'] as const) {
    if (!Number.isSafeInteger(all[name]) || all[name] < 1) {
      throw new ConfigError(`limit ${name} must be a whole number, at least 1, not ${all[name]}`);
    }
  }
  return all;
}
