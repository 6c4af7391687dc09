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

/** /proc/self/pagemap, which stays open, because a reader looks into it for each block; undefined where it cannot be opened. */
let pagemap: { readonly fd: number | undefined } | undefined;

/** Whether any of these pages of a private mapping is a copy of this process, because it wrote to it. True where nobody can tell. */
export function ownPages(address: Address, pages: number): boolean {
  pagemap ??= { fd: opened('/proc/self/pagemap') };
  return pagemap.fd === undefined || anyOwn(pagemap.fd, Number(address / BigInt(PAGE_BYTES)), pages);
}

function opened(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch {
    return undefined;
  }
}

function anyOwn(fd: number, firstPage: number, pages: number): boolean {
  const entries = new Uint32Array(2 * Math.min(pages, CHUNK_PAGES));
  for (let page = 0; page < pages; page += CHUNK_PAGES) {
    const count = Math.min(CHUNK_PAGES, pages - page);
    const read = readSync(fd, entries, 0, count * ENTRY_BYTES, (firstPage + page) * ENTRY_BYTES);
    if (read !== count * ENTRY_BYTES) return true;
    for (let index = 0; index < count; index++) {
      const bits = entries[2 * index + 1] ?? 0;
      if ((bits & (PRESENT | SWAPPED)) !== 0 && (bits & OF_FILE) === 0) return true;
    }
  }
  return false;
}
