import { type AnyBehavior, boundsOf, type GivenBounds } from './behavior.js';
import type { MailboxBounds } from './mailbox.js';

/** What a system makes of a behavior, once for all actors of that behavior. */
export interface Prepared {
  /** The behavior to run: the given one, or a wrapper that traces it. */
  readonly behavior: AnyBehavior;
  readonly bounds: MailboxBounds;
}

/** Prepares the behaviors that one system spawns. */
export class PreparedBehaviors {
  readonly #prepared = new WeakMap<AnyBehavior, Prepared>();
  readonly #bounds: GivenBounds;
  readonly #trace: ((behavior: AnyBehavior) => AnyBehavior) | undefined;

  /** `bounds` apply where a behavior sets none. `trace` wraps a behavior. */
  constructor(bounds: GivenBounds, trace: ((behavior: AnyBehavior) => AnyBehavior) | undefined) {
    this.#bounds = bounds;
    this.#trace = trace;
  }

  prepare(behavior: AnyBehavior): Prepared {
    let prepared = this.#prepared.get(behavior);
    if (prepared === undefined) {
      const bounds = boundsOf(behavior, this.#bounds);
      prepared = { behavior: this.#trace?.(behavior) ?? behavior, bounds };
      this.#prepared.set(behavior, prepared);
    }
    return prepared;
  }
}
