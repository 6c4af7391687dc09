/** The number after `last` that none of `taken` has: 32 bits, never 0. */
export function freeNumber(last: number, taken: ReadonlyMap<number, unknown>): number {
  let number = last;
  do {
    number = (number + 1) >>> 0 || 1;
  } while (taken.has(number));
  return number;
}
