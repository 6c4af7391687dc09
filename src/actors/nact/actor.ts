import { StoppedError } from '../../errors.js';
import { promiseOf } from '../../foreign.js';
import { type Behavior, behavior, type Context, nodeOf, type ActorNode } from '../kernel/index.js';
import { ActorContext, ActorContextWithMailbox, Identity, SupervisionContext } from './context.js';
import { type PlainMessage, plainMessages } from './plain-messages.js';
import type { AnyContext, AnyFunc, AnyProps } from './properties.js';
import { isReference, Nobody, type Ref } from './reference.js';
import { type Fault, Supervised } from './supervised.js';
import { verdicts } from './supervision.js';

const nobody = new Nobody();

/** A nact actor on Millrace's kernel: one for each `spawn`, kept across resets. It is the state of the kernel's actor. */
export class NactActor extends Supervised {
  protected readonly props: AnyProps;
  protected state: unknown = undefined;
  readonly #run: AnyFunc;
  readonly #parent: unknown;
  #identity: Identity<unknown, unknown> | undefined;
  /** The messages that waited when it was told to stop. */
  #dropped: readonly unknown[] = [];

  /** `parent` becomes `ctx.parent`. */
  constructor(parent: unknown, run: AnyFunc, props: AnyProps) {
    super();
    this.#parent = parent;
    this.#run = run;
    this.props = props;
  }

  /** The behavior of the kernel's actor. */
  behavior(): Behavior<typeof plainMessages, NactActor> {
    const { mailbox, shutdownAfter } = this.props;
    const definition = behavior<typeof plainMessages, NactActor>(plainMessages, {
      state: (ctx) => this.#attach(ctx),
      receive: (_actor, received) => this.#receive(received),
      on: {
        started: () => this.start(),
        idle: (_actor, ctx) => ctx.stop(),
        stopping: () => this.stopping(),
      },
      supervision: { onFailure: () => this.takeDirective() },
      ...(mailbox === undefined ? {} : { mailbox }),
      // In nact, 0 means no timeout.
      ...(shutdownAfter === undefined || shutdownAfter === 0 ? {} : { idleTimeoutMs: shutdownAfter }),
    });
    if (this.props.afterStop === undefined) return definition;
    return {
      ...definition,
      dropping: (waiting) => {
        this.#dropped = waiting;
      },
    };
  }

  override get local(): ActorNode {
    return this.identity.local;
  }

  protected get identity(): Identity<unknown, unknown> {
    if (this.#identity === undefined) throw new StoppedError('this actor has not started');
    return this.#identity;
  }

  protected contextFor(sender: Ref<unknown>): AnyContext {
    return new ActorContext(this.identity, sender);
  }

  /** Called first, and again after each reset. */
  protected start(): void | Promise<void> {
    try {
      this.initialize();
    } catch (error) {
      return this.crash({ error, received: undefined });
    }
  }

  protected initialize(): void {
    const { initialStateFunc, initialState } = this.props;
    this.state = initialStateFunc === undefined ? initialState : initialStateFunc(this.contextFor(nobody));
  }

  /** The function has returned; `next` is the new state. */
  protected finish(next: unknown): void | Promise<void> {
    this.state = next;
  }

  protected override async decide({ error, received }: Fault, child: ActorNode | undefined): Promise<symbol> {
    const { onCrash } = this.props;
    if (onCrash === undefined) return verdicts.stop;
    const context = new SupervisionContext(this.identity, senderOf(received));
    const failed = child === undefined || !isReference(child.self) ? undefined : child.self;
    return onCrash(received?.message, error, context, failed);
  }

  protected call(message: unknown, context: AnyContext): unknown {
    return this.#run.call(context, this.state, message, context);
  }

  #attach(actor: Context): this {
    const local = nodeOf(actor.self);
    const { self } = actor;
    if (local === undefined || !isReference(self))
      throw new StoppedError(`${actor.path} is not an actor of this partition`);
    this.#identity = new Identity(this.#parent, self, actor, local);
    return this;
  }

  #receive(received: PlainMessage): void | Promise<void> {
    try {
      const next = this.call(received.message, this.contextFor(senderOf(received)));
      const work = promiseOf(next);
      return work === undefined ? this.finish(next) : this.#settle(work, received);
    } catch (error) {
      return this.crash({ error, received });
    }
  }

  async #settle(next: Promise<unknown>, received: PlainMessage): Promise<void> {
    try {
      await this.finish(await next);
    } catch (error) {
      await this.crash({ error, received });
    }
  }

  /** Called last, and before each reset. */
  protected async stopping(): Promise<void> {
    if (this.local.phase === 'restarting') return;
    await this.props.afterStop?.(this.state, new ActorContextWithMailbox(this.identity, nobody, this.#dropped));
  }
}

function senderOf(received: PlainMessage | undefined): Ref<unknown> {
  return isReference(received?.sender) ? received.sender : nobody;
}
