import { expect } from 'chai';
import fc from 'fast-check';
import { type ComponentNetwork, componentNetwork } from '#src/actors/component/index.js';
import { CapacityLimits } from '#src/actors/component/network/capacity-limits.js';
import { ownPart, shared } from '#src/actors/governor/capacity.js';
import { govern, type Governor, type GovernorOptions } from '#src/actors/governor/index.js';
import { ConfigError, ProtocolError } from '#src/errors.js';
import { v1 } from '#src/protocol/index.js';
import { rejection } from '../../support/rejection.js';
import { clerk } from '../component/clerk.js';
import { closeAfterEach, Cluster, describePlacements, until } from '../runtime/harness.js';
import { Listing } from '../transport/errands.js';

interface Part {
  readonly network: ComponentNetwork;
  readonly governor: Governor;
  readonly containers: () => number;
}

async function opened(cluster: Cluster, nodes: readonly string[], options: GovernorOptions): Promise<readonly Part[]> {
  const parts: Part[] = [];
  for (const node of nodes) {
    const network = componentNetwork(await cluster.start({ node }));
    const governor = govern(network, options);
    const served = await network.serve(clerk, { containers: { min: 1, max: 10 } });
    parts.push({ network, governor, containers: () => served.load().containers ?? 0 });
  }
  return parts;
}

/** Requests from each part, which go to containers of its own while it has any. */
async function requested(parts: readonly Part[], count: number, value: number): Promise<readonly Promise<unknown>[]> {
  const clients = await Promise.all(parts.map(({ network }) => network.client(Listing)));
  return clients.flatMap((client) =>
    Array.from({ length: count }, () => client.run({ value }, { timeoutMs: 60_000, only: 'local' })),
  );
}

function sumOf(parts: readonly Part[]): number {
  return parts.reduce((sum, { containers }) => sum + containers(), 0);
}

describePlacements('the limit of a node', (newCluster) => {
  closeAfterEach();

  it('is for all its processes together, and is lowered and raised while they have requests', async () => {
    const cluster = newCluster();
    const parts = await opened(cluster, ['a', 'a'], { limit: 6, nodeLimit: 7 });
    const [first] = parts;
    let isOver = false;
    const busy = (async () => {
      while (!isOver) await Promise.all(await requested(parts, 8, cluster.many(4_000, 600)));
    })();
    await until(() => sumOf(parts) === 7);
    await first?.governor.setNodeLimit(3);
    await until(() => sumOf(parts) === 3);
    expect(parts.map(({ governor }) => governor.nodeLimit)).to.deep.equal([3, 3]);
    const held = parts.flatMap(({ governor }) => governor.explain().map((each) => each.held));
    expect(held).to.include('the limit of this node is 3 containers');
    await first?.governor.setNodeLimit(9);
    await until(() => sumOf(parts) === 9);
    isOver = true;
    await busy;
  });
});

