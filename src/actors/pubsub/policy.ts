import { ConfigError } from '../../errors.js';

/**
 * Which readers get an element: the next one, the one that lets most through, all, the one that the hash of its key selects, or one of the
 * writer's partition if that has room.
 */
export type Policy = 'round-robin' | 'least-loaded' | 'broadcast' | 'hash' | 'local-first';

/** `wait`: for a reader. `drop`: the element is counted, and gone. `fail`: the write rejects with UnreachableError. */
export type WithoutReaders = 'close' | 'wait' | 'drop' | 'fail';
/** Those of pipelines. Where their segments are, their placement says. */
export const POLICIES: readonly Policy[] = ['round-robin', 'least-loaded', 'broadcast', 'hash'];

export function checkPolicy(policy: string): Policy {
  const known = POLICIES.find((each) => each === policy);
  if (known === undefined) {
    throw new ConfigError(`The policy of a port must be one of ${POLICIES.join(', ')}; got "${policy}".`);
  }
  return known;
}

/** A stable 32-bit hash (FNV-1a) of a key. Elements of one key go to one reader as long as the readers do not change. */
export function hashKey(key: string | number | bigint): number {
  const text = String(key);
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0;
}
