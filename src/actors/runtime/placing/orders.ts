import { limits } from '../../../limits.js';
import { RecentMap } from '../../../recent-map.js';
import type { UntypedRef } from '../../kernel/index.js';
import type { Order } from './order.js';

/** The actors that this process has placed, by each actor that they were. The last ones that have ended are remembered. */
export class Orders {
  readonly #orders = new Map<string, Order>();
  /** The owners of actors that have ended. */
  readonly #ended = new RecentMap<string, string | undefined>(limits.placedRequests);

  /** Incarnations of actors that have ended, and may have placed actors. */
  readonly #endedOwners = new RecentMap<string, true>(limits.placedRequests);

  of(ref: UntypedRef): Order | undefined {
    return this.#orders.get(keyOf(ref));
  }

  hasEnded(ref: UntypedRef): boolean {
    return this.#ended.has(keyOf(ref));
  }

  /** Whether the owner has placed this actor, which may have ended. */
  isOf(owner: string, ref: UntypedRef): boolean {
    return (this.of(ref)?.owner ?? this.#ended.get(keyOf(ref))) === owner;
  }

  all(): readonly Order[] {
    return [...new Set(this.#orders.values())];
  }

  /** The owner has ended: the actors that it has placed, which are to end too. */
  ownerEnded(owner: string): readonly Order[] {
    this.#endedOwners.set(owner, true);
    return this.all().filter((order) => order.owner === owner);
  }

  /** Somebody has stopped it, or its owner has ended. */
  isUnwanted({ isOver, owner }: Order): boolean {
    return isOver || (owner !== undefined && this.#endedOwners.has(owner));
  }

  /** The actor of this order is `ref` from now on. */
  placed(order: Order, ref: UntypedRef): void {
    const key = keyOf(ref);
    order.keys.push(key);
    this.#orders.set(key, order);
  }

  /** Its actor is not to run any more. */
  finished(order: Order): void {
    for (const key of order.keys) {
      this.#orders.delete(key);
      this.#ended.set(key, order.owner);
    }
  }
}

/** Tells actors of the whole cluster apart. */
export function keyOf(ref: UntypedRef): string {
  const { cUid, incarnation } = ref.toRef();
  return `${cUid}/${incarnation}`;
}
