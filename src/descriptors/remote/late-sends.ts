import { UnreachableError } from '../../errors.js';
import { limits } from '../../limits.js';
import type { PeerIncarnation } from '../ledger/index.js';

/**
 * Sends of objects that were given up: whoever sent them was told that they had not come. One that comes all the same must not be used, because its
 * memory may be used for another value by now. A bounded number is remembered: what comes so late was read from a link that ended long ago.
 */
export class LateSends {
  /** By object and sender: how many sends were given up. The oldest first. */
  readonly #sends = new Map<string, number>();

  /** The first `sent` sends of an object by a peer that have not come are refused from now on. */
  giveUp(object: number, from: PeerIncarnation, sent: number): void {
    this.#sends.set(keyOf(object, from), sent);
    const [oldest] = this.#sends.keys();
    if (this.#sends.size > limits.lateObjects && oldest !== undefined) this.#sends.delete(oldest);
  }

  /** Throws UnreachableError for a send that was given up. */
  check(object: number, from: PeerIncarnation, send: number): void {
    if (this.#sends.size === 0 && send > 0) return;
    if (send > (this.#sends.get(keyOf(object, from)) ?? 0)) return;
    throw new UnreachableError(`Object ${object} cannot be read: it came after ${from}, which sent it, gave it up.`);
  }
}

function keyOf(object: number, from: PeerIncarnation): string {
  return `${object} ${from}`;
}
