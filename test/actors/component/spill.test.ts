import { expect } from 'chai';
import fc from 'fast-check';
import { type ComponentNetwork, componentNetwork } from '#src/actors/component/index.js';
import { capacityKey, useKey } from '#src/actors/component/network/component-network.js';
import { spillOrder } from '#src/actors/component/network/spill-order.js';
import { type ActorRef, behavior } from '#src/actors/kernel/index.js';
import type { Runtime } from '#src/actors/runtime/index.js';
import { AskAbortedError, AskTimeoutError, CapacityError, MillraceError } from '#src/errors.js';
import { v1 } from '#src/protocol/index.js';
import { rejection } from '../../support/rejection.js';
import { closeAfterEach, Cluster, until } from '../runtime/harness.js';
import { Listing } from '../transport/errands.js';
import { clerk } from './clerk.js';
import { takesTwice } from './takes-twice.js';

const idOf = ({ load }: { readonly load: Uint8Array }): string => Buffer.from(load).toString();

describe('a request to a component', () => {
  closeAfterEach();

  /** Processes on these nodes, each of which serves as many containers; none where it is 0. */
  async function served(...places: readonly (readonly [node: string, containers: number])[]) {
    const cluster = new Cluster();
    const runtimes: Runtime[] = [];
    const networks: ComponentNetwork[] = [];
    for (const [node, containers] of places) {
      const runtime = await cluster.start({ node });
      const network = componentNetwork(runtime);
      if (containers > 0) await network.serve(clerk, { containers });
      runtimes.push(runtime);
      networks.push(network);
    }
    const [network] = networks;
    if (network === undefined) throw new Error('there is no process');
    const client = await network.client(Listing);
    return { cluster, runtimes, networks, network, client };
  }

  /** Processes that have handled requests, by their numbers. */
  async function handledBy(network: ComponentNetwork): Promise<readonly string[]> {
    const loads = await network.loads(Listing);
    return loads.filter(({ idle, containers }) => idle < containers).map(({ process }) => process);
  }

  it('goes to the process of its caller, then to its node, then to another node, as each has no container in time', async () => {
    const { network, client, cluster } = await served(['a', 1], ['b', 1], ['a', 1]);
    const asked: string[] = [];
    const all: Promise<unknown>[] = [];
    for (let count = 0; count < 3; count++) {
      all.push(client.run({ value: 500 }, { within: 20 }));
      await cluster.pass(50);
      const busy = await handledBy(network);
      asked.push(...busy.filter((process) => !asked.includes(process)));
    }
    expect(asked).to.deep.equal(['process-0', 'process-2', 'process-1']);
    await Promise.all(all);
  });

  it('waits first, for as long as it tolerates', async () => {
    const { client, cluster } = await served(['a', 1], ['b', 1]);
    const near = idOf(await client.run({ value: 0 }));
    const busy = client.run({ value: 30 });
    const beganMs = cluster.executor.scheduler.now();
    expect(idOf(await client.run({ value: 0 }, { within: 60 }))).to.equal(near);
    await busy;
    const again = client.run({ value: 30 });
    expect(idOf(await client.run({ value: 0 }, { within: 5 }))).to.not.equal(near);
    await again;
    expect(cluster.executor.scheduler.now() - beganMs).to.be.lessThan(100);
  });

  it('stays on its node, or in its network, where it says so', async () => {
    const { client } = await served(['a', 0], ['b', 1]);
    const error = await rejection(client.run({ value: 1 }, { only: 'local' }));
    expect(error)
      .to.be.instanceOf(CapacityError)
      .with.property('message')
      .that.includes('no process of this node serves');
    expect((await client.run({ value: 1 }, { only: 'network' })).value).to.equal(1);
    const busy = client.run({ value: 50 });
    const far = await rejection(client.run({ value: 1 }, { only: 'network', within: 1 }));
    expect(far).to.have.property('message').that.includes('node "b"').and.does.not.include('gateways');
    const any = await rejection(client.run({ value: 1 }, { within: 1 }));
    expect(any).to.have.property('message').that.includes('no gateways');
    await busy;
  });

  it('without a tolerance waits until its deadline, and is not handled then', async () => {
    const { client, network } = await served(['a', 0], ['b', 1]);
    const busy = client.run({ value: 500 });
    expect(await rejection(client.run({ value: 0 }, { timeoutMs: 200 }))).to.be.instanceOf(CapacityError);
    expect((await busy).value).to.equal(1);
    expect((await network.loads(Listing))[0]).to.include({ waiting: 0 });
    expect((await client.run({ value: 0 })).value).to.equal(2);
  });

  it('keeps its place before those that are younger, also when it has asked everywhere else meanwhile', async () => {
    const { client, cluster } = await served(['a', 1]);
    const busy = client.run({ value: 200 });
    await cluster.pass(5);
    const older = client.run({ value: 0 });
    await cluster.pass(40);
    const younger = client.run({ value: 0 });
    const replies = await Promise.all([busy, older, younger]);
    expect(replies.map(({ value }) => value)).to.deep.equal([1, 2, 3]);
  });

  it('leaves nothing when its caller aborts it', async () => {
    const { client, network, cluster } = await served(['a', 0], ['b', 1]);
    const [waiting, running] = [new AbortController(), new AbortController()];
    const first = rejection(client.run({ value: 30 }, { signal: running.signal }));
    const second = rejection(client.run({ value: 1 }, { signal: waiting.signal }));
    await cluster.pass(5);
    waiting.abort();
    expect(await second).to.be.instanceOf(AskAbortedError);
    running.abort();
    expect(await first).to.be.instanceOf(AskAbortedError);
    await client.run({ value: 0 });
    expect((await network.loads(Listing))[0]).to.include({ waiting: 0, idle: 1, containers: 1 });
  });

  it('gives its container back when the process of its caller crashes', async () => {
    const { cluster, networks } = await served(['a', 1], ['b', 0]);
    const client = await networks[1]?.client(Listing);
    const lost = rejection(client?.run({ value: 100_000 }, { timeoutMs: 200_000 }) ?? Promise.resolve());
    await cluster.pass(10);
    cluster.executor.crash('b');
    const own = await networks[0]?.client(Listing);
    // The container still handles the request of the process that has ended.
    expect(await rejection(own?.run({ value: 0 }, { within: 1 }) ?? Promise.resolve())).to.be.instanceOf(CapacityError);
    expect((await own?.run({ value: 0 }, { timeoutMs: 200_000 }))?.value).to.equal(2);
    expect(await lost).to.be.instanceOf(MillraceError);
  });

  it('fails when the process of its container crashes, and the next one goes elsewhere', async () => {
    const { client, cluster } = await served(['a', 0], ['b', 1], ['c', 1]);
    const requests = [1, 2].map(() => client.run({ value: 200 }).catch((error: unknown) => error));
    await cluster.pass(10);
    cluster.executor.crash('b');
    const outcomes = await Promise.all(requests);
    expect(outcomes.filter((each) => each instanceof MillraceError)).to.have.length(1);
    expect((await client.run({ value: 1 }, { within: 1 })).value).to.equal(2);
  });

  it('is answered by a process that stops, or goes elsewhere where it waits', async () => {
    const { client, runtimes, cluster } = await served(['a', 0], ['b', 1], ['c', 1]);
    const requests = [1, 2, 3, 4].map(() => client.run({ value: 200 }, { within: 500 }));
    await cluster.pass(10);
    await runtimes[1]?.stop({ drainTimeoutMs: 1_000 });
    expect(await Promise.all(requests)).to.have.length(4);
  });

  it('is governed with the pools of others once the control plane answers, also where it did not at first', async () => {
    const { network, runtimes } = await served(['a', 1], ['a', 1]);
    const [runtime] = runtimes;
    if (runtime === undefined) throw new Error('the runtime did not start');
    const { cluster } = network[capacityKey];
    const watchGroup = runtime.watchGroup.bind(runtime);
    runtime.watchGroup = () => Promise.reject(new AskTimeoutError('the control plane is away'));
    expect(await rejection(cluster())).to.be.instanceOf(AskTimeoutError);
    runtime.watchGroup = watchGroup;
    expect((await cluster()).ofNode.map(({ process }) => process)).to.deep.equal(['process-1']);
  });
});

