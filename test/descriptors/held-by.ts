import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Files of arenas that a process has open, and mappings of them. */
export function heldBy(pid: number | 'self'): { readonly files: number; readonly mappings: number } {
  const isArena = (fd: string): boolean => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`).includes('millrace-arena');
    } catch {
      // The descriptor of the listing itself.
      return false;
    }
  };
  const maps = readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n');
  return {
    files: readdirSync(`/proc/${pid}/fd`).filter(isArena).length,
    mappings: maps.filter((line) => line.includes('millrace-arena')).length,
  };
}
