import { Troubles, type ActorTrouble } from '../../kernel/index.js';
import type { Order } from './order.js';

/** The actors that this process has placed and that were lost with their partitions: what `health()` says of them. */
export class LostActors {
  /** Those that are being placed again, with their paths. */
  readonly #pending = new Map<Order, string>();
  readonly #ended = new Troubles(0);
  /** Paths of those that were given up, by what they were: its next actor takes the place of one. */
  readonly #paths = new Map<string, string[]>();

  /** It is placed again, as soon as there is a partition for it. */
  awaited(order: Order, path: string): void {
    this.#pending.set(order, path);
  }

  /** It is not placed again. */
  givenUp(order: Order, path: string, error: Error): void {
    this.#pending.delete(order);
    this.#ended.ended(path, error, true);
    const key = keyOf(order);
    this.#paths.set(key, [...(this.#paths.get(key) ?? []), path].slice(-LOST_OF_ONE));
  }

  /** It runs, or is not to run any more. */
  settled(order: Order): void {
    this.#pending.delete(order);
    const key = keyOf(order);
    const [oldest, ...others] = this.#paths.get(key) ?? [];
    if (oldest === undefined || order.current === undefined) return;
    this.#ended.started(() => oldest);
    if (others.length === 0) this.#paths.delete(key);
    else this.#paths.set(key, others);
  }

  /** Those that were given up, and whose place no other actor has taken. */
  troubles(): readonly ActorTrouble[] {
    return this.#ended.list(0);
  }

  /** Sentences about those that are being placed again. */
  problems(): readonly string[] {
    return [...this.#pending.values()].map(
      (path) => `The placed actor ${path} was lost with its partition, and is being placed again.`,
    );
  }
}

/** Paths that are kept of the actors of one component and name. */
const LOST_OF_ONE = 100;

function keyOf({ component, wanted }: Order): string {
  return `${component.name} ${wanted.name}`;
}
