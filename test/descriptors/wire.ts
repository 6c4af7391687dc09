import type { AnnouncedArena, Block, BlockLocation } from '#src/descriptors/index.js';

/** What one process tells another of a block, as JSON. */
export interface Announcement {
  readonly location: BlockLocation;
  readonly sizeBytes: number;
  readonly host: string;
  readonly pid: number;
  readonly fd: number;
  readonly inode: string;
}

export function announcementOf(block: Block): Announcement {
  const { sizeBytes, file } = block.arena;
  if (file === undefined) throw new Error('the block is in private memory');
  return {
    location: block.location,
    sizeBytes,
    host: file.host,
    pid: file.pid,
    fd: file.fd,
    inode: String(file.inode),
  };
}

export function announcedFrom({ location, sizeBytes, host, pid, fd, inode }: Announcement): AnnouncedArena {
  return { arena: location.arena, sizeBytes, file: { host, pid, fd, inode: BigInt(inode) } };
}
