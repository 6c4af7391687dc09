import { HandlerError } from '../../errors.js';
import type { ActorNode, Directive } from '../kernel/index.js';
import { takesPlain } from './node.js';
import type { PlainMessage } from './plain-messages.js';
import { verdicts } from './supervision.js';

/** What failed, and with what. */
export interface Fault {
  readonly error: unknown;
  /** The message that was being handled, where there was one. */
  readonly received: PlainMessage | undefined;
}

/**
 * An actor whose failures are judged as nact does: its own by itself, those that escalate by its parent. The verdict becomes what our
 * kernel is to do with the actor that failed, and what becomes of its peers or children.
 */
export abstract class Supervised {
  abstract readonly local: ActorNode;
  /** What the kernel is to do with the failure that it learns of next; one that nobody judged ends the actor. */
  #directive: Directive = 'stop';

  /** What the user's `onCrash` says. */
  protected abstract decide(fault: Fault, child: ActorNode | undefined): Promise<symbol>;

  /** Rejects with the error when it is decided what becomes of this actor. */
  protected async crash(fault: Fault): Promise<never> {
    fault.received?.query?.crash(fault.error);
    return this.carryOut(await this.judge(fault), fault.error);
  }

  /** What becomes of this actor, which has failed. */
  protected judge(fault: Fault): Promise<Directive> {
    return this.#judge(fault, undefined);
  }

  /** Throws `error` for the kernel, which then follows the directive. */
  protected carryOut(directive: Directive, error: unknown): never {
    this.#directive = directive;
    throw error;
  }

  /** For the kernel's supervision. */
  protected takeDirective(): Directive {
    const directive = this.#directive;
    this.#directive = 'stop';
    return directive;
  }

  /** What becomes of the one that failed, this actor or its `child`. */
  async #judge(fault: Fault, child: Supervised | undefined): Promise<Directive> {
    const verdict = await this.#verdict(fault, child);
    switch (verdict) {
      case verdicts.resume:
        return 'resume';
      case verdicts.stop:
        return this.#end('stop', fault, child);
      case verdicts.stopAll:
        for (const peer of this.#others(this.local.siblings)) peer.requestStop();
        return this.#end('stop', fault, child);
      case verdicts.reset:
        return this.#end('restart', fault, child);
      case verdicts.resetAll:
        resetEach(this.#others(this.local.siblings), this.local);
        return this.#end('restart', fault, child);
      case verdicts.stopChild:
        return 'stop';
      case verdicts.resetChild:
        return 'restart';
      case verdicts.stopAllChildren:
        for (const other of this.#children(child)) other.requestStop();
        return child === undefined ? 'resume' : 'stop';
      case verdicts.resetAllChildren:
        resetEach(this.#children(child), this.local);
        return child === undefined ? 'resume' : 'restart';
      default:
        return this.#escalate(fault, child);
    }
  }

  /** An `onCrash` that throws, or says what makes no sense, leaves it to the parent. */
  async #verdict(fault: Fault, child: Supervised | undefined): Promise<symbol> {
    try {
      const verdict = await this.decide(fault, child?.local);
      const needsChild = verdict === verdicts.stopChild || verdict === verdicts.resetChild;
      if (child !== undefined || !needsChild) return verdict;
      throw new HandlerError(`onCrash of ${this.local.path} decided on a child, but the actor itself has failed`);
    } catch (error) {
      this.local.context.log.error('onCrash failed, so the failure escalates', { error });
      return verdicts.escalate;
    }
  }

  async #escalate(fault: Fault, child: Supervised | undefined): Promise<Directive> {
    const parent = this.local.parent?.state;
    if (!(parent instanceof Supervised)) return this.#end('escalate', fault, child);
    const directive = await parent.#judge(fault, this);
    return directive === 'resume' ? directive : this.#end(directive, fault, child);
  }

  /** The verdict is about this actor; a child that failed ends with it, or before it begins anew. */
  #end(directive: Directive, fault: Fault, child: Supervised | undefined): Directive {
    if (child === undefined) return directive;
    this.#failWith(fault.error, directive);
    return 'stop';
  }

  #failWith(error: unknown, directive: Directive): void {
    this.local.signal(() => {
      this.#directive = directive;
      throw error;
    });
  }

  #children(but: Supervised | undefined): ActorNode[] {
    return plainActors(this.local.children).filter((child) => child !== but?.local);
  }

  #others(siblings: ReadonlyMap<string, ActorNode>): ActorNode[] {
    return plainActors(siblings).filter((sibling) => sibling !== this.local);
  }

  /** Begins anew because the verdict on another says so. */
  reset(because: string): void {
    this.#failWith(new HandlerError(because), 'restart');
  }
}

function plainActors(actors: ReadonlyMap<string, ActorNode>): ActorNode[] {
  return [...actors.values()].filter(({ self }) => takesPlain(self));
}

function resetEach(actors: readonly ActorNode[], by: ActorNode): void {
  for (const { state } of actors) {
    if (state instanceof Supervised) state.reset(`${by.path} decided that others are reset, too`);
  }
}
