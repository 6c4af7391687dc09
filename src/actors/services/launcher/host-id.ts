const OFFSET = 0xcbf29ce484222325n;
const PRIME = 0x100000001b3n;

/** The id of one backend: a hash of 64 bits (FNV-1a) of its host, its node and the run. Two may collide, which the launcher finds out. */
export function hostIdOf(host: string, node: string, run: string): bigint {
  let hash = OFFSET;
  for (const byte of Buffer.from(JSON.stringify([host, node, run]))) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * PRIME);
  }
  return hash;
}
