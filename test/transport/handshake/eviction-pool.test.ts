import { expect } from 'chai';
import { randomStream } from '#src/scheduler/index.js';
import { EvictionPool } from '#src/transport/handshake/eviction-pool.js';
import { upTo } from '../../support/numbers.js';

const members = (count: number, from: (index: number) => string): { readonly from: string }[] =>
  upTo(count).map((index) => ({ from: from(index) }));

describe('a pool of connections', () => {
  it('holds as many as it may, and gives back one for each that comes then', () => {
    const pool = new EvictionPool(100, randomStream('1'));
    const all = members(1_000, (index) => `host ${index % 7}`);
    const evicted = all.map((member) => pool.add(member)).filter((each) => each !== undefined);
    expect([pool.size, evicted.length, new Set(evicted).size]).to.deep.equal([100, 900, 900]);
    const left = all.filter((member) => pool.remove(member));
    expect([left.length, pool.size]).to.deep.equal([100, 0]);
    expect(left.some((member) => evicted.includes(member))).to.equal(false);
  });

  it('lets a host that floods push out its own', () => {
    const pool = new EvictionPool(100, randomStream('2'));
    const honest = members(10, (index) => `honest ${index}`);
    for (const member of honest) pool.add(member);
    for (const member of members(10_000, () => 'flood')) pool.add(member);
    expect(honest.every((member) => pool.remove(member))).to.equal(true);
  });

  it('spares nobody and prefers nobody where all come from one host', () => {
    const stays = upTo(400).filter((seed) => {
      const pool = new EvictionPool(100, randomStream(`3 ${seed}`));
      const [honest = { from: '' }] = members(1, () => '');
      pool.add(honest);
      // As many as are evicted come after the pool is full: a share of 1/e stays.
      for (const member of members(199, () => '')) pool.add(member);
      return pool.remove(honest);
    });
    expect(stays.length / 400).to.be.within(0.27, 0.47);
  });
});
