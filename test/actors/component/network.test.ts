import { expect } from 'chai';
import { type ComponentNetwork, componentNetwork } from '#src/actors/component/index.js';
import type { Runtime } from '#src/actors/runtime/index.js';
import { AskTimeoutError, CapacityError, ConfigError, HandlerError, StoppedError } from '#src/errors.js';
import { rejection } from '../../support/rejection.js';
import { type Cluster, describePlacements, until } from '../runtime/harness.js';
import { Listing } from '../transport/errands.js';
import { clerk, lateStarter, NEVER, neverStarter } from './clerk.js';

const idOf = ({ load }: { readonly load: Uint8Array }): string => Buffer.from(load).toString();

describePlacements('the component network of one process', (newCluster) => {
  let cluster: Cluster | undefined;
  let network: ComponentNetwork | undefined;
  afterEach(() => network?.close());
  after(() => cluster?.close());

  async function opened(): Promise<{ cluster: Cluster; runtime: Runtime; network: ComponentNetwork }> {
    const isFirst = cluster === undefined;
    cluster ??= newCluster();
    cluster.isShared = true;
    if (isFirst) await cluster.start({ system: { partitions: 3 }, kernelLimits: { stopTimeoutMs: 200 } });
    const [runtime] = cluster.started;
    if (runtime === undefined) throw new Error('the runtime did not start');
    network = componentNetwork(runtime);
    return { cluster, runtime, network };
  }

  it('gives each request a container of its own, and the others wait in the order of their arrival', async () => {
    const { network } = await opened();
    const served = await network.serve(clerk, { containers: 2 });
    const client = await network.client(Listing);
    const replies = await Promise.all(Array.from({ length: 6 }, () => client.run({ value: 5 })));
    expect(new Set(replies.map(idOf))).to.have.property('size', 2);
    const [load] = await network.loads(Listing);
    expect(JSON.parse(JSON.stringify(load))).to.include({ containers: 2, idle: 2, waiting: 0 });
    expect(JSON.parse(JSON.stringify(served.load()))).to.include({ containers: 2, idle: 2, waiting: 0 });
    served.setContainers(1);
    const { value: before } = await client.run({ value: 0 });
    // Those that tolerate less than they have to wait ask once more.
    const inOrder = await Promise.all([4, 3, 2, 1].map((value) => client.run({ value }, { within: 60_000 })));
    expect(inOrder.map(({ value }) => value - before)).to.deep.equal([1, 2, 3, 4]);
    expect(await rejection(client.run({ value: 13 })))
      .to.be.instanceOf(HandlerError)
      .with.property('handlerName', 'RangeError');
  });

  it('has the container of a tell and of a stream until they have ended', async () => {
    const { network } = await opened();
    await network.serve(clerk);
    const client = await network.client(Listing);
    await client.push({ value: 1 });
    await client.push({ value: 1 });
    const seen: number[] = [];
    for await (const { value } of client.list({ value: 3 })) {
      seen.push(value);
      expect((await network.loads(Listing))[0]).to.include({ idle: 0 });
    }
    expect(seen).to.deep.equal([2, 2, 2]);
    for await (const _ of client.list({ value: 100 })) break;
    expect((await client.run({ value: 0 })).value).to.equal(1);
  });

  it('fails a request that finds no container in time, and says what was tried', async () => {
    const { network } = await opened();
    await network.serve(clerk);
    const client = await network.client(Listing);
    const first = client.run({ value: 60 });
    const error = await rejection(client.run({ value: 1 }, { within: 2 }));
    expect(error).to.be.instanceOf(CapacityError);
    expect(error)
      .to.have.property('message')
      .that.matches(/Run has no container\. Tried this process \(1 containers\): none was free after/);
    expect(error).to.have.property('message').that.includes('no gateways');
    // Without a tolerance it waits.
    expect((await client.run({ value: 1 })).value).to.equal(2);
    expect((await first).value).to.equal(1);
  });

  it('stops a container that has a request when it has answered', async () => {
    const { cluster: world, network } = await opened();
    const served = await network.serve(clerk, { containers: 3 });
    const client = await network.client(Listing);
    await until(() => served.load().idle === 3);
    const all = [1, 2, 3].map(() => client.run({ value: world.many(30, 1_000) }));
    await until(() => served.load().idle === 0);
    served.setContainers(1);
    expect(new Set((await Promise.all(all)).map(idOf))).to.have.property('size', 3);
    const { load: id } = await client.run({ value: 0 });
    expect(idOf(await client.run({ value: 0 }))).to.equal(Buffer.from(id).toString());
    served.setContainers(0);
    expect(await rejection(client.run({ value: 0 }, { within: 1 }))).to.be.instanceOf(CapacityError);
    served.setContainers(1);
    expect((await client.run({ value: 0 }, { within: 1 })).value).to.equal(1);
  });

  it('replaces a container that ended, that does not answer, and that could not start', async () => {
    const { cluster: world, network } = await opened();
    const served = await network.serve(clerk, { wedgedMs: 20 });
    const client = await network.client(Listing);
    const before = idOf(await client.run({ value: 0 }));
    expect(await rejection(client.run({ value: NEVER }, { timeoutMs: world.many(10, 300) }))).to.be.instanceOf(
      AskTimeoutError,
    );
    expect(idOf(await client.run({ value: 0 }))).to.not.equal(before);
    await served.close();
    await network.serve(lateStarter);
    expect((await client.run({ value: 0 })).value).to.equal(1);
  });

  it('answers with AskTimeoutError or CapacityError where the container is there at the deadline and not before', async () => {
    const { network } = await opened();
    await network.serve(clerk);
    const client = await network.client(Listing);
    const outcomes: string[] = [];
    for (const value of [18, 19, 20]) {
      const first = client.run({ value });
      const second = client.run({ value: 0 }, { timeoutMs: 20 });
      outcomes.push(
        await second.then(
          () => 'answered',
          (error: unknown) => (error instanceof Error ? error.name : String(error)),
        ),
      );
      await first;
    }
    for (const outcome of outcomes) expect(outcome).to.be.oneOf(['answered', 'AskTimeoutError', 'CapacityError']);
  });

  it('says why no container of a component starts', async () => {
    const { cluster, network } = await opened();
    const served = await network.serve(neverStarter);
    const logged = cluster.log.filter(({ fields }) => fields['component'] === neverStarter.name);
    expect(logged[0]).to.include({ level: 'error', message: 'a container could not start, and is tried again' });
    expect(served.load()).to.have.property('lastError').that.includes('there is no disk');
    const client = await network.client(Listing);
    expect((await network.loads(Listing))[0])
      .to.have.property('lastError')
      .that.includes('there is no disk');
    for (const options of [{ within: 1 }, { timeoutMs: 20 }]) {
      const error = await rejection(client.run({ value: 1 }, options));
      expect(error).to.be.instanceOf(CapacityError);
      expect(error)
        .to.have.property('message')
        .that.matches(/there is no disk.*Remove what keeps its containers/);
    }
  });

  it('names what a request has waited for when it states no tolerance', async () => {
    const { network } = await opened();
    await network.serve(clerk);
    const client = await network.client(Listing);
    const first = client.run({ value: 150 });
    const error = await rejection(client.run({ value: 1 }, { timeoutMs: 20 }));
    expect(error).to.be.instanceOf(CapacityError);
    expect(error)
      .to.have.property('message')
      .that.matches(/Listing\.Run has no container.*longer timeoutMs/);
    expect(error).to.have.property('message').that.does.not.include('ComponentPool');
    await first;
  });

  it('refuses what is wrong, and what nobody serves', async () => {
    const { network } = await opened();
    const client = await network.client(Listing);
    expect(await rejection(client.run({ value: 1 })))
      .to.be.instanceOf(CapacityError)
      .with.property('message')
      .that.includes('no process of the network serves');
    await network.serve(clerk);
    expect(await rejection(network.serve(clerk))).to.be.instanceOf(ConfigError);
    const wrong: object[] = [
      { containers: -1 },
      { containers: { min: 2, max: 1 } },
      { container: 1 },
      { wedgedMs: 'long' },
      { on: 'moon' },
      { on: {} },
      { on: { partition: 'first' } },
      { on: { partition: 1, node: 'a' } },
    ];
    for (const options of wrong)
      expect(await rejection(network.serve(lateStarter, options))).to.be.instanceOf(ConfigError);
    const given = async (...all: unknown[]): Promise<unknown> => {
      const reply: unknown = Reflect.apply(client.run, client, all);
      return reply;
    };
    expect(await rejection(given({ value: 1 }, { within: -1 }))).to.be.instanceOf(ConfigError);
    expect(await rejection(given({ value: 1 }, { only: 'here' }))).to.be.instanceOf(ConfigError);
    const unknown = await rejection(given({ value: 1 }, { whithin: 5 }));
    expect(unknown).to.be.instanceOf(ConfigError).with.property('message').that.includes('Did you mean within?');
    expect(unknown)
      .to.have.property('message')
      .that.matches(/It has within, only, timeoutMs/);
    expect(await rejection(given({ value: 'much' }))).to.have.property('code', 'PROTOCOL');
    await network.close();
    expect(await rejection(client.run({ value: 1 }))).to.be.instanceOf(StoppedError);
    expect(await rejection(network.client(Listing))).to.be.instanceOf(StoppedError);
  });
});
