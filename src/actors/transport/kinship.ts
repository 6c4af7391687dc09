import { systemEntropy } from '../../scheduler/index.js';

const KEY_BYTES = 32;

/** A secret of the partitions of one process. */
export function newProcessKey(): Uint8Array {
  return systemEntropy(KEY_BYTES);
}

/**
 * By what the partitions of one process know one another over links that every process with the cluster key can open. A hello alone proves nothing: its
 * sender may claim to be a partition of any process. So the hello of a partition that opens a link has a proof, which only the listener at the dialed address can use, and
 * which holds for this link alone. The other end answers with a hello that proves that it has the key, too.
 *
 *     opener                                              listener
 *     hello(token, kinship = proof(opens, address, token)) -->   is it mine, and for my address?
 *                 <-- hello(kinship = proof(answers, token))
 */
export class Kinship {
  readonly #key: () => Uint8Array;

  constructor(key: () => Uint8Array) {
    this.#key = key;
  }

  /** Of the one who opens a link. `address`: where it has dialed. */
  opening(address: string, token: bigint): Uint8Array {
    return this.#proof(`opens ${token} at ${address}`);
  }

  /** Of the one to whom a link was opened. `token`: that of the opener's hello. */
  answer(token: bigint): Uint8Array {
    return this.#proof(`answers ${token}`);
  }

  /** Takes the same time for every proof. */
  static isSame(proof: Uint8Array, expected: Uint8Array): boolean {
    const { timingSafeEqual } = process.getBuiltinModule('node:crypto');
    return proof.length === expected.length && timingSafeEqual(proof, expected);
  }

  #proof(text: string): Uint8Array {
    const { createHmac } = process.getBuiltinModule('node:crypto');
    return createHmac('sha256', this.#key()).update(text).digest();
  }
}

/** What is proven of the peer of one link. */
export interface LinkKinship {
  /** The peer is a partition of this process. */
  isProven: boolean;
  /** Of this end. Empty where it has none to give. */
  proof: Uint8Array;
}
