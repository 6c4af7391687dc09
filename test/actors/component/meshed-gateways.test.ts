import { expect } from 'chai';
import fc from 'fast-check';
import { GatewayPool } from '#src/actors/component/gateway/gateway-pool.js';
import { isOpen, type KnownLoad, nearerByOthers } from '#src/actors/component/network/spill-order.js';
import { CapacityError } from '#src/errors.js';
import { rejection } from '../../support/rejection.js';
import { closeAfterEach, Cluster } from '../runtime/harness.js';
import { Listing } from '../transport/errands.js';
import { JoinedNetworks, NEWS_MS } from './joined-networks.js';

/** Longer than a test lasts, in virtual ms. */
const LONG_MS = 10_000_000;

describe('gateways in a mesh', () => {
  closeAfterEach();
  /** Requests that gateways were asked to find a container for. */
  let asked = 0;
  const { prototype } = GatewayPool;
  const acquire = Object.getOwnPropertyDescriptor(prototype, 'acquire') ?? {};
  beforeEach(() => {
    asked = 0;
    const call: unknown = acquire.value;
    if (typeof call !== 'function') throw new Error('a gateway has a method acquire');
    const counted = function (this: GatewayPool, request: unknown): unknown {
      asked++;
      return Reflect.apply(call, this, [request]);
    };
    Object.defineProperty(prototype, 'acquire', { ...acquire, value: counted });
  });
  afterEach(() => void Object.defineProperty(prototype, 'acquire', acquire));

  it('ask in each network once for a request that none has a container for, also in a full mesh', async () => {
    const world = new JoinedNetworks(new Cluster());
    const names: string[] = [];
    const busy: Promise<unknown>[] = [];
    const first = await world.serving('n0', 1);
    const client = await first.client(Listing);
    const hold = async (network: typeof first): Promise<void> => {
      const own = await network.client(Listing);
      busy.push(own.run({ value: LONG_MS }, { only: 'local', timeoutMs: 2 * LONG_MS }).catch(() => {}));
    };
    await hold(first);
    names.push('n0');
    for (let count = 2; count <= 8; count++) {
      const name = `n${names.length}`;
      await hold(await world.serving(name, 1));
      for (const other of names) await world.gateway([other, name]);
      names.push(name);
      await world.cluster.pass(NEWS_MS);
      asked = 0;
      const error = await rejection(client.run({ value: 1 }, { within: 20 }));
      expect(error).to.be.instanceOf(CapacityError);
      // As many as there are other networks: each gateway of the first network leads to one.
      expect(asked, `${count} networks`).to.equal(count - 1);
    }
    // What is free is found, in the farthest network too.
    const last = await world.serving('n7', 1, 'another');
    await world.cluster.pass(NEWS_MS);
    expect((await client.run({ value: 1 }, { within: 20 })).value).to.equal(1);
    await last.close();
  }).timeout(60_000);

  it('lead by a longer way where the nearer gateway takes no request', async () => {
    const world = new JoinedNetworks(new Cluster());
    const near = await world.serving('shop', 0);
    await world.serving('road', 0);
    await world.serving('depot', 3);
    await world.gateway(['shop', 'depot'], { requests: 1 });
    await world.gateway(['shop', 'road']);
    await world.gateway(['road', 'depot']);
    await world.cluster.pass(NEWS_MS);
    const client = await near.client(Listing);
    const first = client.run({ value: 500 });
    await world.cluster.pass(100);
    expect((await client.run({ value: 1 }, { within: 20 })).value).to.equal(1);
    expect((await client.run({ value: 1 })).value).to.equal(1);
    await first;
  });
});

describe('the networks to which others are nearer', () => {
  const names = ['a', 'b', 'c', 'd'] as const;
  const path = fc.uniqueArray(fc.constantFrom(...names), { minLength: 1, maxLength: 3 });
  const gateway = fc.uniqueArray(path, { maxLength: 4, selector: (each) => each.at(-1) }).map((paths): KnownLoad => {
    const counts = { containers: 1, idle: 0, waiting: 0 };
    return { distance: 'gateway', ...counts, reached: paths.map((each) => ({ path: each, ...counts })) };
  });

  it('are all that are reached, but for those of which the gateway is the nearest', () => {
    fc.assert(
      fc.property(fc.array(gateway, { minLength: 1, maxLength: 4 }), fc.subarray([...names]), (gateways, shut) => {
        const bounds = { through: [], shut: new Set(shut) };
        const hopsTo = (target: string, { reached }: KnownLoad): number =>
          Math.min(
            Number.POSITIVE_INFINITY,
            ...reached
              .filter((way) => way.path.at(-1) === target && isOpen(way.path, bounds))
              .map((way) => way.path.length),
          );
        for (const target of names) {
          const hops = gateways.map((each) => hopsTo(target, each));
          const least = Math.min(...hops);
          gateways.forEach((each, index) => {
            const isFar = (hops[index] ?? 0) > least;
            expect(nearerByOthers(each, gateways, bounds).has(target)).to.equal(isFar);
          });
        }
      }),
    );
  });
});
