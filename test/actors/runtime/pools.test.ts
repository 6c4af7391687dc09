import { expect } from 'chai';
import { ConfigError, Executor, Runtime, StoppedError } from '#src/index.js';
import { rejection } from '../../support/rejection.js';

describe('a pool of a runtime', () => {
  it('has an id of its own, gives blocks, and is closed with the runtime', async () => {
    const runtime = await Runtime.start({ logLevel: 'error' });
    const pools = [runtime.createPool({ name: 'frames', limitBytes: 1024 * 1024 }), runtime.createPool()];
    expect(new Set(pools.map(({ mUid }) => mUid)).size).to.equal(2);
    const [frames] = pools;
    const block = await frames?.allocate(100_000);
    block?.bytes.fill(7);
    expect(frames?.statistics).to.include({ blocks: 1, usedBytes: 100_000, limitBytes: 1024 * 1024 });
    const full = rejection(frames?.allocate(1024 * 1024) ?? Promise.resolve());
    await runtime.stop();
    expect(await full).to.be.instanceOf(StoppedError);
    expect(frames?.statistics).to.include({ reservedBytes: 0, waiting: 0 });
    expect(() => runtime.createPool()).to.throw(StoppedError, 'A pool cannot start');
  });

  it('refuses options that it does not know, or that are out of range', async () => {
    const runtime = await Runtime.start({ logLevel: 'error' });
    expect(() => runtime.createPool({ limitByte: 5 } as never)).to.throw(ConfigError, 'limitByte');
    expect(() => runtime.createPool({ limitBytes: 5 })).to.throw(ConfigError, 'limitBytes');
    await runtime.stop();
  });

  it('waits in virtual time, on private memory', async () => {
    await using executor = new Executor({ seed: 7 });
    const runtime = await executor.start();
    const pool = runtime.createPool({ limitBytes: 1024 * 1024 });
    expect(pool.memory.kind).to.equal('private');
    using block = await pool.allocate(1024 * 1024);
    const before = runtime.scheduler.now();
    const error = await rejection(pool.allocate(1, { timeoutMs: 60_000 }));
    expect(error).to.have.property('message').that.includes('within 60000 ms');
    expect(runtime.scheduler.now() - before).to.be.at.least(60_000);
    expect(block.sizeBytes).to.equal(1024 * 1024);
  });
});
