import type { Delivery } from './delivery.js';

/** An ask whose reply is deferred. When nobody waits for it any more, it holds nothing of the ask. */
export class DeferredAsk {
  #delivery: Delivery | undefined;
  #ended: () => void;

  /** `ended` is called once, when nobody waits any more. */
  constructor(delivery: Delivery | undefined, ended: () => void) {
    this.#delivery = delivery;
    this.#ended = ended;
  }

  /** Undefined when nobody waits. */
  get delivery(): Delivery | undefined {
    return this.#delivery;
  }

  end(): void {
    const ended = this.#ended;
    this.#delivery = undefined;
    this.#ended = () => {};
    ended();
  }
}
