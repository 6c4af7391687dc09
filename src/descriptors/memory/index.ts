/**
 * Memory in arenas: files without a name that other processes of this host can map, or plain memory. Pools call it. It must never unmap
 * a range that JavaScript has a view of, nor reserve memory that the machine does not have.
 */
export type { Arena, ArenaFile, ArenaSource, MemoryKind } from './arena.js';
export { assertAvailable, availableBytes, cgroupBytes } from './available-memory.js';
export { hostOfProcesses } from './host.js';
export { MappedArena } from './mapped-arena.js';
export { type MemoryChoice, openArenas } from './open-arenas.js';
export { PrivateArenas } from './private-arenas.js';
export { SharedArenas } from './shared-arenas.js';
export { PAGE_BYTES } from './system-memory.js';
