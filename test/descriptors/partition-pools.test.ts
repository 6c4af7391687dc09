import { expect } from 'chai';
import { Pools } from '#src/descriptors/index.js';
import { ConfigError, StoppedError } from '#src/errors.js';
import { CUidAllocator, placeOfMUid } from '#src/ids/index.js';
import { silentLogger } from '#src/logging/index.js';
import { ManualScheduler, RealScheduler, type Scheduler } from '#src/scheduler/index.js';
import { rejection } from '../support/rejection.js';
import { MIB } from './pools.js';

describe('the pools of a partition', () => {
  const open = (scheduler: Scheduler = new RealScheduler()): Pools => {
    const ids = new CUidAllocator(17);
    return new Pools({ ids: () => ids, scheduler, log: silentLogger });
  };

  it('have the conventional ids of their node and of its users', () => {
    const pools = open();
    expect(placeOfMUid(pools.ofNode(3).mUid)).to.deep.equal({ role: 'nodeDefault', index: 3n });
    expect(placeOfMUid(pools.ofLogging(3).mUid)).to.deep.equal({ role: 'nodeLogging', index: 3n });
    expect(pools.ofNode(3)).to.equal(pools.ofNode(3));
    const own = [pools.create({ name: 'frames' }), pools.create()];
    expect(own.map(({ mUid }) => placeOfMUid(mUid)?.role)).to.deep.equal(['user', 'user']);
    expect(new Set(pools.all.map(({ mUid }) => mUid)).size).to.equal(4);
    expect(own.map(({ name }) => name)).to.deep.equal(['frames', 'user 17:1']);
    expect(pools.ofNode(3).name).to.equal('node default 3');
    expect(() => pools.create({ limitBytes: 1 })).to.throw(ConfigError);
    expect(() => pools.create({ name: 5 as never })).to.throw(ConfigError, 'The name of a pool is 5');
    own[0]?.close();
    expect(pools.all).to.have.length(3);
    pools.close();
  });

  it('number their arenas together, and close together', async () => {
    const pools = open();
    const [mine, other] = [pools.create({ limitBytes: MIB }), pools.create({ limitBytes: MIB })];
    const arenas = [(await mine.allocate(1)).location.arena, (await other.allocate(1)).location.arena];
    expect(new Set(arenas).size).to.equal(2);
    pools.close();
    pools.close();
    for (const pool of [mine, other]) expect(await rejection(pool.allocate(1))).to.be.instanceOf(StoppedError);
    expect(pools.all).to.deep.equal([]);
  });

  it('have private memory where time is virtual', () => {
    const scheduler = new ManualScheduler({ seed: 1 });
    expect(open(scheduler).create().memory.kind).to.equal('private');
  });
});
