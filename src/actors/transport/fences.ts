import { limits } from '../../limits.js';
import { RecentMap } from '../../recent-map.js';
import { type RandomStream, type Scheduler, systemEntropy } from '../../scheduler/index.js';

/**
 * Keeps messages in order over the links to one peer that follow one another. A link that one end has given up can still deliver old
 * frames at the other end, which may not have noticed. So the first thing on a new link is a fence: the tokens of the links to this
 * peer that its sender has given up. The receiver closes those, and takes nothing more of them, before it takes anything else of
 * the new link.
 *
 *     A                                B
 *     hello(token 1) ----- link 1 --->      B knows link 1 by its token
 *     gives link 1 up                       its last frames are on their way
 *     hello(token 2), fence(1), tell ->     B closes link 1, then takes the tell
 *
 * A token is a secret of the two ends of its link: only they can fence it. A fence may arrive before the hello of the link that it names.
 */
export class Fences<Channel> {
  readonly #scheduler: Scheduler;
  #random: RandomStream | undefined;
  /** Tokens of links that this end has given up, by the keys of their peers. */
  readonly #givenUp = new RecentMap<string, readonly bigint[]>(limits.givenUpLinks);
  /** Open links, by the tokens of their peers. */
  readonly #open = new Map<bigint, Channel>();
  /** Fenced links that are not known here: the hello of such a link may be on its way. */
  readonly #fenced = new RecentMap<bigint, true>(limits.givenUpLinks);

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  /** Entries of all tables: each has at most `limits.givenUpLinks`, except that of the open links. */
  get size(): number {
    return this.#givenUp.size + this.#open.size + this.#fenced.size;
  }

  // ---- the sender's side

  /**
   * A token for a new link: 64 bits. Within a program, and on virtual time, it need not be a secret. `owner` names this partition: equal
   * seeds must not give equal tokens to two of them.
   */
  draw(owner: string, isLocal: boolean): bigint {
    if (!isLocal && !this.#scheduler.isVirtual) return new DataView(systemEntropy(8).buffer).getBigUint64(0) || 1n;
    const random = (this.#random ??= this.#scheduler.fork(`link tokens of ${owner}`));
    const half = (): bigint => BigInt(Math.floor(random() * 2 ** 32));
    return (half() << 32n) | half() || 1n;
  }

  /** This end has closed a link to the peer that has these keys, and the other end may not know it. */
  gaveUp(token: bigint, keys: Iterable<string>): void {
    for (const key of keys) {
      const before = this.#givenUp.get(key) ?? [];
      this.#givenUp.set(key, [...before.slice(1 - limits.fenceLinks), token]);
    }
  }

  /** Tokens of the links to a peer that this end has given up. */
  givenUpTo(keys: Iterable<string>): readonly bigint[] {
    const found = new Set<bigint>();
    for (const key of keys) for (const token of this.#givenUp.get(key) ?? []) found.add(token);
    return [...found].slice(-limits.fenceLinks);
  }

  // ---- the receiver's side

  /** The peer has named its link. Returns false if it has given the link up already. */
  named(token: bigint, channel: Channel): boolean {
    if (this.#fenced.delete(token)) return false;
    if (!this.#open.has(token)) this.#open.set(token, channel);
    return true;
  }

  /** A peer has given this link up. Returns its channel, which must be closed, where it is open. */
  fence(token: bigint): Channel | undefined {
    const channel = this.#open.get(token);
    if (channel === undefined) this.#fenced.set(token, true);
    return channel;
  }

  /** The channel was closed. */
  closed(token: bigint, channel: Channel): void {
    if (this.#open.get(token) === channel) this.#open.delete(token);
  }
}
