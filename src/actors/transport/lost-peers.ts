import { limits } from '../../limits.js';
import { keysOf, type KnownChannel } from './channel-table.js';

/** The peers whose last link has ended, by the keys of `keysOf`. Past `unreachablePeers` keys the oldest is forgotten. */
export class LostPeers {
  readonly #keys = new Set<string>();

  has(key: string): boolean {
    return this.#keys.has(key);
  }

  closed(channel: KnownChannel): void {
    if (channel.peer === undefined) return;
    for (const key of keysOf(channel)) {
      this.#keys.delete(key);
      this.#keys.add(key);
      const [oldest] = this.#keys;
      if (oldest !== undefined && this.#keys.size > limits.unreachablePeers) this.#keys.delete(oldest);
    }
  }

  /** The peer has said who it is, over a new link. */
  reached(channel: KnownChannel): void {
    for (const key of keysOf(channel)) this.#keys.delete(key);
  }
}
