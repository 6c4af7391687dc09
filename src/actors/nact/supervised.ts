import { HandlerError } from '../../errors.js';
import type { ActorNode, Directive } from '../kernel/index.js';
import { takesPlain } from './node.js';
import type { PlainMessage } from './plain-messages.js';
import { verdicts } from './supervision.js';

/** A failure of an actor. */
export interface Fault {
  readonly error: unknown;
  /** The message that was being handled, where there was one. */
  readonly received: PlainMessage | undefined;
}

/**
 * An actor with nact's supervision: its own `onCrash` decides on its failures, its parent's `onCrash` on failures that escalate. The
 * verdict is translated into a directive for Millrace's kernel, and into stops and resets of siblings or children.
 */
export abstract class Supervised {
  abstract readonly local: ActorNode;
  /** The directive for the next failure that the kernel sees. A failure without a verdict stops the actor. */
  #directive: Directive = 'stop';

  /** Calls the user's `onCrash`. */
  protected abstract decide(fault: Fault, child: ActorNode | undefined): Promise<symbol>;

  /** Decides on this actor, then rejects with the error. */
  protected async crash(fault: Fault): Promise<never> {
    fault.received?.query?.crash(fault.error);
    return this.carryOut(await this.judge(fault), fault.error);
  }

  /** The directive for this actor, which has failed. */
  protected judge(fault: Fault): Promise<Directive> {
    return this.#judge(fault, undefined);
  }

  /** Throws `error` to the kernel, which then follows the directive. */
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

  /** The directive for the actor that failed: this one, or its `child`. */
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

  /** When `onCrash` throws, or its verdict does not apply, the failure escalates. */
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

  /** The verdict is on this actor; a child that failed stops with it, or before it restarts. */
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

  /** Restarts because of a verdict on another actor. */
  reset(because: string): void {
    this.#failWith(new HandlerError(because), 'restart');
  }
}

function plainActors(actors: ReadonlyMap<string, ActorNode>): ActorNode[] {
  return [...actors.values()].filter(({ self }) => takesPlain(self));
}

function resetEach(actors: readonly ActorNode[], by: ActorNode): void {
  for (const { state } of actors) {
    if (state instanceof Supervised) state.reset(`${by.path} decided to reset other actors too`);
  }
}
