import { type MillraceError, StoppedError, UnreachableError } from '../../errors.js';
import { messageOf } from '../../foreign.js';
import { limits } from '../../limits.js';
import { RecentMap } from '../../recent-map.js';
import type { PeerName } from './peer-name.js';

interface Unreachable<Channel> {
  /** The channel of the last attempt, which has failed. */
  readonly channel: Channel;
  /** From this time on, a tell starts another attempt. */
  readonly retryAtMs: number;
}

/**
 * The peers that the last attempt did not reach, with no link since, by address or by holder. Tells to them are refused, and start an
 * attempt at most every `unreachableRetryMs`. Anything else starts an attempt at once, unless the peer has ended for good. The oldest
 * entries are dropped past `unreachablePeers`: then the next message starts an attempt again.
 */
export class UnreachablePeers<Channel> {
  readonly #peers = new RecentMap<string, Unreachable<Channel>>(limits.unreachablePeers);

  get size(): number {
    return this.#peers.size;
  }

  has(key: string): boolean {
    return this.#peers.has(key);
  }

  /** The channels of the last attempts, with the scheduler time from which on a tell tries again; Infinity where the peer has ended for good. */
  attempts(): Iterable<Unreachable<Channel>> {
    return this.#peers.values();
  }

  /** The channel of the last attempt to reach a peer, which has failed. */
  channel(key: string): Channel | undefined {
    return this.#peers.get(key)?.channel;
  }

  /** The peer has ended for good. */
  hasEnded(key: string): boolean {
    return this.#peers.get(key)?.retryAtMs === Number.POSITIVE_INFINITY;
  }

  /** An attempt has failed. `isFinal`: the peer has ended, and nobody else will ever have its key. */
  failed(key: string, channel: Channel, nowMs: number, isFinal: boolean): void {
    // Deleted first, so that the entry becomes the newest.
    this.#peers.set(key, {
      channel,
      retryAtMs: isFinal ? Number.POSITIVE_INFINITY : nowMs + limits.unreachableRetryMs,
    });
  }

  /** There is a link to the peer. */
  reached(key: string): void {
    this.#peers.delete(key);
  }

  /** The channel whose failure refuses a message; undefined where the message may start an attempt. */
  refusal(key: string, nowMs: number, isTell: boolean): Channel | undefined {
    const peer = this.#peers.get(key);
    if (peer === undefined) return undefined;
    const mayTry = isTell ? nowMs >= peer.retryAtMs : peer.retryAtMs < Number.POSITIVE_INFINITY;
    return mayTry ? undefined : peer.channel;
  }
}

/** The error of an attempt that has failed for this cause. */
export function unreachable(name: PeerName, cause: unknown): MillraceError {
  if (cause instanceof StoppedError) return cause;
  const { isRefused = false, isUnsent = false } = cause instanceof UnreachableError ? cause : {};
  const text = `No link could be opened to ${name.text}: ${messageOf(cause)}`;
  return new UnreachableError(text, { cause, isRefused, isUnsent });
}

/** The error of an attempt to reach a process that has ended for good. */
export function ended(name: PeerName, cause?: unknown): MillraceError {
  const text = `The process of ${name.text} has ended. Look the actor up again: its reference stays dead.`;
  return new UnreachableError(text, cause === undefined ? {} : { cause });
}
