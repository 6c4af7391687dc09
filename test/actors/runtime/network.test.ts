import { expect } from 'chai';
import { componentNetwork } from '#src/actors/component/index.js';
import { behavior, systemKey } from '#src/actors/kernel/index.js';
import type { MemberOfNetwork, Runtime, RuntimeOptions } from '#src/actors/runtime/index.js';
import { AskTimeoutError, CapacityError, ConfigError, RefusedError } from '#src/errors.js';
import { membershipCUid } from '#src/ids/index.js';
import { limits } from '#src/limits.js';
import { v1 } from '#src/protocol/index.js';
import { rejection } from '../../support/rejection.js';
import { Listing } from '../transport/errands.js';
import { depot } from '../component/depot.js';
import { Cluster } from './harness.js';

const numbered = (ordinal: number) =>
  behavior(v1.PartitionRuntime, { supervision: 'stop', describe: () => ({ ordinal }) });

/** On virtual time, where a network of several processes costs little; test/slow/network has real processes. */
describe('a network of processes without a common control plane', () => {
  let cluster: Cluster;
  beforeEach(() => {
    cluster = new Cluster({ seed: 5 });
  });
  afterEach(async () => {
    for (const runtime of cluster.executor.runtimes.toReversed()) await runtime.stop();
    await cluster.close();
  });

  const start = async (index: number, seed?: Runtime, options: RuntimeOptions = {}): Promise<Runtime> => {
    const seeds = seed === undefined ? [] : [seed.controlPlane];
    return cluster.executor.start({ node: `node-${index}`, name: 'process', network: { seeds }, ...options });
  };
  const several = async <const Count extends 1 | 2 | 3 | 4 | 5>(count: Count) => {
    const first = await start(0);
    const others: Runtime[] = [];
    for (let index = 1; index < count; index++) others.push(await start(index, first));
    const [second = first, third = first, fourth = first] = others;
    return { all: [first, ...others], first, second, third, fourth };
  };
  const statuses = (runtime: Runtime): string[] => runtime.members().map(({ node, status }) => `${node} ${status}`);
  const living = (runtime: Runtime): number => runtime.members().filter(({ status }) => status === 'alive').length;
  /** At most two minutes of virtual time. */
  const until = async (isTrue: () => boolean): Promise<void> => {
    for (let waits = 0; waits < 1_200 && !isTrue(); waits++) await cluster.pass(100);
    expect(isTrue(), isTrue.toString()).to.equal(true);
  };

  it('is joined by any member that is up; each of them sees all', async () => {
    const { all, fourth } = await several(4);
    await until(() => all.every((runtime) => living(runtime) === 4));
    const late = await cluster.executor.start({
      node: 'late',
      name: 'process',
      network: { seeds: ['memory://nowhere/process/0', fourth.controlPlane] },
    });
    expect(living(late)).to.equal(5);
    expect(late.members()[0]).to.include({ node: 'late', isSelf: true });
    await until(() => all.every((runtime) => living(runtime) === 5));
  });

  it('refuses names of nodes and processes that are none', async () => {
    for (const wrong of ['', 'a b', 'a/b', 'a#b', 'a!b', 'a\nb', '\ud800', 'n'.repeat(256)]) {
      for (const names of [{ node: wrong }, { name: wrong }]) {
        const error = await rejection(cluster.executor.start(names));
        expect(error, JSON.stringify(names)).to.be.instanceOf(ConfigError);
        expect(String(error)).to.include('1 to 255 whole characters without blanks');
      }
    }
  });

  it('finds actors by their names in other processes, and asks them directly', async () => {
    const { first, second, third } = await several(3);
    await second.register('it', second.spawn(numbered(2)));
    const ref = await third.lookup(v1.PartitionRuntime, 'it');
    expect(await ref.describe({})).to.include({ ordinal: 2 });
    expect(await rejection(first.lookup(v1.PartitionRuntime, 'other', { timeoutMs: 500 })))
      .to.have.property('message')
      .that.contains(
        'no member of the network offered an actor of millrace.v1.PartitionRuntime under the name "other" within 500 ms',
      );
  });

  it('refuses a name of an actor with another service, here and in other processes', async () => {
    const { second, third } = await several(3);
    await second.register('it', second.spawn(numbered(2)));
    await third.lookup(v1.PartitionRuntime, 'it');
    for (const runtime of [second, third]) {
      expect(await rejection(runtime.lookup(Listing, 'it')))
        .to.be.instanceOf(ConfigError)
        .with.property('message')
        .that.contains('The name "it" is that of an actor of millrace.v1.PartitionRuntime, not of');
    }
  });

  it('tells a process that joins of all, however many there are', async () => {
    const first = await start(0);
    for (let index = 1; index < 20; index++) await start(index, first);
    await until(() => living(first) === 20);
    const late = await start(20, first);
    expect(living(late)).to.equal(21);
  }).timeout(60_000);

  it('waits for a name that is offered later, and follows it when it moves', async () => {
    const { first, second, third } = await several(3);
    const heard: (string | undefined)[] = [];
    const unwatch = await first.watchName(v1.PartitionRuntime, 'it', (holder) => heard.push(holder?.name ?? undefined));
    const found = first.lookup(v1.PartitionRuntime, 'it', { timeoutMs: 20_000 });
    const ref = second.spawn(numbered(2));
    await second.register('it', ref);
    expect(await (await found).describe({})).to.include({ ordinal: 2 });
    await second.stopActor(ref);
    await until(() => heard.length >= 3);
    await third.register('it', third.spawn(numbered(3)));
    await until(() => heard.length >= 4);
    expect(heard.map((each) => each !== undefined)).to.deep.equal([false, true, false, true]);
    unwatch();
  });

  it('registers names beside more lookups that wait than it may have requests open', async () => {
    const { second } = await several(2);
    const waiting = Array.from({ length: limits.controlPlaneRequests + 44 }, async (_, index) =>
      rejection(second.lookup(Listing, `missing ${index}`, { timeoutMs: 15_000 })),
    );
    await cluster.pass(100);
    const fromMs = cluster.executor.scheduler.now();
    for (let index = 0; index < 20; index++) await second.register(`it ${index}`, second.spawn(numbered(index)));
    expect(cluster.executor.scheduler.now() - fromMs).to.be.lessThan(1_000);
    for (const error of await Promise.all(waiting)) expect(error).to.be.instanceOf(AskTimeoutError);
  });

  it('has groups, and so components, across processes; those of a process that leaves are gone at once', async () => {
    const { first, second, third } = await several(3);
    let members = 0;
    const unwatch = await first.watchGroup(v1.PartitionRuntime, 'all', (present) => (members = present.length));
    await second.register('all', second.spawn(numbered(2)), { group: true });
    await third.register('all', third.spawn(numbered(3)), { group: true });
    await until(() => members === 2);
    await using serving = componentNetwork(second);
    await serving.serve(depot, { containers: 1 });
    await using calling = componentNetwork(third);
    const client = await calling.client(depot.service);
    await until(() => third.members().some(({ names }) => names.some((name) => name.includes('components of'))));
    expect((await client.run({ value: 1 }, { timeoutMs: 20_000 })).value).to.equal(2);
    await second.stop();
    await until(() => members === 1);
    unwatch();
    expect(statuses(first).toSorted()).to.deep.equal(['node-0 alive', 'node-1 left', 'node-2 alive']);
  });

  it('takes a crashed process for dead, and never one that is up', async () => {
    const { all, first } = await several(5);
    await until(() => all.every((runtime) => living(runtime) === 5));
    const seen = new Set<string>();
    const watch = (members: readonly MemberOfNetwork[]): void => {
      for (const { node, status } of members) if (status === 'dead') seen.add(node);
    };
    const unwatch = first.watchMembers(watch);
    cluster.executor.crash('node-3');
    const rest = all.filter(({ node }) => node !== 'node-3');
    await until(() => rest.every((runtime) => statuses(runtime).includes('node-3 dead')));
    expect([...seen]).to.deep.equal(['node-3']);
    unwatch();
    expect(first.network()).to.include({ alive: 4, dead: 1, suspect: 0, unwell: 0, budgetBytes: 600 });
  });

  it('heals after a cut without a restart', async () => {
    const { all } = await several(4);
    await until(() => all.every((runtime) => living(runtime) === 4));
    const heal = cluster.executor.network.partition(['node-0', 'node-1'], ['node-2', 'node-3']);
    await until(() => all.every((runtime) => living(runtime) === 2));
    heal();
    await until(() => all.every((runtime) => living(runtime) === 4));
  });

  it('is not mixed with a control plane, and only a member has its calls', async () => {
    const { first } = await several(1);
    const both = await rejection(start(1, first, { controlPlane: first.controlPlane ?? '' }));
    expect(both).to.be.instanceOf(ConfigError).with.property('message').that.contains('or to a network without one');
    const other = await cluster.executor.start({ node: 'alone', name: 'process' });
    expect(() => other.members()).to.throw(ConfigError, 'start the runtime with the option seeds');
    expect(() => first.limitCoordination(0)).to.throw(ConfigError, 'a whole number of bytes a second');
    first.limitCoordination(100);
    expect(first.network()?.budgetBytes).to.equal(100);
  });

  it('refuses more names than a member may offer, and gives up the one too many', async () => {
    const { first, second } = await several(2);
    const long = 'x'.repeat(2_000);
    let refusal: Error | undefined;
    for (let index = 0; refusal === undefined && index < 100; index++) {
      refusal = await first.register(`${long}${index}`, first.spawn(numbered(1))).then(
        () => undefined,
        (error: Error) => error,
      );
    }
    expect(refusal)
      .to.be.instanceOf(CapacityError)
      .with.property('message')
      .that.contains('Register fewer or shorter names');
    expect(living(second)).to.equal(2);
  });

  it('refuses what no member can mean, and goes on', async () => {
    const { first, second } = await several(2);
    const member = first.peers.reference(v1.NetworkMember, second.controlPlane, membershipCUid);
    const from = first[systemKey].incarnation;
    const crowd = Array.from({ length: limits.networkMembers + 2 }, (_, index) => ({ id: BigInt(index + 1) }));
    const description = { id: from, version: 1, address: 'memory://x/y/0', node: 'x'.repeat(5_000) };
    const refused = [
      member.probe({}),
      member.probe({ news: { from: 0n } }),
      member.probe({ news: { from, news: crowd } }),
      member.exchange({ from, states: [{ id: from, incarnation: 2 ** 32 - 1 }] }),
      member.exchange({ from, states: [], self: description }),
      member.exchange({ from, states: [], self: { ...description, node: 'x', id: 8n } }),
      ...[undefined, { cUid: 0n, service: 's.A' }, { cUid: membershipCUid, service: 's.A' }, { cUid: 2n ** 63n }].map(
        async (ref) => {
          const names = [{ name: 'all', isGroup: true, ref }];
          return member.exchange({ from, states: [], self: { ...description, node: 'x', names } });
        },
      ),
      member.describeMembers({ from, ids: crowd.map(({ id }) => id) }),
    ];
    for (const each of refused) {
      expect(await rejection(each))
        .to.be.instanceOf(RefusedError)
        .with.property('reason', 'MALFORMED');
    }
    member.spread({ from, news: crowd });
    await until(() => (second.network()?.refused ?? 0) >= refused.length + 1);
    expect(living(second)).to.equal(2);
    expect(await rejection(second.lookup(Listing, 'nothing', { timeoutMs: 100 }))).to.be.instanceOf(AskTimeoutError);
  });
});
