import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, ftruncateSync, openSync, readdirSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { Worker } from 'node:worker_threads';
import { expect } from 'chai';
import { AnnouncedArenas, type AnnouncedArena, type MemoryPool, PAGE_BYTES } from '#src/descriptors/index.js';
import { systemMemory } from '#src/descriptors/memory/system-memory.js';
import { ProtocolError, ResourceError, UnreachableError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import { upTo } from '../support/numbers.js';
import { Children } from './children.js';
import { heldBy } from './held-by.js';
import { describeWithSharedMemory, MIB, openPool } from './pools.js';
import { announcedFrom, announcementOf } from './wire.js';

describeWithSharedMemory('a block of another process', () => {
  let children: Children;

  beforeEach(() => {
    children = new Children();
  });

  afterEach(async () => {
    await children.end();
    expect(heldBy('self')).to.deep.equal({ files: 0, mappings: 0 });
  });

  it('is read in place: what its owner writes later appears', async () => {
    const owner = await children.start();
    const announcement = await owner.allocate(100_000, 5);
    const arenas = new AnnouncedArenas('the child');
    arenas.announce(announcedFrom(announcement));
    const read = arenas.read(announcement.location);
    expect(read.bytes).to.have.length(100_000);
    expect(read.bytes.every((byte) => byte === 5)).to.equal(true);
    await owner.tell({ kind: 'fill', block: 0, fill: 6 });
    expect(read.bytes.every((byte) => byte === 6)).to.equal(true);
    read[Symbol.dispose]();
    arenas.close();
  });

  it('cannot be changed by its reader, whose writes are gone when it has disposed it', async () => {
    const owner = await children.start();
    const announcement = await owner.allocate(3 * PAGE_BYTES, 5);
    const arenas = new AnnouncedArenas('the child');
    arenas.announce(announcedFrom(announcement));
    const read = arenas.read(announcement.location);
    read.bytes.fill(99);
    expect(await owner.tell({ kind: 'look', block: 0 })).to.equal(5);
    read[Symbol.dispose]();
    read[Symbol.dispose]();
    const again = arenas.read(announcement.location);
    expect(again.bytes.every((byte) => byte === 5)).to.equal(true);
    await owner.tell({ kind: 'fill', block: 0, fill: 7 });
    expect(again.bytes.every((byte) => byte === 7)).to.equal(true);
    again[Symbol.dispose]();
    arenas.close();
  });

  it('shows what its owner wrote wherever a reader wrote before, however many were read since', async () => {
    const owner = await children.start();
    const first = await owner.allocate(3 * PAGE_BYTES, 5);
    const second = await owner.allocate(2 * PAGE_BYTES, 6);
    const arenas = new AnnouncedArenas('the child');
    for (const { announced } of [first, second].map((each) => ({ announced: announcedFrom(each) })))
      arenas.announce(announced);
    const keeper = arenas.read(second.location);
    const spoil = (): void => {
      for (const { location } of [first, second]) {
        using read = arenas.read(location);
        read.bytes.fill(99);
      }
    };
    spoil();
    spoil();
    for (const [{ location }, fill] of [
      [first, 5],
      [second, 6],
    ] as const) {
      using read = arenas.read(location);
      expect(read.bytes.every((byte) => byte === fill)).to.equal(true);
    }
    expect(keeper.bytes.every((byte) => byte === 6)).to.equal(true);
    keeper[Symbol.dispose]();
    arenas.close();
  });

  it('shares one mapping with all others of its arena', async () => {
    const owner = await children.start();
    const arenas = new AnnouncedArenas('the child');
    const reads = [];
    for (const fill of upTo(20)) {
      const announcement = await owner.allocate(10_000, fill);
      arenas.announce(announcedFrom(announcement));
      reads.push(arenas.read(announcement.location));
    }
    expect(heldBy('self')).to.deep.equal({ files: 0, mappings: 1 });
    expect(reads.map(({ bytes }) => bytes[9_999])).to.deep.equal(upTo(20));
    for (const read of reads) read[Symbol.dispose]();
    arenas.close();
  });

  it('stays readable when its owner is killed, until it is disposed; no other can be opened', async () => {
    const owner = await children.start();
    const [first, second] = [await owner.allocate(100_000, 5), await owner.allocate(2 * MIB, 6)];
    const arenas = new AnnouncedArenas('the child');
    for (const announcement of [first, second]) arenas.announce(announcedFrom(announcement));
    const read = arenas.read(first.location);
    await owner.kill();
    expect(read.bytes.every((byte) => byte === 5)).to.equal(true);
    expect(() => arenas.read(second.location)).to.throw(UnreachableError, 'the process has ended');
    arenas.close();
    expect(read.bytes.every((byte) => byte === 5)).to.equal(true);
    const stale = read.bytes;
    read[Symbol.dispose]();
    expect(heldBy('self')).to.deep.equal({ files: 0, mappings: 0 });
    expect(stale[0]).to.equal(0);
    expect(() => arenas.read(first.location)).to.throw(UnreachableError, 'the child has ended');
  });

  it('belongs to its owner alone when its reader is killed', async () => {
    const pool = openPool({ limitBytes: 4 * MIB, arenaBytes: MIB }, { memory: 'shared' });
    const block = await pool.allocate(100_000);
    block.bytes.fill(8);
    const reader = await children.start();
    expect(await reader.tell({ kind: 'read', announcement: announcementOf(block) })).to.equal(8);
    expect(heldBy(reader.pid)).to.deep.equal({ files: 0, mappings: 1 });
    await reader.kill();
    expect(block.bytes.every((byte) => byte === 8)).to.equal(true);
    block.dispose();
    pool.trim();
    expect(heldBy('self')).to.deep.equal({ files: 0, mappings: 0 });
    pool.close();
  });

  it('goes with the worker thread that made or mapped it, however that ends', async () => {
    for (const how of ['return', 'exit', 'throw']) {
      const thread = new Worker(new URL('thread.js', import.meta.url), { workerData: how });
      let failure = '';
      thread.on('error', ({ message }) => (failure = message));
      await new Promise((resolve) => thread.once('exit', resolve));
      expect(failure).to.equal(how === 'throw' ? 'as it was told' : '');
      expect(heldBy('self'), how).to.deep.equal({ files: 0, mappings: 0 });
    }
  });

  it('is not inherited by the programs that its owner starts', async () => {
    const pool = openPool({ limitBytes: 4 * MIB, arenaBytes: MIB }, { memory: 'shared' });
    await pool.allocate(1);
    const child = spawn('sleep', ['60']);
    await once(child, 'spawn');
    expect(heldBy('self').files).to.equal(1);
    expect(heldBy(child.pid ?? 0).files).to.equal(0);
    child.kill();
    await once(child, 'exit');
    pool.close();
  });
});

describeWithSharedMemory('what a peer says of its blocks', () => {
  let pool: MemoryPool;
  let announced: AnnouncedArena;
  let offset = 0;

  beforeEach(async () => {
    pool = openPool({ limitBytes: 4 * MIB, arenaBytes: MIB }, { memory: 'shared' });
    const block = await pool.allocate(10_000);
    const { arena, ...location } = block.location;
    offset = location.offset;
    announced = announcedFrom(announcementOf(block));
    expect(announced.arena).to.equal(arena);
  });

  afterEach(() => pool.close());

  it('is refused for bytes outside of the arena, and for arenas that were not announced', () => {
    const arenas = new AnnouncedArenas('the peer');
    arenas.announce(announced);
    const { arena } = announced;
    const bad = [
      { arena, offset: 0, sizeBytes: MIB + 1 },
      { arena, offset: MIB, sizeBytes: 1 },
      { arena, offset: -1, sizeBytes: 10 },
      { arena, offset: 0, sizeBytes: -1 },
      { arena, offset: 1.5, sizeBytes: 1 },
      { arena, offset: Number.NaN, sizeBytes: 1 },
      { arena, offset: 2 ** 53, sizeBytes: 1 },
      { arena: arena + 1, offset: 0, sizeBytes: 1 },
    ];
    for (const location of bad) expect(() => arenas.read(location)).to.throw(ProtocolError, 'the peer named');
    arenas.read({ arena, offset, sizeBytes: 0 })[Symbol.dispose]();
    arenas.read({ arena, offset: MIB, sizeBytes: 0 })[Symbol.dispose]();
    arenas.close();
  });

  it('is refused for arenas that cannot be, that change, and that are too many', () => {
    const arenas = new AnnouncedArenas('the peer');
    for (const sizeBytes of [0, -PAGE_BYTES, 100, Number.NaN, 2 ** 60]) {
      expect(() => arenas.announce({ ...announced, sizeBytes })).to.throw(ProtocolError, 'the peer announced arena');
    }
    for (const file of [
      { ...announced.file, pid: -1 },
      { ...announced.file, fd: 2 ** 31 },
    ]) {
      expect(() => arenas.announce({ ...announced, file })).to.throw(ProtocolError);
    }
    arenas.announce(announced);
    arenas.announce(announced);
    expect(() => arenas.announce({ ...announced, sizeBytes: 2 * MIB })).to.throw(
      ProtocolError,
      'with other properties',
    );
    for (const id of upTo(limits.announcedArenas - 1)) arenas.announce({ ...announced, arena: 1_000 + id });
    expect(() => arenas.announce({ ...announced, arena: 999 })).to.throw(ProtocolError, 'has announced 4096 already');
    arenas.close();
  });

  it('is refused for files that are no arena of this size, sealed and complete', async () => {
    const system = systemMemory();
    const unsealed = system.createFile('unsealed');
    ftruncateSync(unsealed, MIB);
    await system.reserve(unsealed, MIB);
    const sparse = system.createFile('sparse');
    ftruncateSync(sparse, MIB);
    system.seal(sparse);
    const short = system.createFile('short');
    ftruncateSync(short, PAGE_BYTES);
    const plain = openSync('package.json', 'r');
    const folder = openSync('.', 'r');
    const device = openSync('/dev/zero', 'r');
    const server = createServer().listen(0);
    await once(server, 'listening');
    const socket = readdirSync('/proc/self/fd').find((fd) => isSocket(fd));
    const sizes = new Map([[plain, fstatSync(plain).size]]);
    const fds = [unsealed, sparse, short, plain, folder, device];
    for (const fd of [...fds, Number(socket)]) {
      const inode = fstatSync(fd, { bigint: true }).ino;
      const arenas = new AnnouncedArenas('the peer');
      // Rounded, because other sizes are refused before.
      const sizeBytes = Math.ceil((sizes.get(fd) ?? MIB) / PAGE_BYTES) * PAGE_BYTES;
      arenas.announce({ arena: 1, sizeBytes, file: { ...announced.file, fd, inode } });
      expect(() => arenas.read({ arena: 1, offset: 0, sizeBytes: 1 }), String(fd)).to.throw(
        ProtocolError,
        `Descriptor ${fd} of process ${process.pid} is not the arena that was announced`,
      );
    }
    server.close();
    for (const fd of fds) closeSync(fd);
  });

  it('is refused for another arena than the one that was announced, and for none', () => {
    const wrong = (file: Partial<AnnouncedArena['file']>): (() => unknown) => {
      const arenas = new AnnouncedArenas('the peer');
      arenas.announce({ ...announced, file: { ...announced.file, ...file } });
      return () => arenas.read({ arena: announced.arena, offset: 0, sizeBytes: 1 });
    };
    expect(wrong({ inode: announced.file.inode + 1n })).to.throw(ProtocolError, 'it is another file');
    expect(wrong({ host: 'elsewhere' })).to.throw(ResourceError, 'in another PID namespace');
    expect(wrong({ fd: 1_000_000 })).to.throw(UnreachableError, 'is gone');
    expect(wrong({ pid: 2 ** 31 - 1 })).to.throw(UnreachableError, 'is gone');
  });
});

function isSocket(fd: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:');
  } catch {
    return false;
  }
}
