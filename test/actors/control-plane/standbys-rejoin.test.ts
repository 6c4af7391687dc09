import { expect } from 'chai';
import type { RefInit } from '#src/protocol/index.js';
import { endWorlds } from '../transport/partitions.js';
import { until } from '../../support/until.js';
import { type Member, Plane } from './plane.js';

const SERVICE = 'shop.Pricing';

/** An actor of a member: only its reference matters here. */
function actor(cUid: bigint): RefInit {
  return { cUid, service: SERVICE };
}

function standBy({ client }: Member, cUid: bigint): Promise<void> {
  return client.registerName('bank', actor(cUid), { isStandby: true });
}

async function holderSeenBy({ client }: Member): Promise<bigint> {
  return (await client.lookup('bank', SERVICE, 30_000)).cUid;
}

describe('a name that has a holder and standbys', () => {
  afterEach(endWorlds);

  /** Actor 1 has the name, 2 and 3 stand by for it, each in a process of its own. */
  async function cluster() {
    const plane = await Plane.start();
    const members = [await plane.join('a/1'), await plane.join('b/1'), await plane.join('c/1')] as const;
    const observer = await plane.join('z/1');
    const [first, second, third] = members;
    await first.client.registerName('bank', actor(1n));
    await standBy(second, 2n);
    await standBy(third, 3n);
    return { plane, members, first, second, third, observer };
  }

  type Cluster = Awaited<ReturnType<typeof cluster>>;

  /** The control plane starts anew, and hears those of `late` last, in this order. */
  async function restart({ plane, members, observer }: Cluster, ...late: string[]): Promise<void> {
    const all = [...members.filter(({ client }) => !client.isOver), observer];
    const before = all.map(({ rejoined }) => rejoined.length);
    const losses = all.map(({ degraded }) => degraded.length);
    plane.crash();
    await until('all to notice', () => all.every(({ degraded }, index) => degraded.length > (losses[index] ?? 0)));
    plane.world.network.partition(late, ['server']);
    await plane.restart();
    for (let heard = 1; heard <= late.length; heard++) {
      await plane.world.pass(700);
      plane.world.network.heal();
      plane.world.network.partition(late.slice(heard), ['server']);
    }
    await until('all to rejoin', () => all.every(({ rejoined }, index) => rejoined.length > (before[index] ?? 0)));
  }

  for (const late of [['a'], ['b'], ['b', 'a'], ['a', 'b'], ['c', 'a']]) {
    it(`keeps them in their order when the control plane starts anew and hears ${late.join(' and then ')} last`, async () => {
      const all = await cluster();
      const { first, second, third, observer } = all;
      await restart(all, ...late);
      expect(await holderSeenBy(observer)).to.equal(1n);
      await first.client.disconnect();
      expect(await holderSeenBy(observer)).to.equal(2n);
      await second.client.disconnect();
      expect(await holderSeenBy(observer)).to.equal(3n);
      expect([first, second, third].flatMap(({ refused }) => refused)).to.deep.equal([]);
    });
  }

  it('is looked up during a recovery only when its holder is known', async () => {
    const all = await cluster();
    const { plane, members, second, observer } = all;
    plane.crash();
    await until('all to notice', () => members.every(({ degraded }) => degraded.length === 1));
    plane.world.network.partition(['a'], ['server']);
    await plane.restart();
    const looked = holderSeenBy(observer);
    const found: bigint[] = [];
    void looked.then((cUid) => found.push(cUid));
    await plane.world.pass(1_000);
    expect([second.degraded.length, found]).to.deep.equal([1, []]);
    plane.world.network.heal();
    expect(await looked).to.equal(1n);
  });

  it('keeps a holder that has followed on another, again and again', async () => {
    const all = await cluster();
    const { first, second, observer } = all;
    await first.client.disconnect();
    expect(await holderSeenBy(observer)).to.equal(2n);
    await standBy(observer, 4n);
    await restart(all, 'b');
    expect(await holderSeenBy(observer)).to.equal(2n);
    await second.client.disconnect();
    await restart(all, 'c');
    expect(await holderSeenBy(observer)).to.equal(3n);
  });

  it('goes to the first standby when its holder has ended with the control plane', async () => {
    const all = await cluster();
    const { plane, members, observer } = all;
    plane.crash();
    plane.world.network.crash('a');
    await until('all to notice', () => members.slice(1).every(({ degraded }) => degraded.length === 1));
    await plane.restart();
    expect(await holderSeenBy(observer)).to.equal(2n);
  });

  it('stays with the standby that has got it while its holder was cut off, also through a restart', async () => {
    const all = await cluster();
    const { plane, first, second, third, observer } = all;
    await first.client.disconnect();
    plane.world.network.partition(['b'], ['server', 'c', 'z']);
    while ((await holderSeenBy(observer)) !== 3n) await plane.world.pass(100);
    plane.world.network.heal();
    await until('it to rejoin', () => second.rejoined.length === 1);
    expect(await holderSeenBy(observer)).to.equal(3n);
    await restart(all, 'c');
    expect(await holderSeenBy(observer)).to.equal(3n);
    await third.client.disconnect();
    expect(await holderSeenBy(observer)).to.equal(2n);
  });

  it('is followed through a restart, which is no change of its holder', async () => {
    const all = await cluster();
    const { first, observer } = all;
    const { signal } = new AbortController();
    const holder = await observer.client.followName('bank', undefined, signal);
    expect(holder?.cUid).to.equal(1n);
    const next = observer.client.followName('bank', { ref: holder }, signal);
    await restart(all, 'a');
    await first.client.disconnect();
    expect((await next)?.cUid).to.equal(2n);
  });
});
