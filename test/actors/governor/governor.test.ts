import { expect } from 'chai';
import { componentNetwork, defineComponent } from '#src/actors/component/index.js';
import { govern, type GovernorOptions, type ScalingStrategy } from '#src/actors/governor/index.js';
import { CapacityError, ConfigError } from '#src/errors.js';
import { rejection } from '../../support/rejection.js';
import { clerk } from '../component/clerk.js';
import { closeAfterEach, Cluster, describePlacements, until } from '../runtime/harness.js';
import { Errands, Listing } from '../transport/errands.js';

const porter = defineComponent('porter', import.meta.url, Errands, {
  handlers: {
    push: () => {},
    urge: () => {},
    run: (_kept, { value }) => ({ value }),
    rush: (_kept, { value }) => ({ value }),
  },
});

describePlacements('a governor', (newCluster) => {
  let cluster: Cluster | undefined;
  after(() => cluster?.close());

  it('starts the first container for the first request, and more for those that wait too long', async () => {
    cluster = newCluster();
    cluster.isShared = true;
    const runtime = await cluster.start({ system: { partitions: 3 }, kernelLimits: { stopTimeoutMs: 200 } });
    await using network = componentNetwork(runtime);
    using governor = govern(network, { limit: 3 });
    const served = await network.serve(clerk, { containers: { min: 0, max: 10 } });
    expect(served.containers).to.equal(0);
    const client = await network.client(Listing);
    expect((await client.run({ value: 0 }, { within: 5 })).value).to.equal(1);
    expect(served.containers).to.equal(1);
    // The first one starts; the others find it busy, and there is room for three.
    const all = Array.from({ length: 6 }, () => client.run({ value: 300 }, { timeoutMs: 20_000 }));
    await until(() => served.containers === 3);
    await Promise.all(all);
    expect(governor.explain()[0]).to.include({ component: 'clerk', containers: 3 });
  });
});

