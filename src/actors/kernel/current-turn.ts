import type { Caller } from './call.js';

/** The actor whose code runs now, synchronously: calls that are made meanwhile inherit from the message that it handles. */
export class CurrentTurn {
  #actor: Caller | undefined = undefined;
  #isInHook = false;

  get actor(): Caller | undefined {
    return this.#actor;
  }

  /** A hook or timer runs, so there is no message. */
  get isInHook(): boolean {
    return this.#isInHook;
  }

  enter(actor: Caller): void {
    this.#actor = actor;
  }

  enterHook(actor: Caller): void {
    this.#actor = actor;
    this.#isInHook = true;
  }

  leave(): void {
    this.#actor = undefined;
    this.#isInHook = false;
  }
}
