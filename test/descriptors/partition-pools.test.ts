import { expect } from 'chai';
import { Pools } from '#src/descriptors/index.js';
import { ConfigError, StoppedError } from '#src/errors.js';
import { CUidAllocator, placeOfMUid } from '#src/ids/index.js';
import { silentLogger } from '#src/logging/index.js';
import { RealScheduler } from '#src/scheduler/index.js';
import { rejection } from '../support/rejection.js';
import { MIB } from './pools.js';

describe('the pools of a partition', () => {
  const open = (): Pools =>
    new Pools({
      node: 3,
      ids: new CUidAllocator(17),
      scheduler: new RealScheduler(),
      log: silentLogger,
      memory: 'private',
    });

  it('have the conventional ids of their node and of its users', () => {
    const pools = open();
    expect(placeOfMUid(pools.default.mUid)).to.deep.equal({ role: 'nodeDefault', index: 3n });
    expect(placeOfMUid(pools.logging.mUid)).to.deep.equal({ role: 'nodeLogging', index: 3n });
    const own = [pools.create({ name: 'frames' }), pools.create()];
    expect(own.map(({ mUid }) => placeOfMUid(mUid)?.role)).to.deep.equal(['user', 'user']);
    expect(new Set(pools.all.map(({ mUid }) => mUid)).size).to.equal(4);
    expect(own.map(({ name }) => name)).to.deep.equal(['frames', 'user 17:1']);
    expect(pools.default.name).to.equal('node default 3');
    expect(() => pools.create({ limitBytes: 1 })).to.throw(ConfigError);
    pools.close();
  });

  it('number their arenas together, and close together', async () => {
    const pools = open();
    const mine = pools.create({ limitBytes: MIB });
    const arenas = [(await pools.default.allocate(1)).location.arena, (await mine.allocate(1)).location.arena];
    expect(new Set(arenas).size).to.equal(2);
    pools.close();
    pools.close();
    for (const pool of [pools.default, pools.logging, mine]) {
      expect(await rejection(pool.allocate(1))).to.be.instanceOf(StoppedError);
    }
    expect(pools.all).to.deep.equal([]);
  });
});
