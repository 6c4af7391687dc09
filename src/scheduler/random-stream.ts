/** Returns the next number in [0, 1) at each call. */
export type RandomStream = () => number;

/**
 * A stream of 53-bit numbers in [0, 1) that depends on `seed` alone. The generator is sfc32 (Chris Doty-Humphrey's small
 * fast counting generator, passes PractRand): 128 bits of state, of which 32 count, so that no seed has a short cycle.
 */
export function randomStream(seed: string): RandomStream {
  let [a, b, c, counter] = hash128(seed);
  const next = (): number => {
    const result = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + result;
    c |= 0;
    return result >>> 0;
  };
  // The generator's author asks for 12 rounds before the first number, which mix the seed into all of the state.
  for (let round = 0; round < 12; round += 1) next();
  return () => ((next() >>> 5) * 0x4000000 + (next() >>> 6)) / 0x20000000000000;
}

/** Four words that differ widely for near seeds: FNV-1a with a different start for each, finished as in MurmurHash3. */
function hash128(text: string): [number, number, number, number] {
  return [hash32(text, 0x811c9dc5), hash32(text, 0x9e3779b9), hash32(text, 0x85ebca6b), hash32(text, 0xc2b2ae35)];
}

function hash32(text: string, start: number): number {
  let hash = start;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
