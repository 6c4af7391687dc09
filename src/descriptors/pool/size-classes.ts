/**
 * Sizes of blocks in pages: 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20 and so on, four for each doubling. There are few sizes, so what one block
 * leaves is likely to fit the next. A block wastes a fifth of its memory at most.
 */

/** The smallest class of at least this many pages. */
export function roundToClass(pages: number): number {
  const step = stepAt(pages);
  return Math.ceil(pages / step) * step;
}

/** Number of the largest class of at most this many pages. Classes count from 0. */
export function classBelow(pages: number): number {
  if (pages < 4) return pages - 1;
  const exponent = log2(pages);
  return (exponent - 1) * 4 + Math.floor(pages / stepAt(pages)) - 5;
}

function stepAt(pages: number): number {
  return 2 ** Math.max(0, log2(pages) - 2);
}

function log2(pages: number): number {
  return 31 - Math.clz32(pages);
}
