import type { Channel } from './channel.js';

/** Finds the channel of a key. A channel that ends leaves with all its keys, at a cost that does not depend on the other channels. */
export class ChannelIndex {
  readonly #channels = new Map<string, Channel>();
  readonly #keys = new Map<Channel, string[]>();

  get size(): number {
    return this.#channels.size;
  }

  get(key: string): Channel | undefined {
    return this.#channels.get(key);
  }

  /** Does nothing when another channel has the key. */
  add(key: string, channel: Channel): void {
    if (this.#channels.has(key)) return;
    this.#channels.set(key, channel);
    const keys = this.#keys.get(channel);
    if (keys === undefined) this.#keys.set(channel, [key]);
    else keys.push(key);
  }

  forget(channel: Channel): void {
    for (const key of this.#keys.get(channel) ?? []) this.#channels.delete(key);
    this.#keys.delete(channel);
  }
}
