import type { v1 } from '../../protocol/index.js';
import { systemEntropy, type Timer } from '../../scheduler/index.js';

const KEY_BYTES = 32;

/** A secret of the partitions of one process. */
export function newProcessKey(): Uint8Array {
  return systemEntropy(KEY_BYTES);
}

/**
 * How the partitions of one process recognize one another over links that every process with the cluster key can open. A hello alone proves nothing:
 * its sender may claim to be a partition of any process. The tokens of both hellos are random numbers of their link. Who hears such a claim proves
 * that it has the key over both of them, with its next hello. So a proof that was seen holds for no other link.
 *
 *     opener                                                  listener
 *     hello(token a)                 --><--                   hello(token b)
 *     hello(proof(opens, a, b))      --><--                   hello(proof(answers, a, b))
 *
 * What arrives between a claim and its proof waits. A proof names no address, for a partition has several spellings of its own. So it does not
 * show that nobody passes frames on: a process that was dialed by its address may stand between two partitions.
 */
export class Kinship {
  readonly #key: () => Uint8Array;

  constructor(key: () => Uint8Array) {
    this.#key = key;
  }

  /** `tokens`: that of the one who has opened the link, and that of the other end. */
  proof(role: 'opens' | 'answers', tokens: readonly [opener: bigint, listener: bigint]): Uint8Array {
    const { createHmac } = process.getBuiltinModule('node:crypto');
    return createHmac('sha256', this.#key())
      .update(`${role} ${tokens.join(' ')}`)
      .digest();
  }

  /** Takes the same time for every proof. */
  static isSame(proof: Uint8Array, expected: Uint8Array): boolean {
    const { timingSafeEqual } = process.getBuiltinModule('node:crypto');
    return proof.length === expected.length && timingSafeEqual(proof, expected);
  }
}

/** What is proven of the peer of one link. */
export interface LinkKinship {
  /** The peer is a partition of this process. */
  isProven: boolean;
  /** Of this end. Empty where it has none to give. */
  proof: Uint8Array;
  /** The hello of a peer that says that it is a partition of this process, and has not proven it yet. It is nobody until then. */
  claim: v1.Hello | undefined;
  /** Ends the wait for the proof. */
  due: Timer | undefined;
}