describe('a pool', () => {
  closeAfterEach();

  it('refuses what no client of ours would ask, and goes on', async () => {
    const cluster = new Cluster();
    const runtime = await cluster.start();
    await using network = componentNetwork(runtime);
    await network.serve(clerk);
    const found: ActorRef<typeof v1.ComponentPool>[] = [];
    const unwatch = await runtime.watchGroup(v1.ComponentPool, `components of ${Listing.typeName}`, (all) => {
      found.splice(0, found.length, ...all);
    });
    const [pool] = found;
    if (pool === undefined) throw new Error('there is a pool');
    const caller = runtime.spawn(behavior(v1.ComponentCaller, { poolLoaded: () => {} })).toRef();
    const good = { caller, id: 1, timeoutMs: 1_000, leaseMs: 1_000 };
    const wrong = [
      { timeoutMs: Number.NaN },
      { timeoutMs: -1 },
      { withinMs: 1e300 },
      { leaseMs: -5 },
      { caller: undefined },
    ];
    for (const each of wrong) {
      expect(await rejection(pool.acquire({ ...good, ...each }))).to.have.property('handlerName', 'ProtocolError');
    }
    expect((await pool.acquire(good)).container).to.not.equal(undefined);
    expect((await pool.acquire(good)).refused).to.include('number');
    pool.release({ caller, id: 99, hasAnswered: true });
    pool.release({ caller, id: 1, hasAnswered: true });
    pool.release({ caller, id: 1, hasAnswered: true });
    const client = await network.client(Listing);
    expect((await client.run({ value: 1 }, { within: 1 })).value).to.equal(1);
    // Who forgets to release it has it for as long as it has said.
    await pool.acquire({ ...good, id: 2 });
    expect((await client.run({ value: 1 })).value).to.equal(2);
    unwatch();
  });

  it('is believed about itself alone, whatever another one says of it', async () => {
    const cluster = new Cluster();
    const network = componentNetwork(await cluster.start({ node: 'depot' }));
    const served = await network.serve(clerk);
    const near = componentNetwork(await cluster.start({ node: 'shop' }));
    const client = await near.client(Listing);
    await client.run({ value: 1 }, { only: 'network' });
    const group = `components of ${Listing.typeName}`;
    const stranger = await cluster.start({ node: 'stranger' });
    let told = 0;
    const liar = stranger.spawn(
      behavior(v1.ComponentPool, {
        acquire: (_state, { caller, token }, context) => {
          const gateway = v1.GatewayLoad.create({ network: 'paradise', version: 2 ** 32 - 1 });
          const load = v1.PoolLoad.create({ pool: channel, component: 'clerk', node: 'stranger', gateway });
          const victim = context.ref(v1.ComponentCaller, caller);
          for (const each of [token, 0n, token ^ 2n]) {
            victim.poolLoaded({ token: each, load });
            told++;
          }
          return { refused: 'it has none' };
        },
        release: () => {},
        describePool: () => ({ node: 'stranger', containers: 9, idle: 9 }),
        limitCapacity: () => ({}),
      }),
    );
    let channel = 0n;
    const unwatch = await stranger.watchGroup(v1.ComponentPool, group, ([pool]) => {
      channel = pool?.toRef().cUid ?? 0n;
    });
    unwatch();
    await stranger.register(group, liar, { group: true });
    const { directory } = await near[useKey](Listing);
    await until(() => directory.pools.length === 2);
    for (let count = 0; count < 4; count++) await client.run({ value: 1 }, { only: 'network' });
    expect(told).to.be.greaterThan(0);
    await cluster.pass(1_000);
    const depot = () => directory.pools.find(({ ref }) => ref.toRef().cUid === channel)?.load;
    expect(depot()).to.include({ node: 'depot', gateway: undefined });
    await client.run({ value: 1 }, { only: 'network', timeoutMs: 1_000 });
    // What its own pool reports still counts.
    served.setContainers(3);
    await until(() => depot()?.containers === 3);
  });

  it('takes back the container of a caller that has used its number twice, and has ended', async () => {
    const cluster = new Cluster();
    const runtime = await cluster.start({ node: 'depot' });
    const network = componentNetwork(runtime);
    const served = await network.serve(clerk, { containers: 1 });
    const stranger = await cluster.start({ node: 'stranger' });
    await takesTwice(stranger, `components of ${Listing.typeName}`);
    expect(served.load().idle).to.equal(0);
    cluster.executor.crash('stranger');
    await until(() => served.load().idle === 1);
  });
});

describe('the order in which pools are asked', () => {
  const pool = fc.record({
    distance: fc.constantFrom('process' as const, 'node' as const, 'network' as const),
    reached: fc.constant([]),
    containers: fc.nat(5),
    idle: fc.nat(5),
    waiting: fc.nat(9),
  });

  it('has each allowed pool once, the nearest first, and among equals those that have something idle', () => {
    fc.assert(
      fc.property(fc.array(pool), fc.constantFrom('local' as const, 'any' as const), fc.nat(), (pools, only, turn) => {
        const order = spillOrder(pools, { only, through: [] }, turn);
        const allowed = pools.filter(({ distance }) => only === 'any' || distance !== 'network');
        expect(allowed.every((each) => order.includes(each))).to.equal(true);
        expect(order).to.have.length(allowed.length);
        const ranks = order.map(({ distance }) => ['process', 'node', 'network'].indexOf(distance));
        expect(ranks).to.deep.equal([...ranks].sort((left, right) => left - right));
        order.forEach((each, index) => {
          const next = order[index + 1];
          if (next?.distance === each.distance) expect(each.idle).to.be.at.least(next.idle);
        });
      }),
    );
  });
});
