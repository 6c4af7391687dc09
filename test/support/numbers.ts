/** 0, 1, 2, and so on: `count` numbers. */
export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_none, index) => index);
}

export function sorted(numbers: Iterable<number>): number[] {
  return [...numbers].sort((left, right) => left - right);
}
