import type { Address, SystemMemory } from './system-memory.js';

/** Free ranges by their size. They belong to the thread, because a view of one may be left only there. */
const free = new Map<number, Address[]>();

/** A free range of this size, where there is one. Views of its former memory may be left: they will show what is mapped there next. */
export function takeRange(sizeBytes: number): Address | undefined {
  return free.get(sizeBytes)?.pop();
}

/** Replaces the memory of a range by empty memory, and keeps the range for a later mapping of the same size. */
export function retireRange(memory: SystemMemory, address: Address, sizeBytes: number): void {
  memory.retire(address, sizeBytes);
  returnRange(address, sizeBytes);
}

/** Gives back a range that was taken and not mapped. */
export function returnRange(address: Address, sizeBytes: number): void {
  const ranges = free.get(sizeBytes);
  if (ranges === undefined) free.set(sizeBytes, [address]);
  else ranges.push(address);
}
