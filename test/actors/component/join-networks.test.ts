import { expect } from 'chai';
import { componentNetwork, containerControl, joinNetworks } from '#src/actors/component/index.js';
import { type ActorRef, behavior, systemKey } from '#src/actors/kernel/index.js';
import { CapacityError, ConfigError, HandlerError, MillraceError, StoppedError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import { v1 } from '#src/protocol/index.js';
import { rejection } from '../../support/rejection.js';
import { closeAfterEach, Cluster, until } from '../runtime/harness.js';
import { Listing } from '../transport/errands.js';
import { JoinedNetworks, NEWS_MS } from './joined-networks.js';
import { done, porter } from './porter.js';
import { takesTwice } from './takes-twice.js';

describe('a gateway among strangers', () => {
  closeAfterEach();
  const group = `components of ${Listing.typeName}`;

  it('refuses what no process of ours would ask', async () => {
    const world = new JoinedNetworks(new Cluster());
    const { runtime } = await world.serving('shop', 0);
    await world.serving('depot', 1);
    await world.gateway(['shop', 'depot']);
    const found: ActorRef<typeof v1.ComponentPool>[] = [];
    const unwatch = await runtime.watchGroup(v1.ComponentPool, group, (all) => void found.splice(0, 9, ...all));
    const [pool] = found;
    if (pool === undefined) throw new Error('there is a gateway');
    const caller = runtime.spawn(behavior(v1.ComponentCaller, { poolLoaded: () => {} })).toRef();
    const good = { caller, id: 1, timeoutMs: 1_000, leaseMs: 1_000, withinMs: 0, mayLeave: true };
    const long = Array.from({ length: limits.networkGatewayHops + 1 }, (_, index) => `n${index}`);
    for (const networks of [['x', 'x'], [''], ['x'.repeat(65)], long]) {
      const error = await rejection(pool.acquire({ ...good, networks }));
      expect(error).to.be.instanceOf(HandlerError).and.to.include({ handlerName: 'ProtocolError' });
    }
    const many = Array.from({ length: limits.networkGatewayAsked + 1 }, (_, index) => `n${index}`);
    for (const shutNetworks of [['x', 'x'], [''], many]) {
      expect(await rejection(pool.acquire({ ...good, shutNetworks }))).to.include({ handlerName: 'ProtocolError' });
    }
    const refusals: readonly (readonly [object, string])[] = [
      [{ mayLeave: false }, 'must not leave its network'],
      [{ networks: ['shop'] }, 'has come through the network "shop" before'],
      [{ networks: ['depot'] }, 'only to networks that the request has come through'],
      [{ shutNetworks: ['depot'] }, 'only to networks that the request is not to go into'],
      [{ shutNetworks: many.slice(1) }, `asked in ${limits.networkGatewayAsked} networks`],
      [{ networks: long.slice(1) }, 'has come through 8 networks'],
    ];
    for (const [each, why] of refusals) expect((await pool.acquire({ ...good, ...each })).refused).to.include(why);
    const { container, isPassedOn } = await pool.acquire(good);
    expect(isPassedOn).to.equal(true);
    expect((await pool.acquire(good)).refused).to.include('number');
    // It passes one request on, and no second one; nothing of what its container has beside the service of the component.
    const before = done.ran;
    const lent = runtime[systemKey].reference(Listing, container);
    expect((await lent.run({ value: 1 })).value).to.equal(1);
    const second = await rejection(lent.run({ value: 1 }));
    expect(second).to.be.instanceOf(StoppedError).with.property('message').that.includes('another request before');
    const control = containerControl(runtime, lent);
    expect(await rejection(control.containerExport({}))).to.include({ handlerCode: 'CONFIG' });
    expect(done.ran).to.equal(before + 1);
    // Who forgets to release it has it for as long as it has said.
    await world.cluster.pass(3_000);
    expect(await rejection(lent.run({ value: 1 }))).to.be.instanceOf(MillraceError);
    unwatch();
  });

  it('gives back what a caller had that has used its numbers twice, and has ended', async () => {
    const world = new JoinedNetworks(new Cluster());
    const near = await world.serving('shop', 0);
    await world.serving('depot', 1);
    const gateway = await world.gateway(['shop', 'depot'], { requests: 1 });
    await takesTwice(await world.process('shop', 'stranger'), group);
    world.cluster.executor.crash('stranger');
    await until(() => gateway.explain().every(({ requests }) => requests === 0));
    const client = await near.client(Listing);
    expect((await client.run({ value: 1 })).value).to.equal(1);
  });

  it('gives back what a request has whose number was released and used again while the first one waited', async () => {
    const world = new JoinedNetworks(new Cluster());
    const { runtime } = await world.serving('shop', 0);
    const far = await world.serving('depot', 1);
    const gateway = await world.gateway(['shop', 'depot']);
    const found: ActorRef<typeof v1.ComponentPool>[] = [];
    const unwatch = await runtime.watchGroup(v1.ComponentPool, group, (all) => void found.splice(0, 9, ...all));
    const [pool] = found;
    if (pool === undefined) throw new Error('there is a gateway');
    const client = await far.client(Listing);
    const busy = client.run({ value: 300 });
    await world.cluster.pass(50);
    const asker = runtime.spawn(behavior(v1.ComponentCaller, { poolLoaded: () => {} }));
    const caller = asker.toRef();
    const request = { caller, id: 1, timeoutMs: 100_000, leaseMs: 100_000, mayLeave: true };
    const first = pool.acquire(request);
    await world.cluster.pass(50);
    pool.release({ caller, id: 1, hasAnswered: false });
    const second = pool.acquire(request);
    expect((await first).refused).to.include('withdrawn');
    await busy;
    expect((await second).container).to.not.equal(undefined);
    const isLent = (): boolean => gateway.explain().some(({ requests }) => requests === 1);
    expect(isLent()).to.equal(true);
    // A third one with its number is refused, and the second one keeps what it has.
    expect((await pool.acquire(request)).refused).to.include('number');
    // They are given back when their caller ends.
    await runtime[systemKey].stop(asker);
    await until(() => !isLent() && [...far.served][0]?.load().idle === 1);
    unwatch();
  });

  it('that promises what it has not costs a request one refusal', async () => {
    const world = new JoinedNetworks(new Cluster());
    const near = await world.serving('shop', 0);
    await world.serving('depot', 1);
    let asked = 0;
    const reached = [{ path: ['paradise'], containers: 2 ** 32 - 1, idle: 2 ** 32 - 1, waiting: 0 }];
    const gateway = v1.GatewayLoad.create({
      network: 'shop',
      version: 1,
      reached: reached.map((each) => v1.ReachedNetwork.create(each)),
    });
    const load = { node: 'liar', process: 'liar', containers: 2 ** 32 - 1, idle: 2 ** 32 - 1, gateway };
    const liar = near.runtime.spawn(
      behavior(v1.ComponentPool, {
        acquire: () => {
          asked++;
          return { refused: 'not now', load: v1.PoolLoad.create(load) };
        },
        release: () => {},
        describePool: () => load,
        limitCapacity: () => ({}),
      }),
    );
    await near.runtime.register(group, liar, { group: true });
    await world.gateway(['shop', 'depot']);
    await world.cluster.pass(NEWS_MS);
    const client = await near.client(Listing);
    for (let count = 0; count < 5; count++) expect((await client.run({ value: 1 })).value).to.equal(1);
    expect(asked).to.be.within(1, 6);
    // Its promises are summed into what the gateway reports to the depot, within what a report can carry.
    await world.cluster.pass(NEWS_MS);
  });
});

describe('joinNetworks', () => {
  closeAfterEach();

  it('refuses what is no networks, no services, and networks that are one', async () => {
    const world = new JoinedNetworks(new Cluster());
    const shop = await world.serving('shop', 0);
    const depot = await world.serving('depot', 0);
    const services = [Listing];
    const again = componentNetwork(await world.process('shop', 'again'));
    const wrong: readonly (readonly [object, object, RegExp])[] = [
      [{ shop }, { services }, /two networks/],
      [{ shop, '': depot }, { services }, /1 to 64 whole characters/],
      [{ shop, '\ud800': depot }, { services }, /1 to 64 whole characters/],
      [{ shop, depot }, { services: [] }, /list of services/],
      [{ shop, depot }, { services: [Listing, Listing] }, /list of services/],
      [{ shop, depot }, { services, requests: 0 }, /whole number from 1/],
      [{ shop, depot: shop }, { services }, /one network/],
      [{ shop, again }, { services }, /one network/],
      [{ shop, depot: {} }, { services }, /componentNetwork as "depot"/],
    ];
    for (const [networks, options, message] of wrong) {
      const error = await rejection(
        Promise.resolve<unknown>(Reflect.apply(joinNetworks, undefined, [networks, options])),
      );
      expect(error).to.be.instanceOf(ConfigError).with.property('message').that.matches(message);
    }
    const seeded = await world.process('seeded', 'one', { isSeeded: true });
    const peer = await world.process('seeded', 'two', { isSeeded: true });
    await until(() => seeded.members().length === 2);
    const both = { one: componentNetwork(seeded), two: componentNetwork(peer) };
    expect(await rejection(joinNetworks(both, { services })))
      .to.have.property('message')
      .that.matches(/one network/);
  });

  it('refuses a network that another gateway calls otherwise', async () => {
    const world = new JoinedNetworks(new Cluster());
    await world.serving('shop', 0);
    await world.serving('depot', 1);
    await world.gateway(['shop', 'depot']);
    const networks = {
      store: componentNetwork(await world.process('shop', 'other')),
      third: await world.serving('third', 1),
    };
    const error = await rejection(joinNetworks(networks, { services: [Listing] }));
    expect(error)
      .to.be.instanceOf(ConfigError)
      .with.property('message')
      .that.includes('"store" has a gateway that calls it "shop"');
  });

  it('does not use a gateway that gives another name to a network, where both have started at the same time', async () => {
    const world = new JoinedNetworks(new Cluster());
    const near = await world.serving('third', 0);
    await world.serving('shop', 0);
    await world.serving('depot', 1);
    const joined = async (name: string, node: string) => componentNetwork(await world.process(name, node));
    const apart = { shop: await joined('shop', 'right'), depot: await joined('depot', 'right') };
    const other = { store: await joined('shop', 'wrong'), third: await joined('third', 'wrong') };
    const services = [Listing];
    const [right, wrong] = await Promise.all([joinNetworks(apart, { services }), joinNetworks(other, { services })]);
    await world.cluster.pass(NEWS_MS);
    expect(right.explain().find(({ from }) => from === 'shop')?.reached).to.have.length(1);
    expect(wrong.explain().map(({ reached }) => reached)).to.deep.equal([[], []]);
    const client = await near.client(Listing);
    expect(await rejection(client.run({ value: 1 }))).to.be.instanceOf(CapacityError);
    expect(world.cluster.log.filter(({ message }) => message.includes('another name'))).to.have.length(2);
  });

  it('leads nowhere any more when its networks have become one', async () => {
    const world = new JoinedNetworks(new Cluster());
    const [one, two] = [
      await world.process('one', 'gate', { isSeeded: true }),
      await world.process('two', 'gate', { isSeeded: true }),
    ];
    const networks = { one: componentNetwork(one), two: componentNetwork(two) };
    await networks.two.serve(porter);
    const gateway = await joinNetworks(networks, { services: [Listing] });
    await world.cluster.pass(NEWS_MS);
    const isOpen = (): boolean => gateway.explain().some(({ reached }) => reached.length > 0);
    expect(isOpen()).to.equal(true);
    const seeds = [one.controlPlane, two.controlPlane];
    world.cluster.started.push(
      await world.cluster.executor.start({ node: 'joiner', name: 'joiner', network: { seeds } }),
    );
    await until(() => one.members().length === 3);
    await world.cluster.pass(6 * NEWS_MS);
    expect(isOpen()).to.equal(false);
    expect(world.cluster.log.filter(({ message }) => message.includes('are one'))).to.have.length(1);
  });

  it('is left in order when a runtime of it stops: what is passed on is answered', async () => {
    const world = new JoinedNetworks(new Cluster());
    const near = await world.serving('shop', 0);
    await world.serving('depot', 2);
    await world.gateway(['shop', 'depot']);
    await world.cluster.pass(NEWS_MS);
    const client = await near.client(Listing);
    const reply = client.run({ value: 300 });
    await world.cluster.pass(100);
    const gates = world.cluster.started.filter(({ node }) => node.startsWith('gate'));
    const stopped = Promise.all(gates.map((runtime) => runtime.stop({ drainTimeoutMs: 2_000 })));
    expect((await reply).value).to.equal(300);
    await stopped;
    expect(await rejection(client.run({ value: 1 }, { within: 5 }))).to.be.instanceOf(CapacityError);
  });

  it('joins a network without a control plane', async () => {
    const world = new JoinedNetworks(new Cluster());
    const near = await world.serving('shop', 0);
    const far = componentNetwork(await world.process('depot', 'depot', { isSeeded: true }));
    await far.serve(porter);
    const gate = componentNetwork(await world.process('depot', 'gate', { isSeeded: true }));
    const shop = componentNetwork(await world.process('shop', 'gate'));
    await using _gateway = await joinNetworks({ shop, depot: gate }, { services: [Listing] });
    await world.cluster.pass(NEWS_MS);
    const client = await near.client(Listing);
    expect((await client.run({ value: 4 })).value).to.equal(4);
  });
});