describe('a governor on virtual time', () => {
  closeAfterEach();

  async function governed(options: GovernorOptions, range = { min: 1, max: 8 }) {
    const cluster = new Cluster();
    const runtime = await cluster.start();
    const network = componentNetwork(runtime);
    const served = await network.serve(clerk, { containers: range });
    const governor = govern(network, options);
    return { cluster, runtime, network, served, governor, client: await network.client(Listing) };
  }

  it('shrinks one by one when nothing waits for 30 s, down to the least', async () => {
    const { cluster, served, client } = await governed({ limit: 4 });
    await Promise.all(Array.from({ length: 12 }, () => client.run({ value: 1_000 })));
    expect(served.containers).to.equal(4);
    await cluster.pass(25_000);
    const seen = [served.containers];
    for (let count = 0; count < 30; count++) {
      await cluster.pass(500);
      seen.push(served.containers);
    }
    expect([...new Set(seen)]).to.deep.equal([4, 3, 2, 1]);
  });

  it('follows a new limit at once, and ends no request', async () => {
    const { served, client, governor, cluster } = await governed({ limit: 6 });
    const all = Array.from({ length: 6 }, () => client.run({ value: 2_000 }));
    await cluster.pass(500);
    expect(served.containers).to.equal(6);
    governor.setLimit(2);
    expect(served.load()).to.include({ containers: 2 });
    await Promise.all(all);
    await cluster.pass(1);
    expect(served.load()).to.include({ containers: 2, idle: 2 });
    const more = Array.from({ length: 6 }, () => client.run({ value: 2_000 }, { timeoutMs: 20_000 }));
    await cluster.pass(500);
    expect(governor.explain()[0]).to.include({ containers: 2, held: 'the limit of this process is 2 containers' });
    governor.setLimit(6);
    expect(served.containers).to.equal(6);
    await Promise.all(more);
  });

  it('starts nothing while memory is short, and says so', async () => {
    let free = 1_000;
    const { served, client, governor, cluster } = await governed({
      limit: 4,
      spareMemoryBytes: 2_000,
      availableBytes: () => free,
    });
    const all = [1, 2, 3].map(() => client.run({ value: 1_000 }));
    const error = await rejection(client.run({ value: 0 }, { within: 50 }));
    expect(error).to.be.instanceOf(CapacityError);
    expect(served.containers).to.equal(1);
    expect(governor.explain()[0]).to.have.property('held').that.includes('bytes of memory');
    free = 3_000;
    await cluster.pass(200);
    // One for each request, and perhaps one for those that are expected.
    expect(served.containers).to.be.within(3, 4);
    await Promise.all(all);
  });

  it('stops the last container where the least is none, and starts one again for the next request', async () => {
    const { network, client, cluster } = await governed({ limit: 4 }, { min: 0, max: 4 });
    await Promise.all([1, 2, 3, 4].map(() => client.run({ value: 500 })));
    expect([...network.served].map(({ containers }) => containers)).to.deep.equal([4]);
    await cluster.pass(200_000);
    expect([...network.served].map(({ containers }) => containers)).to.deep.equal([0]);
    expect((await client.run({ value: 0 })).value).to.equal(1);
  });

  it('replaces a container behind the requests after which it is recycled, and loses none', async () => {
    const cluster = new Cluster();
    const runtime = await cluster.start();
    await using network = componentNetwork(runtime);
    await network.serve(clerk, { recycleAfter: 3 });
    const client = await network.client(Listing);
    const values: number[] = [];
    for (let count = 0; count < 7; count++) values.push((await client.run({ value: 1 })).value);
    expect(values).to.deep.equal([1, 2, 3, 1, 2, 3, 1]);
  });

  it('keeps the containers, and answers, while its strategy or its measure of memory fails', async () => {
    let containers = 2;
    let fails = false;
    const strategy: ScalingStrategy = {
      name: 'fickle',
      initial: undefined,
      decide: (state) => {
        if (fails) throw new RangeError('no idea');
        return { state, containers, because: 'so' };
      },
    };
    let measures = true;
    const { cluster, served, client, governor } = await governed({
      strategy,
      availableBytes: () => {
        if (!measures) throw new RangeError('no measure');
        return 2 ** 40;
      },
    });
    expect(served.containers).to.equal(2);
    const still = async (because: RegExp): Promise<void> => {
      await cluster.pass(300);
      const answers = await Promise.all([1, 2, 3].map(() => client.run({ value: 1 })));
      expect(answers).to.have.length(3);
      expect(governor.explain()[0]).to.include({ containers: 2 }).and.to.have.property('because').that.matches(because);
    };
    fails = true;
    await still(/the strategy has failed: RangeError: no idea/);
    fails = false;
    for (containers of [Number.NaN, 1.5, Number.POSITIVE_INFINITY]) await still(/failed: .*whole number of containers/);
    const warned = cluster.log.filter(({ message }) => message.includes('scaling strategy'));
    expect(warned).to.have.length(1);
    measures = false;
    containers = 4;
    await cluster.pass(300);
    expect(served.containers).to.equal(2);
    measures = true;
    await cluster.pass(300);
    expect(served.containers).to.equal(4);
  });

  it('lets components take turns whose minima exceed the limit, and warns once', async () => {
    const { cluster, client, governor, network } = await governed({ limit: 1 });
    const other = await network.serve(porter);
    const { run } = await network.client(Errands);
    await cluster.pass(500);
    for (let turn = 0; turn < 3; turn++) {
      expect((await run({ value: 5 }, { timeoutMs: 2_000 })).value).to.equal(5);
      expect(governor.explain().map(({ containers }) => containers)).to.deep.equal([0, 1]);
      await client.run({ value: 1 }, { timeoutMs: 2_000 });
      await cluster.pass(500);
    }
    const warned = cluster.log.filter(({ message }) => message.includes('take turns'));
    expect(warned).to.have.length(1);
    expect(warned[0]?.fields).to.include({ limit: 1, least: 2, components: 'clerk 1, porter 1' });
    await other.close();
  });

  it('names each pool that had no container in time, also the first one that was asked', async () => {
    const cluster = new Cluster();
    const own = componentNetwork(await cluster.start({ node: 'near' }));
    const far = componentNetwork(await cluster.start({ node: 'far' }));
    for (const network of [far, own]) await network.serve(clerk);
    const client = await own.client(Listing);
    const all = [1, 2].map(() => client.run({ value: 3_000 }, { timeoutMs: 30_000 }));
    await cluster.pass(500);
    const error = await rejection(client.run({ value: 0 }, { timeoutMs: 1_000 }));
    expect(error)
      .to.be.instanceOf(CapacityError)
      .and.to.have.property('message')
      .that.matches(/Tried this process \(.*of node "far"/);
    await Promise.all(all);
  });

  it('has no name, is no member of a group, and is closed with its runtime', async () => {
    const { cluster, runtime, network, governor } = await governed({});
    const before = runtime.metrics().partitions.map(({ actors }) => actors);
    governor.close();
    governor.close();
    expect(runtime.metrics().partitions.map(({ actors }) => actors)).to.deep.equal(before);
    expect(await network.loads(Listing)).to.have.length(1);
    const other = govern(network);
    await runtime.stop();
    expect(cluster.log.filter(({ level }) => level === 'warn' || level === 'error')).to.deep.equal([]);
    expect(other.explain()[0]).to.include({ component: 'clerk' });
    expect(cluster.executor.scheduler.pendingTimers).to.equal(0);
  });

  it('refuses a limit that is none, and an option that there is not', async () => {
    const { network, governor } = await governed({});
    const wrong: object[] = [{ limit: -1 }, { limit: 1.5 }, { limits: 2 }, { strategy: {} }, { tickMs: 'often' }];
    for (const options of wrong) expect(() => govern(network, options)).to.throw(ConfigError);
    expect(() => governor.setLimit(Number.NaN)).to.throw(ConfigError);
    for (const value of ['shop', undefined, null, {}]) {
      const call = (): unknown => Reflect.apply(govern, undefined, [value]);
      expect(call).to.throw(ConfigError, /govern needs a network of componentNetwork/);
    }
  });
});
