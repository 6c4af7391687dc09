import { type AnyMethod, EnvelopePrefix } from '../../protocol/index.js';
import { highOf, lowOf } from './uint64-parts.js';

/** An actor of the peer as one link's tells name it. Encodes the beginning of a tell once for each method that is used more than once. */
export class Recipient {
  readonly cUid: bigint;
  /** Undefined for a method that was used once. */
  readonly #prefixes = new Map<AnyMethod, EnvelopePrefix | undefined>();
  #last: AnyMethod | undefined;
  #lastPrefix: EnvelopePrefix | undefined;

  constructor(cUid: bigint) {
    this.cUid = cUid;
  }

  /** `number` is that of the method on the link, and the peer knows it. Undefined at the first use. */
  prefix(method: AnyMethod, number: number): EnvelopePrefix | undefined {
    return method === this.#last ? this.#lastPrefix : this.#find(method, number);
  }

  #find(method: AnyMethod, number: number): EnvelopePrefix | undefined {
    let prefix = this.#prefixes.get(method);
    if (prefix === undefined) {
      const isUsedAgain = this.#prefixes.has(method);
      if (isUsedAgain) prefix = new EnvelopePrefix(lowOf(this.cUid), highOf(this.cUid), number);
      this.#prefixes.set(method, prefix);
      if (!isUsedAgain) return undefined;
    }
    this.#last = method;
    this.#lastPrefix = prefix;
    return prefix;
  }
}
