import { StoppedError } from '../../errors.js';
import { type Behavior, behavior, type Context, nodeOf, type ActorNode } from '../kernel/index.js';
import { ActorContext, Identity, SupervisionContext } from './context.js';
import { Nobody } from './nobody.js';
import { type PlainMessage, plainMessages } from './plain-messages.js';
import type { AnyContext, AnyFunc, AnyProps } from './properties.js';
import { isReference, type Ref } from './reference.js';
import { type Fault, Supervised } from './supervised.js';
import { verdicts } from './supervision.js';

const nobody = new Nobody();

/** An actor in nact's style, on our kernel: one for each `spawn`, through all its resets. It is the state of the actor underneath. */
export class NactActor extends Supervised {
  protected readonly props: AnyProps;
  protected state: unknown = undefined;
  readonly #run: AnyFunc;
  readonly #parent: unknown;
  #identity: Identity<unknown, unknown> | undefined;

  /** `parent` is what the function finds as `ctx.parent`. */
  constructor(parent: unknown, run: AnyFunc, props: AnyProps) {
    super();
    this.#parent = parent;
    this.#run = run;
    this.props = props;
  }

  /** How the actor underneath behaves. */
  behavior(): Behavior<typeof plainMessages, NactActor> {
    const { mailbox, shutdownAfter } = this.props;
    return behavior<typeof plainMessages, NactActor>(plainMessages, {
      state: (ctx) => this.#attach(ctx),
      receive: (_actor, received) => this.#receive(received),
      on: {
        started: () => this.start(),
        idle: (_actor, ctx) => ctx.stop(),
        stopping: () => this.stopping(),
      },
      supervision: { onFailure: () => this.takeDirective() },
      ...(mailbox === undefined ? {} : { mailbox }),
      // As nact has it, 0 is no time.
      ...(shutdownAfter === undefined || shutdownAfter === 0 ? {} : { idleTimeoutMs: shutdownAfter }),
    });
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

  /** The first thing that happens to it, and again after each reset. */
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

  /** The function has returned; `next` is the state. */
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
      throw new StoppedError(`${actor.path} is no actor of this partition`);
    this.#identity = new Identity(this.#parent, self, actor, local);
    return this;
  }

  #receive(received: PlainMessage): void | Promise<void> {
    try {
      const next = this.call(received.message, this.contextFor(senderOf(received)));
      return isThenable(next) ? this.#settle(next, received) : this.finish(next);
    } catch (error) {
      return this.crash({ error, received });
    }
  }

  async #settle(next: PromiseLike<unknown>, received: PlainMessage): Promise<void> {
    try {
      await this.finish(await next);
    } catch (error) {
      await this.crash({ error, received });
    }
  }

  /** The last thing that happens to it, and before each reset. */
  protected async stopping(): Promise<void> {
    if (this.local.phase === 'restarting') return;
    await this.props.afterStop?.(this.state, this.contextFor(nobody));
  }
}

function senderOf(received: PlainMessage | undefined): Ref<unknown> {
  return isReference(received?.sender) ? received.sender : nobody;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
