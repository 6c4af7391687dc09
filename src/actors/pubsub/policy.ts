import { ConfigError } from '../../errors.js';

/** Which readers an element goes to. */
export type Policy = 'round-robin' | 'broadcast' | 'hash';
export const POLICIES: readonly Policy[] = ['round-robin', 'broadcast', 'hash'];

export function checkPolicy(policy: string): Policy {
  const known = POLICIES.find((each) => each === policy);
  if (known === undefined) {
    throw new ConfigError(`The policy of a port is one of ${POLICIES.join(', ')}; got "${policy}".`);
  }
  return known;
}

/** A stable 32-bit hash (FNV-1a) of a key: the same key goes to the same reader for as long as the readers stay the same. */
export function hashKey(key: string | number | bigint): number {
  const text = String(key);
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0;
}
