import { expect } from 'chai';
import { BackpressureError, ConfigError, ConsumedError, ResourceError, StoppedError } from '#src/errors.js';
import type { Block } from '#src/descriptors/index.js';
import { limits } from '#src/limits.js';
import { memoryLogger } from '#src/logging/index.js';
import { ManualScheduler } from '#src/scheduler/index.js';
import { exposedGc } from '../support/exposed-gc.js';
import { upTo } from '../support/numbers.js';
import { millraceRejection, rejection } from '../support/rejection.js';
import { until } from '../support/until.js';
import { describeWithSharedMemory, KIB, MIB, openPool } from './pools.js';

/** A pool of 64 KiB in arenas of 32 KiB, on time that a test moves. */
function small(): { pool: ReturnType<typeof openPool>; scheduler: ManualScheduler } {
  const scheduler = new ManualScheduler({ seed: 1 });
  return { pool: openPool({ name: 'small', limitBytes: 64 * KIB, arenaBytes: 32 * KIB }, { scheduler }), scheduler };
}

describe('a pool', () => {
  it('gives writable blocks, which come back at the end of their scope', async () => {
    const { pool } = small();
    {
      using block = await pool.allocate(5_000);
      expect(block.bytes).to.have.length(5_000);
      block.bytes.fill(7);
      expect(pool.statistics).to.include({ usedBytes: 5_000, blocks: 1, reservedBytes: 32 * KIB, arenas: 1 });
      expect(pool.statistics).to.include({ freeBytes: 24 * KIB, largestFreeBytes: 24 * KIB });
    }
    expect(pool.statistics).to.include({ usedBytes: 0, blocks: 0, freeBytes: 32 * KIB, largestFreeBytes: 32 * KIB });
  });

  it('reserves nothing before the first block, and uses memory again', async () => {
    const { pool } = small();
    expect(pool.statistics).to.include({ reservedBytes: 0, arenas: 0, limitBytes: 64 * KIB });
    for (const _ of upTo(100)) (await pool.allocate(16 * KIB)).dispose();
    expect(pool.statistics).to.include({ arenas: 1, waits: 1 });
    pool.trim();
    expect(pool.statistics).to.include({ reservedBytes: 0, arenas: 0 });
  });

  it('gives a large block memory of its own, in which small ones have no place', async () => {
    const { pool } = small();
    const large = await pool.allocate(40 * KIB);
    const little = await pool.allocate(1);
    expect(large.location.arena).to.not.equal(little.location.arena);
    large.dispose();
    const next = await pool.allocate(1);
    expect(next.location.arena).to.equal(little.location.arena);
  });

  it('waits at its limit, and serves those who came first, first', async () => {
    const { pool } = small();
    const all = await pool.allocate(64 * KIB);
    const served: string[] = [];
    const wait = async (name: string, sizeBytes: number): Promise<void> => {
      const block = await pool.allocate(sizeBytes);
      served.push(name);
      block.dispose();
    };
    const waits = [wait('large', 60 * KIB), wait('little', 1), wait('middle', 20 * KIB)];
    expect(pool.statistics).to.include({ waiting: 3 });
    expect(served).to.deep.equal([]);
    all.dispose();
    await Promise.all(waits);
    expect(served).to.deep.equal(['large', 'little', 'middle']);
    expect(pool.statistics).to.include({ waiting: 0, waits: 4, usedBytes: 0 });
  });

  it('fails past the deadline, and says the pool, the limit and the holders', async () => {
    const { pool, scheduler } = small();
    const held = [await pool.allocate(28 * KIB, { origin: 'decoder' }), await pool.allocate(28 * KIB)];
    scheduler.advance(10);
    const late = millraceRejection(pool.allocate(8 * KIB, { timeoutMs: 50 }));
    const short = pool.allocate(2 * KIB);
    scheduler.advance(50);
    const error = await late;
    expect(error).to.be.instanceOf(ResourceError);
    expect(error.message).to.include(
      'The pool "small" had no room for 8192 bytes within 50 ms. Its limit is 65536 bytes',
    );
    expect(error.message).to.include('1 of 28672 bytes from decoder (60 ms)');
    expect(error.message).to.match(/1 of 28672 bytes from .*memory-pool\.test/);
    // The next one has room: it waited behind the one that gave up.
    expect(await short).to.have.property('sizeBytes', 2 * KIB);
    expect(scheduler.pendingTimers).to.equal(0);
    for (const block of held) block.dispose();
  });

  it('ends a wait that is aborted, with the reason of the signal, and needs one listener for many', async () => {
    const { pool } = small();
    const all = await pool.allocate(64 * KIB);
    const abort = new AbortController();
    const waits = upTo(20).map(() => rejection(pool.allocate(1, { signal: abort.signal })));
    const reason = new Error('the request was cancelled');
    abort.abort(reason);
    expect(await Promise.all(waits)).to.deep.equal(upTo(20).map(() => reason));
    expect(await rejection(pool.allocate(1, { signal: abort.signal }))).to.equal(reason);
    expect(pool.statistics).to.include({ waiting: 0 });
    all.dispose();
  });

  it('refuses what can never fit, and sizes that are none', async () => {
    const { pool } = small();
    expect(await rejection(pool.allocate(65 * KIB)))
      .to.be.instanceOf(ResourceError)
      .with.property('message')
      .that.includes('limited to 65536 bytes');
    for (const size of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60]) {
      expect(await rejection(pool.allocate(size))).to.be.instanceOf(ConfigError);
    }
    for (const options of [{ limitBytes: 100 }, { arenaBytes: 0 }, { limitBytes: Number.NaN }, { timeoutMs: -1 }]) {
      expect(() => openPool(options)).to.throw(ConfigError, Object.keys(options)[0]);
    }
    expect((await pool.allocate(0)).bytes).to.have.length(0);
  });

  it('refuses options of a call that are unknown or wrong', async () => {
    const { pool } = small();
    const wrong: readonly (readonly [object, string])[] = [
      [{ timeout: 5 }, 'allocate has no option timeout. Did you mean timeoutMs?'],
      [{ timeoutMs: '5' }, 'timeoutMs of allocate must be a number of milliseconds, not "5"'],
      [{ timeoutMs: -1 }, 'timeoutMs'],
      [{ timeoutMs: Number.NaN }, 'timeoutMs'],
      [{ signal: {} }, 'signal of allocate must be an AbortSignal'],
      [{ origin: 5 }, 'origin of allocate must be a text of whole characters, not 5'],
    ];
    for (const [options, text] of wrong) {
      const error = await rejection(pool.allocate(1, options));
      expect(error).to.be.instanceOf(ConfigError).with.property('message').that.includes(text);
    }
    expect(pool.statistics.blocks).to.equal(0);
  });

  it('refuses more waiting calls than its bound', async () => {
    const { pool, scheduler } = small();
    await pool.allocate(64 * KIB);
    const waits = upTo(limits.poolWaiters).map(() => rejection(pool.allocate(1)));
    expect(await rejection(pool.allocate(1))).to.be.instanceOf(BackpressureError);
    pool.close();
    await Promise.all(waits);
    expect(scheduler.pendingTimers).to.equal(0);
  });

  it('can be resized: a larger limit serves those who wait, a smaller one refuses those who cannot fit', async () => {
    const { pool } = small();
    const blocks = [await pool.allocate(32 * KIB), await pool.allocate(32 * KIB)];
    const waiting = pool.allocate(32 * KIB);
    pool.resize(128 * KIB);
    blocks.push(await waiting);
    const tooLarge = rejection(pool.allocate(60 * KIB));
    pool.resize(32 * KIB);
    expect(await tooLarge)
      .to.be.instanceOf(ResourceError)
      .with.property('message')
      .that.includes('limited to 32768');
    expect(pool.statistics.reservedBytes).to.equal(96 * KIB);
    for (const block of blocks) block.dispose();
    expect(pool.statistics.reservedBytes).to.be.at.most(32 * KIB);
  });

  it('that is closed fails those who wait and those who come', async () => {
    const { pool } = small();
    const block = await pool.allocate(64 * KIB);
    const waiting = rejection(pool.allocate(1));
    pool.close();
    pool.close();
    expect(await waiting)
      .to.be.instanceOf(StoppedError)
      .with.property('message', 'The pool "small" is closed.');
    expect(await rejection(pool.allocate(1))).to.be.instanceOf(StoppedError);
    block.dispose();
    expect(pool.statistics).to.include({ reservedBytes: 0, blocks: 0, waiting: 0 });
  });

  it('that is closed while it reserves memory keeps none', async () => {
    const { pool } = small();
    const waiting = rejection(pool.allocate(1));
    pool.close();
    expect(await waiting).to.be.instanceOf(StoppedError);
    expect(pool.statistics).to.include({ reservedBytes: 0, arenas: 0 });
  });
});

