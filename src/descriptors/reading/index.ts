/**
 * Reading blocks of other processes of this host in place. Who receives descriptors calls it. It must never trust a location, a file or a size that a
 * peer has named.
 */
export { type AnnouncedArena, AnnouncedArenas, type BlockRead } from './announced-arenas.js';
