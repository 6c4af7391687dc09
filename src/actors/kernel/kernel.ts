import type { Logger } from '../../logging/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import { limits as defaultLimits } from '../../limits.js';
import { ConfigError } from '../../errors.js';
import type { HoldBytes } from './borrowing.js';
import { ActorDirectory } from './actor-directory.js';
import type { ActorNode } from './actor-node.js';
import { type ActorTree, treeDirectory } from './actor-tree.js';
import { AsyncContexts } from './async-contexts.js';
import { Counters } from './counters.js';
import { CurrentTurn } from './current-turn.js';
import { DeadLetterOffice } from './dead-letters.js';
import { Deadlines } from './deadlines.js';
import { Dispatcher } from './dispatcher.js';
import type { Interceptor } from './interceptor.js';
import { MailboxPool } from './mailbox.js';
import { MailboxBytes } from './mailbox-bytes.js';
import type { ActorObserver } from './observer.js';
import { OutgoingCalls } from './outgoing-calls.js';
import { PreparedBehaviors } from './prepared-behaviors.js';
import { References } from './references.js';
import { GivenNames } from './spawn-options.js';
import { NO_SURROUNDINGS, type Surroundings } from './surroundings.js';
import { Topic } from './topic.js';
import { tracedBehavior, tracedCalls, type Tracing } from './tracing.js';
import { Troubles } from './troubles.js';
import { type CallServices, callServices } from './wrapped-asks.js';

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
  /** Holds memory that bytes of a message lie in, where it would be used again otherwise. */
  readonly holdBytes?: HoldBytes | undefined;
}

/** What all actors of one system share: its services. Each of them has the state that it changes. */
export class Kernel {
  readonly name: string;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
  readonly limits: KernelLimits;
  readonly turn = new CurrentTurn();
  readonly counters = new Counters();
  readonly contexts: AsyncContexts;
  readonly dispatcher: Dispatcher;
  readonly deadlines: Deadlines;
  readonly deadLetters: DeadLetterOffice;
  readonly failures: Topic<Failure>;
  /** What `health()` says of users' actors. */
  readonly troubles: Troubles;
  /** Actors without a parent. */
  readonly roots: Map<string, ActorNode>;
  readonly tree: ActorTree;
  readonly references: References;
  readonly directory: ActorDirectory;
  readonly behaviors: PreparedBehaviors;
  readonly calls: OutgoingCalls;
  /** For what makes the asks of references in another way. */
  readonly callServices: CallServices;
  readonly names = new GivenNames();
  readonly mailboxes = new MailboxPool();
  readonly mailboxBytes: MailboxBytes;
  readonly interceptor: Interceptor | undefined;
  readonly holdBytes: HoldBytes;
  #handlerTimeoutMs: number;
  #isStopping = false;
  #surroundings: Surroundings = NO_SURROUNDINGS;
  #observer: ActorObserver | undefined = undefined;

  /** `tree` has the roots of the system, which the kernel changes. Throws ConfigError for an invalid limit. */
  constructor(options: KernelOptions, roots: Map<string, ActorNode>, tree: ActorTree) {
    const { scheduler, logger, tracing, interceptor } = options;
    this.name = options.name;
    this.scheduler = scheduler;
    this.logger = logger;
    this.interceptor = interceptor;
    this.holdBytes = options.holdBytes ?? (() => undefined);
    this.limits = kernelLimits(options.limits);
    this.#handlerTimeoutMs = this.limits.stopTimeoutMs;
    this.mailboxBytes = new MailboxBytes(this.limits.mailboxBytes);
    // A recorder knows by the context whose actions it sees.
    this.contexts = new AsyncContexts(interceptor === undefined);
    this.dispatcher = new Dispatcher(
      scheduler,
      this.limits.throughputMessages,
      this.limits.turnMessages,
      this.contexts,
      tracing && ((turn) => tracing.detached(turn)),
    );
    this.deadlines = new Deadlines(scheduler);
    this.deadLetters = new DeadLetterOffice(scheduler, logger);
    this.failures = new Topic(logger);
    this.troubles = new Troubles(this.limits.restartWindowMs);
    this.roots = roots;
    this.tree = tree;
    treeDirectory().open(tree);
    this.callServices = callServices(scheduler, logger, this.limits.askTimeoutMs, this.deadlines.asks);
    this.references = new References(tree.label, this.callServices, interceptor);
    if (tracing !== undefined) this.references.wrapCalls(tracedCalls(tracing, this.turn));
    this.directory = new ActorDirectory({
      incarnation: options.incarnation ?? 0n,
      cUids: options.cUids,
      references: this.references,
      deadLetters: this.deadLetters,
      asks: this.deadlines.asks,
    });
    this.behaviors = new PreparedBehaviors(
      this.limits,
      tracing && ((behavior) => tracedBehavior(tracing, behavior, this.turn)),
    );
    this.calls = new OutgoingCalls(this);
  }

  /** Undefined while nobody watches the actors. */
  get observer(): ActorObserver | undefined {
    return this.#observer;
  }

  observe(observer: ActorObserver | undefined): void {
    this.#observer = observer;
    this.dispatcher.observe(observer);
    this.deadlines.observer = observer;
  }

  /** The cluster, as the contexts of actors reach it. */
  get surroundings(): Surroundings {
    return this.#surroundings;
  }

  surroundedBy(surroundings: Surroundings): void {
    this.#surroundings = surroundings;
  }

  /** Time in ms for a pending handler to settle when its actor is told to stop. */
  get handlerTimeoutMs(): number {
    return this.#handlerTimeoutMs;
  }

  /** Nothing can be spawned any more. */
  get isStopping(): boolean {
    return this.#isStopping;
  }

  /** From now on, calls from outside the actors are refused: see OutgoingCalls. */
  drain(): void {
    const refusal = this.calls.drain();
    if (refusal !== undefined) this.references.wrapCalls(refusal);
  }

  stopWithin(handlerTimeoutMs: number | undefined): void {
    this.#handlerTimeoutMs = handlerTimeoutMs ?? this.#handlerTimeoutMs;
    this.#isStopping = true;
  }

  /** Ends the timers of the system, and releases its name. */
  close(): void {
    this.callServices.pauses.end();
    this.deadlines.close();
    treeDirectory().close(this.tree);
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