describe('a block', () => {
  it('moves: the old handle is empty, and disposing it is harmless', async () => {
    const { pool } = small();
    const first = await pool.allocate(10);
    first.bytes[0] = 42;
    const second = first.move();
    for (const use of [() => first.bytes, () => first.location, () => first.move(), () => first.share()]) {
      expect(use).to.throw(ConsumedError, 'A block of 10 bytes was used after it was disposed or moved');
    }
    first.dispose();
    expect(second.bytes[0]).to.equal(42);
    second.dispose();
    second.dispose();
    expect(() => second.bytes).to.throw(ConsumedError);
    expect([first.isDisposed, second.isDisposed]).to.deep.equal([true, true]);
    expect(pool.statistics).to.include({ usedBytes: 0, blocks: 0 });
  });

  it('is free when its last handle is disposed', async () => {
    const { pool } = small();
    const first = await pool.allocate(10);
    const second = first.share();
    first.dispose();
    expect(pool.statistics.blocks).to.equal(1);
    second.dispose();
    expect(pool.statistics.blocks).to.equal(0);
  });

  it('is found by any bytes that lie in it, and by none that do not', async () => {
    const { pool } = small();
    using before = await pool.allocate(100);
    using block = await pool.allocate(10_000);
    const inside = block.bytes.subarray(9_000, 9_010);
    using found = pool.blockOf(inside);
    expect(found?.location).to.deep.equal(block.location);
    expect(pool.blockOf(new Uint8Array(10))).to.equal(undefined);
    // Where an empty view ends a block of whole pages, the next block begins.
    using page = await pool.allocate(4_096);
    for (const at of [0, 4_096]) expect(pool.blockOf(page.bytes.subarray(at, at))).to.equal(undefined);
    expect(before.bytes).to.have.length(100);
    const all = new Uint8Array(block.bytes.buffer, block.bytes.byteOffset);
    expect(() => pool.blockOf(all)).to.throw(ConfigError, 'reach past their block of 10000 bytes');
    const stale = before.bytes;
    before.dispose();
    expect(() => pool.blockOf(stale)).to.throw(ConsumedError, 'of the pool "small" that was disposed');
  });

  it('is filled with 0xdb when it is freed, if the pool should find views that are kept', async () => {
    const pool = openPool({ limitBytes: 64 * KIB, poison: true });
    const block = await pool.allocate(100);
    const stale = block.bytes.fill(7);
    block.dispose();
    expect(stale.every((byte) => byte === 0xdb)).to.equal(true);
  });

  it('that is lost is reported with the line that made it', async () => {
    const log = memoryLogger();
    const pool = openPool({ name: 'leaky' }, { log });
    const gc = await exposedGc();
    const lose = async (): Promise<void> => void (await pool.allocate(10));
    const keep = async (): Promise<Block> => (await pool.allocate(10)).move();
    await lose();
    const kept = await keep();
    await until('an alarm', () => {
      gc();
      return pool.statistics.leaks > 0;
    });
    expect(pool.statistics).to.include({ leaks: 1, blocks: 2 });
    expect(log.records).to.have.length(1);
    expect(log.records[0]).to.deep.include({ level: 'warn' });
    expect(log.records[0]?.fields['origin']).to.match(/memory-pool\.test/);
    kept.dispose();
  });
});

