/** A worker thread that allocates and reads a block, and ends as it is told, without closing anything. */
import { workerData } from 'node:worker_threads';
import { AnnouncedArenas } from '#src/descriptors/index.js';
import { MIB, openPool } from './pools.js';
import { announcedFrom, announcementOf } from './wire.js';

const pool = openPool({ limitBytes: 4 * MIB, arenaBytes: MIB }, { memory: 'shared' });
const block = await pool.allocate(100_000);
block.bytes.fill(3);
const announcement = announcementOf(block);
const arenas = new AnnouncedArenas('this thread');
arenas.announce(announcedFrom(announcement));
const read = arenas.read(announcement.location);
if (read.bytes[99_999] !== 3) throw new Error('garbage');
if (workerData === 'exit') process.exit(0);
if (workerData === 'throw') throw new Error('as it was told');
