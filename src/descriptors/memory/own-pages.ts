import { openSync, readSync } from 'node:fs';
import { type Address, PAGE_BYTES } from './system-memory.js';

/** Bytes of an entry of /proc/self/pagemap, which has one for each page. */
const ENTRY_BYTES = 8;
/** Pages that are looked at together. */
const CHUNK_PAGES = 4_096;
// Bits of the upper half of an entry.
const PRESENT = 1 << 31;
const SWAPPED = 1 << 30;
/** The page is the file's own, not a copy. */
const OF_FILE = 1 << 29;

/** The entries of one chunk, upper and lower half each. */
const entries = new Uint32Array(2 * CHUNK_PAGES);

/** /proc/self/pagemap, which stays open, because readers look into it again and again; undefined where it cannot be opened. */
let pagemap: { readonly fd: number | undefined } | undefined;

/**
 * Calls `found` for each run of pages that are a copy of this process, because it wrote to them. `address` is where a private mapping begins, and
 * `wanted` has a mark for each page that counts. Where nobody can tell, all marked pages are such copies.
 */
export function eachOwnRun(
  address: Address,
  pages: number,
  wanted: Uint8Array,
  found: (page: number, count: number) => void,
): void {
  pagemap ??= { fd: opened('/proc/self/pagemap') };
  const { fd } = pagemap;
  const firstPage = Number(address / BigInt(PAGE_BYTES));
  let begin = 0;
  let isOwnBefore = false;
  for (let page = 0; page < pages; page += CHUNK_PAGES) {
    const count = Math.min(CHUNK_PAGES, pages - page);
    const isKnown =
      fd !== undefined &&
      readSync(fd, entries, 0, count * ENTRY_BYTES, (firstPage + page) * ENTRY_BYTES) === count * ENTRY_BYTES;
    for (let index = 0; index < count; index++) {
      const isOwn = wanted[page + index] === 1 && (!isKnown || isOwnPage(entries[2 * index + 1] ?? 0));
      if (isOwn === isOwnBefore) continue;
      if (isOwn) begin = page + index;
      else found(begin, page + index - begin);
      isOwnBefore = isOwn;
    }
  }
  if (isOwnBefore) found(begin, pages - begin);
}

function isOwnPage(bits: number): boolean {
  return (bits & (PRESENT | SWAPPED)) !== 0 && (bits & OF_FILE) === 0;
}

function opened(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch {
    return undefined;
  }
}
