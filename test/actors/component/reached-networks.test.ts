import { expect } from 'chai';
import fc from 'fast-check';
import { type Distance, isOpen, type KnownLoad, spillOrder } from '#src/actors/component/network/spill-order.js';
import { isThrough, reachedIn, reportedInto, summed } from '#src/actors/component/network/reached-networks.js';
import { limits } from '#src/limits.js';
import { decode, encode, v1 } from '#src/protocol/index.js';

const NAMES = ['a', 'b', 'c', 'd', 'e'] as const;
const name: fc.Arbitrary<string> = fc.constantFrom(...NAMES);
const path = fc.uniqueArray(name, { minLength: 1, maxLength: 5 });
const counts = { containers: fc.nat(5), idle: fc.nat(5), waiting: fc.nat(5) };
const way = fc.record({ path, ...counts });
const pool: fc.Arbitrary<KnownLoad> = fc
  .record({
    distance: fc.constantFrom<Distance>('process', 'node', 'network', 'gateway'),
    reached: fc.array(way, { maxLength: 4 }),
    ...counts,
  })
  .map((each) => (each.distance === 'gateway' ? each : { ...each, reached: [] }));

describe('the order in which pools are asked, with gateways', () => {
  it('has those last, only for requests that may leave, and none that leads only where a request has been', () => {
    const reach = fc.constantFrom('local' as const, 'network' as const, 'any' as const);
    fc.assert(
      fc.property(
        fc.array(pool),
        reach,
        fc.uniqueArray(name, { maxLength: 3 }),
        fc.nat(),
        (pools, only, through, turn) => {
          const order = spillOrder(pools, { only, through }, turn);
          const firstGateway = order.findIndex(({ distance }) => distance === 'gateway');
          const behind = firstGateway === -1 ? [] : order.slice(firstGateway);
          expect(behind.every(({ distance }) => distance === 'gateway')).to.equal(true);
          if (only !== 'any') expect(behind).to.deep.equal([]);
          const leads = ({ reached }: KnownLoad): boolean =>
            reached.length === 0 || reached.some((each) => each.path.every((network) => !through.includes(network)));
          expect(behind.every(leads)).to.equal(true);
          const gateways = only === 'any' ? pools.filter((each) => each.distance === 'gateway' && leads(each)) : [];
          expect(behind).to.have.members(gateways);
          const hops = behind.map(({ reached }) =>
            Math.min(
              ...reached
                .filter((each) => each.idle > 0 && isOpen(each.path, { through }))
                .map((each) => each.path.length),
            ),
          );
          expect(hops).to.deep.equal([...hops].sort((one, other) => (one === other ? 0 : one - other)));
        },
      ),
    );
  });
});

describe('what a gateway reports', () => {
  const networks = fc.uniqueArray(fc.record({ name, pools: fc.array(pool, { maxLength: 5 }) }), {
    selector: (each) => each.name,
    maxLength: 3,
  });

  it('leads to each network once, by no network twice, and not by the one that it is reported to', () => {
    fc.assert(
      fc.property(name, networks, (into, all) => {
        const others = all.filter((each) => each.name !== into);
        const reached = reportedInto(into, others);
        const targets = reached.map((each) => each.path.at(-1));
        expect(new Set(targets).size).to.equal(targets.length);
        for (const each of reached) {
          expect(each.path).to.not.include(into);
          expect(isThrough(each.path)).to.equal(true);
          expect(others.map((each) => each.name)).to.include(each.path[0]);
        }
        // What one gateway reports, another one accepts.
        const load = v1.GatewayLoad.create({ network: into, version: 1, reached: [...reached] });
        expect(reachedIn(load)).to.have.length(reached.length);
      }),
    );
  });

  it('has the containers of the pools of a network, and not those behind gateways, as those of that network', () => {
    fc.assert(
      fc.property(fc.array(pool, { minLength: 1 }), (pools) => {
        const own = pools.filter(({ distance }) => distance !== 'gateway');
        const there = reportedInto('a', [{ name: 'b', pools }]).find((each) => each.path.length === 1);
        if (own.length === 0) expect(there).to.equal(undefined);
        else expect(there).to.deep.equal({ path: ['b'], ...summed(own) });
      }),
    );
  });

  it('settles in any graph of networks: from each the shortest way to each is known, and none to one that serves no more', () => {
    const edges = fc.uniqueArray(
      fc.tuple(name, name).filter(([one, other]) => one !== other),
      {
        selector: ([one, other]) => [one, other].toSorted().join(),
        maxLength: 8,
      },
    );
    fc.assert(
      fc.property(edges, fc.array(name, { maxLength: 4 }), (gateways, serving) => {
        const before = settled(gateways, new Set([...serving, 'e']), new Map());
        expectShortest(gateways, new Set([...serving, 'e']), before);
        const after = settled(gateways, new Set(serving), before);
        expectShortest(gateways, new Set(serving), after);
      }),
    );
  });
});

