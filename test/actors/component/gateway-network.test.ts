import { expect } from 'chai';
import { GatewayNetwork } from '#src/actors/component/gateway/gateway-network.js';
import { componentNetwork } from '#src/actors/component/index.js';
import { type ActorRef, behavior } from '#src/actors/kernel/index.js';
import { v1 } from '#src/protocol/index.js';
import { closeAfterEach, Cluster, until } from '../runtime/harness.js';
import { Listing } from '../transport/errands.js';

const group = `components of ${Listing.typeName}`;

describe('a network as a gateway sees it', () => {
  closeAfterEach();

  /** A process of a network, and a way to make pools there that count how often they are asked to tell what changes. */
  async function begun() {
    const cluster = new Cluster();
    const runtime = await cluster.start();
    const pool = async (gateway?: v1.GatewayLoadInit) => {
      const asked = { times: 0 };
      const load = { node: 'far', process: 'far', gateway: gateway && v1.GatewayLoad.create(gateway) };
      const actor: ActorRef<typeof v1.ComponentPool> = runtime.spawn(
        behavior(v1.ComponentPool, {
          acquire: () => ({ refused: 'not now' }),
          release: () => {},
          describePool: (_state, { caller }) => {
            if (caller !== undefined) asked.times++;
            return { ...load, pool: actor.toRef().cUid };
          },
          limitCapacity: () => ({}),
        }),
      );
      await runtime.register(group, actor, { group: true });
      return asked;
    };
    return { cluster, network: componentNetwork(runtime), pool };
  }

  it('hears of the pools that join when another gateway of its process has closed', async () => {
    const { network, pool } = await begun();
    const one = await GatewayNetwork.open('shop', network, Listing);
    const other = await GatewayNetwork.open('shop', network, Listing);
    one.close();
    const asked = await pool();
    await until(() => asked.times === 1);
    other.close();
    expect((await pool()).times).to.equal(0);
  });

  it('changes when a pool joins, and when one is heard', async () => {
    const { network, pool } = await begun();
    const seen = await GatewayNetwork.open('shop', network, Listing);
    const numbers = [seen.changes];
    await pool();
    await until(() => seen.pools[0]?.load !== undefined);
    numbers.push(seen.changes);
    await seen.refresh();
    numbers.push(seen.changes);
    expect(new Set(numbers).size).to.equal(3);
    const before = seen.changes;
    expect(seen.pools).to.have.length(1);
    expect(seen.changes).to.equal(before);
    seen.close();
  });

  it('asks its pools again when they have answered, and not before', async () => {
    const { network, pool, cluster } = await begun();
    const asked = await pool();
    const seen = await GatewayNetwork.open('shop', network, Listing);
    const before = asked.times;
    for (let count = 0; count < 5; count++) seen.refreshSoon();
    await cluster.pass(1_000);
    expect(asked.times).to.equal(before + 1);
    seen.refreshSoon();
    await cluster.pass(1_000);
    expect(asked.times).to.equal(before + 2);
    seen.close();
  });

  it('does not use a gateway that calls it by what is no name, and says nothing of that name', async () => {
    const { network, pool, cluster } = await begun();
    for (const name of ['x'.repeat(65), 'evil\nname', '']) await pool({ network: name, version: 1 });
    const seen = await GatewayNetwork.open('shop', network, Listing);
    expect(seen.directory.pools).to.have.length(3);
    expect(seen.pools).to.have.length(0);
    expect(seen.conflict).to.equal(undefined);
    expect(cluster.log.filter(({ message }) => message.includes('another name'))).to.have.length(0);
    seen.close();
  });

  it('warns once of other names for it', async () => {
    const { network, pool, cluster } = await begun();
    const seen = await GatewayNetwork.open('shop', network, Listing);
    for (const name of ['store', 'mall']) {
      await pool({ network: name, version: 1 });
      await until(() => seen.conflict !== undefined);
      await seen.refresh();
    }
    expect(cluster.log.filter(({ message }) => message.includes('another name'))).to.have.length(1);
    seen.close();
  });
});
