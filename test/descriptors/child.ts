/** A process of its own, which owns blocks or reads those of its parent. It is told what to do by messages, and answers each. */
import { AnnouncedArenas, type Block, type BlockRead } from '#src/descriptors/index.js';
import { openPool } from './pools.js';
import { type Announcement, announcedFrom, announcementOf } from './wire.js';

export type Order =
  | { readonly kind: 'allocate'; readonly sizeBytes: number; readonly fill: number }
  | { readonly kind: 'fill'; readonly block: number; readonly fill: number }
  | { readonly kind: 'look'; readonly block: number }
  | { readonly kind: 'read'; readonly announcement: Announcement };

const pool = openPool({ limitBytes: 64 * 1024 * 1024, arenaBytes: 1024 * 1024 }, { memory: 'shared' });
const blocks: Block[] = [];
const arenas = new AnnouncedArenas('the parent');
const reads: BlockRead[] = [];

process.on('message', (order: Order) => {
  void obey(order).then((answer) => process.send?.(answer));
});
// Its parent has ended, or has let it go.
process.on('disconnect', () => process.exit(0));
process.send?.('ready');

async function obey(order: Order): Promise<unknown> {
  switch (order.kind) {
    case 'allocate': {
      const block = await pool.allocate(order.sizeBytes);
      block.bytes.fill(order.fill);
      blocks.push(block);
      return announcementOf(block);
    }
    case 'fill':
      blocks[order.block]?.bytes.fill(order.fill);
      return 'done';
    case 'look':
      return blocks[order.block]?.bytes[0];
    case 'read': {
      arenas.announce(announcedFrom(order.announcement));
      const read = arenas.read(order.announcement.location);
      reads.push(read);
      return read.bytes[0];
    }
  }
}
