import { type AnyMethod, EnvelopeMode, EnvelopePrefix } from '../../protocol/index.js';
import { highOf, lowOf } from './uint64-parts.js';

/** An actor of the peer as one link's tells and asks name it. Encodes their beginning once for each method that is used more than once. */
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
      if (isUsedAgain) prefix = this.#encode(method, number);
      this.#prefixes.set(method, prefix);
      if (!isUsedAgain) return undefined;
    }
    this.#last = method;
    this.#lastPrefix = prefix;
    return prefix;
  }

  #encode({ mode }: AnyMethod, method: number): EnvelopePrefix {
    const target = { toLow: lowOf(this.cUid), toHigh: highOf(this.cUid), method };
    return new EnvelopePrefix(mode === 'tell' ? EnvelopeMode.tell : EnvelopeMode.ask, target);
  }
}