type Reports = ReadonlyMap<string, ReturnType<typeof reportedInto>>;
type Edge = readonly [string, string];

const keyOf = (gateway: Edge, into: string): string => `${gateway.join()} into ${into}`;

/** What all gateways report when they have heard each other often enough. */
function settled(gateways: readonly Edge[], serving: ReadonlySet<string>, from: Reports): Reports {
  let reports = from;
  for (let round = 0; round < 2 * limits.networkGatewayHops; round++) {
    const known = reports;
    reports = new Map(
      gateways.flatMap((gateway) =>
        gateway.map((into, index) => {
          const other = gateway[1 - index] ?? '';
          const peers = gateways.filter((each) => each !== gateway && each.includes(other));
          const own: KnownLoad = { distance: 'network', containers: 1, idle: 1, waiting: 0, reached: [] };
          const pools = peers.map(
            (peer): KnownLoad => ({ ...own, distance: 'gateway', reached: known.get(keyOf(peer, other)) ?? [] }),
          );
          const there = { name: other, pools: serving.has(other) ? [own, ...pools] : pools };
          return [keyOf(gateway, into), reportedInto(into, [there])] as const;
        }),
      ),
    );
  }
  return reports;
}

/** One gateway may know no way: where the best one of the next goes by `into`, another gateway of `into` is nearer. */
function expectShortest(gateways: readonly Edge[], serving: ReadonlySet<string>, reports: Reports): void {
  for (const into of NAMES) {
    const best = new Map<string, number>();
    for (const gateway of gateways.filter((each) => each.includes(into))) {
      for (const { path } of reports.get(keyOf(gateway, into)) ?? []) {
        const target = path.at(-1) ?? '';
        best.set(target, Math.min(path.length, best.get(target) ?? Number.POSITIVE_INFINITY));
      }
    }
    const hops = [...hopsFrom(into, gateways)].filter(([network]) => network !== into && serving.has(network));
    expect([...best], into).to.have.deep.members(hops);
  }
}

/** Gateways on the way to each network. */
function hopsFrom(first: string, gateways: readonly Edge[]): ReadonlyMap<string, number> {
  const hops = new Map([[first, 0]]);
  for (const [network, count] of hops) {
    for (const next of gateways.filter((each) => each.includes(network)).flat()) {
      if (!hops.has(next)) hops.set(next, count + 1);
    }
  }
  return hops;
}

describe('what a peer says of networks', () => {
  it('counts for nothing where no gateway of ours would say it', () => {
    const sound = { path: ['b'], containers: 1, idle: 1, waiting: 0 };
    const of = (network: string, reached: readonly v1.ReachedNetworkInit[]) =>
      reachedIn(
        v1.GatewayLoad.create({ network, version: 1, reached: reached.map((each) => v1.ReachedNetwork.create(each)) }),
      );
    expect(of('a', [sound])).to.have.length(1);
    const long = Array.from({ length: limits.networkGatewayHops + 1 }, (_, index) => `n${index}`);
    const wrong: readonly v1.ReachedNetworkInit[] = [
      { ...sound, path: [] },
      { ...sound, path: ['a'] },
      { ...sound, path: ['b', 'b'] },
      { ...sound, path: [''] },
      { ...sound, path: ['x'.repeat(65)] },
      { ...sound, path: ['b\n'] },
      { ...sound, path: long },
    ];
    for (const each of wrong) expect(of('a', [sound, each])).to.deep.equal([]);
    expect(of('', [sound])).to.deep.equal([]);
    const many = Array.from({ length: limits.networkGatewayReached + 1 }, (_, index) => ({
      ...sound,
      path: [`n${index}`],
    }));
    expect(of('a', many)).to.deep.equal([]);
  });

  it('has a version that does not end with 32 bits', () => {
    for (const version of [2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
      const load = v1.GatewayLoad.create({ network: 'a', version });
      expect(decode(v1.GatewayLoad, encode(v1.GatewayLoad, load)).version).to.equal(version);
    }
  });

  it('adds up to what a report can carry', () => {
    const most = 2 ** 32 - 1;
    expect(
      summed([
        { containers: most, idle: most, waiting: 0 },
        { containers: most, idle: 1, waiting: 2 },
      ]),
    ).to.deep.equal({
      containers: most,
      idle: most,
      waiting: 2,
    });
  });
});
