import { readFileSync } from 'node:fs';

/** Used where the kernel does not report its limit: the default of macOS, the smallest of the common systems. */
const UNKNOWN = 256;

/** The number of files, sockets included, that this process may have open at a time. */
export function openFilesLimit(): number {
  try {
    const [, soft] = /^Max open files +(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? [];
    return soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft ?? UNKNOWN);
  } catch {
    return UNKNOWN;
  }
}
