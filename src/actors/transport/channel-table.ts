import { ProtocolError } from '../../errors.js';
import { limits } from '../../limits.js';
import type { v1 } from '../../protocol/index.js';

/** What the table needs to know of a channel. */
export interface KnownChannel {
  /** What it was opened for: a key of its peer. Empty where the peer has opened the link. */
  readonly key: string;
  readonly peer: v1.Hello | undefined;
}

/**
 * The open channels of a partition, by the keys of their peers: the address, and the holder, which is an ordinal with its incarnation.
 * The first channel to a peer keeps its keys until it is closed; then the next one has them.
 */
export class ChannelTable<Channel extends KnownChannel> {
  /** The channels of one key, the first one first. */
  readonly #byKey = new Map<string, readonly Channel[]>();

  get(key: string): Channel | undefined {
    return this.#byKey.get(key)?.[0];
  }

  /** The channel that will have the key of this one when it is closed. */
  after(channel: Channel): Channel | undefined {
    return this.#byKey.get(channel.key)?.find((other) => other !== channel);
  }

  /** The channels that have keys which this one will have when they are closed. */
  before(channel: Channel): ReadonlySet<Channel> {
    const firsts = [...keysOf(channel)].flatMap((key) => this.#byKey.get(key)?.[0] ?? []);
    return new Set(firsts.filter((first) => first !== channel));
  }

  /** The channel was opened for its key. */
  opened(channel: Channel): void {
    this.#add(channel.key, channel);
  }

  /** The peer of the channel has said who it is. */
  introduced(channel: Channel): void {
    for (const key of keysOf(channel)) this.#add(key, channel);
  }

  closed(channel: Channel): void {
    for (const key of keysOf(channel)) {
      const left = this.#byKey.get(key)?.filter((other) => other !== channel) ?? [];
      if (left.length === 0) this.#byKey.delete(key);
      else this.#byKey.set(key, left);
    }
  }

  #add(key: string, channel: Channel): void {
    const known = this.#byKey.get(key) ?? [];
    if (!known.includes(channel)) this.#byKey.set(key, [...known, channel]);
  }
}

/** The keys by which the peer of a channel is found: that of its dial, and those of its hello. */
export function keysOf({ key, peer }: KnownChannel): Set<string> {
  const keys = new Set([key]);
  if (peer !== undefined) {
    keys.add(peer.address);
    if (peer.ordinal !== undefined) {
      keys.add(holderKey(peer.ordinal, peer.incarnation)).add(holderKey(peer.ordinal, 0n));
    }
  }
  keys.delete('');
  return keys;
}

/** `incarnation` is 0n for the current holder of the ordinal. */
export function holderKey(ordinal: number, incarnation: bigint): string {
  return `${ordinal}/${incarnation}`;
}

/**
 * What is known of a peer after one more hello. A second one brings the ordinal of a partition that had none; all else would let a peer fill the tables
 * by which it is found. Each goes over both lanes, of which one may be slower: an older hello changes nothing.
 */
export function mergedHello(before: v1.Hello | undefined, now: v1.Hello): v1.Hello {
  if (now.address.length > limits.handshakeRecordBytes) {
    throw new ProtocolError(`The peer states an address of ${now.address.length} characters.`);
  }
  if (now.partition.length > limits.nameCharacters) {
    throw new ProtocolError(`The peer states a name of ${now.partition.length} characters.`);
  }
  if (before === undefined) return now;
  const { address, ordinal, incarnation, token } = before;
  const isSame = address === now.address && incarnation === now.incarnation && token === now.token;
  if (isSame && (now.ordinal === undefined || ordinal === now.ordinal)) return before;
  if (isSame && ordinal === undefined) return now;
  throw new ProtocolError(`The peer at ${address} says that it is another one, at ${now.address}.`);
}