describe('limits that processes share', () => {
  closeAfterEach();

  it('are of each node by itself, and of the network beyond that', async () => {
    const cluster = new Cluster();
    const parts = await opened(cluster, ['a', 'a', 'b'], { limit: 6, nodeLimit: 8, networkLimit: 100 });
    const all = await requested(parts, 10, 5_000);
    await cluster.pass(2_000);
    expect([sumOf(parts.slice(0, 2)), sumOf(parts.slice(2))]).to.deep.equal([8, 6]);
    await parts[2]?.governor.setNodeLimit(2);
    await parts[0]?.governor.setNetworkLimit(5);
    await cluster.pass(1_000);
    expect(parts[2]?.governor.networkLimit).to.equal(5);
    expect(sumOf(parts)).to.equal(5);
    expect(sumOf(parts.slice(2))).to.be.at.most(2);
    await parts[1]?.governor.setNodeLimit(1, 'b');
    await parts[1]?.governor.setNetworkLimit(Number.POSITIVE_INFINITY);
    await cluster.pass(1_000);
    expect([sumOf(parts.slice(0, 2)), sumOf(parts.slice(2))]).to.deep.equal([8, 1]);
    await Promise.all(all);
  });

  it('are known to a process that joins later, and leave its part to others when it ends', async () => {
    const cluster = new Cluster();
    const parts = await opened(cluster, ['a', 'b'], { limit: 6 });
    await parts[0]?.governor.setNetworkLimit(4);
    await parts[0]?.governor.setNodeLimit(3, 'c');
    const all = await requested(parts, 6, 8_000);
    await cluster.pass(500);
    const [third] = await opened(cluster, ['c'], { limit: 6 });
    await cluster.pass(500);
    expect([third?.governor.networkLimit, third?.governor.nodeLimit]).to.deep.equal([4, 3]);
    expect(sumOf(parts) + (third?.containers() ?? 0)).to.equal(4);
    await parts[1]?.network.close({ drainMs: 1 });
    await cluster.pass(1_000);
    expect(parts[0]?.containers()).to.be.within(3, 4);
    await Promise.allSettled(all);
  });

  it('are exceeded for a moment only when processes grow at the same time', async () => {
    const cluster = new Cluster({ latencyMs: 5 });
    const parts = await opened(cluster, ['a', 'a', 'a', 'a'], { limit: 8, nodeLimit: 8 });
    const all = await requested(parts, 20, 3_000);
    let exceededMs = 0;
    for (let ms = 0; ms < 3_000; ms += 10) {
      await cluster.pass(10);
      if (sumOf(parts) > 8) exceededMs += 10;
    }
    expect(sumOf(parts)).to.equal(8);
    expect(exceededMs).to.be.at.most(250);
    await Promise.all(all);
  });

  it('refuse what is no limit', async () => {
    const [part] = await opened(new Cluster(), ['a'], {});
    if (part === undefined) throw new Error('there is no part');
    for (const options of [{ nodeLimit: -1 }, { networkLimit: 1.5 }, { nodeLimit: Number.NaN }]) {
      expect(() => govern(part.network, options)).to.throw(ConfigError);
    }
    expect(await rejection(part.governor.setNodeLimit(-1))).to.be.instanceOf(ConfigError);
    expect(await rejection(part.governor.setNetworkLimit(2 ** 40))).to.be.instanceOf(ConfigError);
    const known = new CapacityLimits();
    const many = Array.from({ length: 5_000 }, (_, node) => v1.CapacityLimit.create({ node: `n${node}`, version: 1 }));
    expect(() => known.merge(many)).to.throw(ProtocolError);
    expect(known.all.length).to.be.at.most(4_096);
  });
});

describe('what processes know of shared limits', () => {
  const limit = fc.record(
    { node: fc.constantFrom('', 'a', 'b'), version: fc.integer({ min: 1, max: 4 }), containers: fc.nat(5) },
    { requiredKeys: ['node', 'version'] },
  );

  it('is the same in whatever order they hear of it', () => {
    const inOrder = fc.array(limit, { maxLength: 12 }).chain((limits) =>
      fc.record({
        limits: fc.constant(limits),
        mixed: fc.shuffledSubarray(limits, { minLength: limits.length, maxLength: limits.length }),
      }),
    );
    fc.assert(
      fc.property(inOrder, ({ limits, mixed }) => {
        const [one, other] = [new CapacityLimits(), new CapacityLimits()];
        one.merge(limits.map((each) => v1.CapacityLimit.create(each)));
        for (const each of mixed) other.merge([v1.CapacityLimit.create(each)]);
        for (const node of ['a', 'b']) expect(one.ofNode(node)).to.equal(other.ofNode(node));
        expect(one.ofNetwork).to.equal(other.ofNetwork);
      }),
    );
  });

  it('has parts that make the whole, and the whole is within the limit', () => {
    const component = fc.constantFrom('a', 'b', 'c');
    const demand = fc.record({
      component,
      wanted: fc.nat(9),
      containers: fc.nat(9),
      idle: fc.nat(9),
      waiting: fc.nat(2),
    });
    fc.assert(
      fc.property(fc.array(fc.array(demand, { maxLength: 3 }), { maxLength: 4 }), fc.nat(20), (given, most) => {
        let pool = 0n;
        const processes = given.map((demands) => demands.map((each) => ({ ...each, pool: pool++ })));
        const parts = processes.map((own) =>
          ownPart(
            own,
            processes.flatMap((each) => (each === own ? [] : each)),
            most,
          ),
        );
        expect(parts.flat()).to.deep.equal(shared(processes.flat(), most));
        expect(parts.flat().reduce((sum, count) => sum + count, 0)).to.be.at.most(most);
      }),
    );
  });
});
