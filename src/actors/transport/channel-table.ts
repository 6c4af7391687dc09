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
 * The first channel to a peer keeps its keys until it is closed.
 */
export class ChannelTable<Channel extends KnownChannel> {
  readonly #byKey = new Map<string, Channel>();

  get(key: string): Channel | undefined {
    return this.#byKey.get(key);
  }

  /** The channel was opened for its key. */
  opened(channel: Channel): void {
    this.#byKey.set(channel.key, channel);
  }

  /** The peer of the channel has said who it is. */
  introduced(channel: Channel): void {
    for (const key of keysOf(channel)) if (!this.#byKey.has(key)) this.#byKey.set(key, channel);
  }

  closed(channel: Channel): void {
    for (const key of keysOf(channel)) if (this.#byKey.get(key) === channel) this.#byKey.delete(key);
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

/** A second hello brings the ordinal of a partition that had none; all else would let a peer fill the tables by which it is found. */
export function assertSamePeer(before: v1.Hello | undefined, now: v1.Hello): void {
  if (now.address.length > limits.handshakeRecordBytes) {
    throw new ProtocolError(`The peer states an address of ${now.address.length} characters.`);
  }
  if (before === undefined) return;
  const { address, ordinal, incarnation, token } = before;
  const isSame = address === now.address && incarnation === now.incarnation && token === now.token;
  if (isSame && (ordinal ?? now.ordinal) === now.ordinal) return;
  throw new ProtocolError(`The peer at ${address} says that it is another one, at ${now.address}.`);
}
