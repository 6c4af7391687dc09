import { createHmac, timingSafeEqual } from 'node:crypto';

export type Role = 'client' | 'server';

/**
 * Shows that its maker has the key and has seen the same records. The role keeps an end from being shown its own proof; `binding`
 * keeps the proof from being carried over to another connection, where the channel below can tell.
 */
export function proofOf(key: string | Uint8Array, role: Role, transcript: Uint8Array, binding: Uint8Array): Uint8Array {
  return createHmac('sha256', key).update(`millrace ${role} proof\n`).update(transcript).update(binding).digest();
}

/** In constant time for proofs of the right length. */
export function isSameProof(proof: Uint8Array, expected: Uint8Array): boolean {
  return proof.length === expected.length && timingSafeEqual(proof, expected);
}