describe('the lines that make blocks', () => {
  it('are noted as long as fewer than 2,000 blocks are made in a second, and one in several after that', async () => {
    const scheduler = new ManualScheduler({ seed: 1 });
    const pool = openPool({}, { scheduler });
    const blocks: Block[] = [];
    const make = async (count: number): Promise<void> => {
      for (let made = 0; made < count; made += 1) blocks.push(await pool.allocate(1));
    };
    const counts = (): Record<string, number> =>
      Object.fromEntries(
        pool.holders.map((holder) => [
          holder.origin.includes('memory-pool.test') ? 'noted' : holder.origin,
          holder.blocks,
        ]),
      );
    await make(2_000);
    expect(counts()).to.deep.equal({ noted: 2_000 });
    const rest = 'a line that was not noted, because more than 2000 blocks were made in a second';
    await make(10);
    expect(counts()).to.deep.equal({ noted: 2_000, [rest]: 10 });
    scheduler.advance(1);
    await make(10);
    expect(counts()).to.deep.equal({ noted: 2_002, [rest]: 18 });
    for (const block of blocks) block.dispose();
    pool.close();
  });
});

describeWithSharedMemory('a pool of shared memory', () => {
  it('has sealed memory, of which views stay harmless after it is gone', async () => {
    const pool = openPool({ limitBytes: 4 * MIB, arenaBytes: MIB }, { memory: 'shared' });
    expect(pool.memory).to.deep.equal({ kind: 'shared' });
    const block = await pool.allocate(100_000);
    const view = block.bytes;
    view.fill(9);
    expect(view[99_999]).to.equal(9);
    pool.close();
    expect(view[99_999]).to.equal(0);
    view.fill(1);
    block.dispose();
  });

  it('cannot be transferred away from the other blocks', async () => {
    const pool = openPool({ limitBytes: 4 * MIB, arenaBytes: MIB }, { memory: 'shared' });
    using block = await pool.allocate(10);
    const { buffer } = block.bytes;
    if (!(buffer instanceof ArrayBuffer)) throw new Error('it is no ArrayBuffer');
    const transfer: unknown = Reflect.get(buffer, 'transfer');
    expect(() => Reflect.apply(transfer as () => void, buffer, [])).to.throw(ConfigError, 'Copy: bytes.slice()');
    try {
      structuredClone(buffer, { transfer: [buffer] });
    } catch (error) {
      expect(error).to.be.instanceOf(DOMException);
    }
    expect(block.bytes).to.have.length(10);
    pool.close();
  });
});
