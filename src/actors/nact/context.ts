import { type Context, type ActorNode } from '../kernel/index.js';
import { ActorLogger, type Logger } from './log.js';
import { engineLogger } from './logging.js';
import { takesPlain } from './node.js';
import { type ActorPath, type ActorReference, isReference, type Ref } from './reference.js';
import { type Verdicts, verdicts } from './supervision.js';

/** What all contexts of one actor share. */
export class Identity<Msg, ParentRef> {
  readonly parent: ParentRef;
  readonly self: ActorReference<Msg>;
  readonly actor: Context;
  readonly local: ActorNode;
  #log: Logger | undefined;

  constructor(parent: ParentRef, self: ActorReference<Msg>, actor: Context, local: ActorNode) {
    this.parent = parent;
    this.self = self;
    this.actor = actor;
    this.local = local;
  }

  get log(): Logger {
    this.#log ??=
      engineLogger(this.local.tree.system, this.self, this.actor.scheduler) ?? new ActorLogger(this.actor.log);
    return this.#log;
  }
}

/** The last argument of an actor's function, and its `this`. */
export class ActorContext<Msg, ParentRef> {
  /** The sender of the message, or the query that waits for the answer; Nobody when `dispatch` was given no sender. */
  readonly sender: Ref<unknown>;
  readonly #identity: Identity<Msg, ParentRef>;

  constructor(identity: Identity<Msg, ParentRef>, sender: Ref<unknown>) {
    this.#identity = identity;
    this.sender = sender;
  }

  /** The parent that was given to `spawn`. */
  get parent(): ParentRef {
    return this.#identity.parent;
  }

  get self(): ActorReference<Msg> {
    return this.#identity.self;
  }

  get path(): ActorPath {
    return this.#identity.self.path;
  }

  get name(): string {
    return this.#identity.self.name;
  }

  get log(): Logger {
    return this.#identity.log;
  }

  /** Millrace's own context: timers, the scheduler, `outside` for I/O in simulations. Not in nact. */
  get actor(): Context {
    return this.#identity.actor;
  }

  /** A snapshot of its nact children by name. */
  get children(): ReadonlyMap<string, Ref<unknown>> {
    const children = new Map<string, Ref<unknown>>();
    for (const [name, { self }] of this.#identity.local.children) {
      if (takesPlain(self) && isReference(self)) children.set(name, self);
    }
    return children;
  }
}

/** A message that waits in the mailbox. */
export interface WaitingMessage {
  readonly message: unknown;
  readonly sender: unknown;
}

/** The context of `afterStop`. */
export class ActorContextWithMailbox<Msg, ParentRef> extends ActorContext<Msg, ParentRef> {
  /** Messages that wait to be handled, oldest first; in `afterStop` those that will not be. */
  readonly mailbox: readonly WaitingMessage[];

  constructor(identity: Identity<Msg, ParentRef>, sender: Ref<unknown>, waiting: readonly unknown[]) {
    super(identity, sender);
    this.mailbox = waiting.filter(isWaitingMessage);
  }
}

/** The context of `onCrash`. */
export class SupervisionContext<Msg, ParentRef> extends ActorContextWithMailbox<Msg, ParentRef> implements Verdicts {
  readonly stop = verdicts.stop;
  readonly stopAll = verdicts.stopAll;
  readonly stopChild = verdicts.stopChild;
  readonly stopAllChildren = verdicts.stopAllChildren;
  readonly escalate = verdicts.escalate;
  readonly resume = verdicts.resume;
  readonly reset = verdicts.reset;
  readonly resetAll = verdicts.resetAll;
  readonly resetChild = verdicts.resetChild;
  readonly resetAllChildren = verdicts.resetAllChildren;

  constructor(identity: Identity<Msg, ParentRef>, sender: Ref<unknown>) {
    super(identity, sender, identity.local.waiting);
  }
}

function isWaitingMessage(value: unknown): value is WaitingMessage {
  return typeof value === 'object' && value !== null && 'message' in value && 'sender' in value;
}
