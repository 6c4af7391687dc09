import { expect } from 'chai';
import { State } from '#src/actors/control-plane/index.js';
import { ConfigError, StoppedError, UnreachableError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import { v1 } from '#src/protocol/index.js';
import { endWorlds } from '../transport/partitions.js';
import { millraceRejection } from '../../support/rejection.js';
import { until } from '../../support/until.js';
import { definition, type Member, parts, Plane } from './plane.js';

const one = { cUid: 11n, service: 'shop.Pricing' };
const other = { cUid: 22n, service: 'shop.Pricing' };

/** A member and the partition that it has at the control plane. */
async function idsOf(plane: Plane, { client, partition }: Member): Promise<readonly unknown[]> {
  const { resources } = await plane.from(partition).list({});
  const own = resources.flatMap(({ detail }) =>
    detail.case === 'partition' && detail.value.pUid === client.pUid
      ? [detail.value.ordinal, detail.value.address]
      : [],
  );
  return [client.pUid, ...own];
}

function groupOf({ client }: Member, group: string): bigint[] {
  const members = [...client.resources()].flatMap(({ detail }) =>
    detail.case === 'groupMember' && detail.value.group === group ? [detail.value.ref?.cUid ?? 0n] : [],
  );
  return members.toSorted((left, right) => Number(left - right));
}

describe('a process that loses the control plane', () => {
  afterEach(endWorlds);

  it('is degraded: it is told once, its requests wait, and it leaves without waiting', async () => {
    const plane = await Plane.start();
    const member = await plane.join('a/1');
    plane.crash();
    await until('it to be told', () => member.degraded.length === 1);
    expect(member.degraded[0]).to.be.instanceOf(UnreachableError);
    expect(member.client.isConnected).to.equal(false);
    const from = plane.world.scheduler.now();
    const late = await millraceRejection(member.client.lookup('never', 'shop.Pricing', 3_000));
    expect(late).to.be.instanceOf(UnreachableError);
    expect(plane.world.scheduler.now() - from).to.be.closeTo(3_000, 1e-6);
    const waiting = millraceRejection(member.client.lookup('never', 'shop.Pricing', 60_000));
    const leaving = plane.world.scheduler.now();
    await member.client.disconnect();
    expect(await waiting).to.be.instanceOf(UnreachableError);
    expect(plane.world.scheduler.now()).to.equal(leaving);
    expect(await millraceRejection(member.client.locate(1, 0n))).to.be.instanceOf(StoppedError);
    expect(member.degraded).to.have.length(1);
    expect(member.lost).to.deep.equal([]);
  });

  it('rejoins after a cut that is longer than a link lives, with its ids, names and groups', async () => {
    const plane = await Plane.start();
    const [member, watcher] = [await plane.join('a/1'), await plane.join('b/1')];
    await member.client.registerName('pricing', one);
    await member.client.registerName('pool', one, { isGroup: true });
    await watcher.client.watchGroup('pool');
    const before = await idsOf(plane, member);
    plane.world.network.partition(['a'], ['server', 'b']);
    await until('the cut to be noticed', () => member.degraded.length === 1);
    await until('it to be retired', () => groupOf(watcher, 'pool').length === 0);
    const looked = watcher.client.lookup('pricing', 'shop.Pricing', 60_000);
    plane.world.network.heal();
    expect(await looked).to.include(one);
    await until('it to rejoin', () => member.rejoined.length === 1);
    expect(await idsOf(plane, member)).to.deep.equal(before);
    expect(member.client.isConnected).to.equal(true);
    expect(await watcher.client.locate(member.ordinal, 0n)).to.equal(member.partition.address);
    await until('the group to have it', () => groupOf(watcher, 'pool').length === 1);
    expect([member.lost, member.refused]).to.deep.equal([[], []]);
  });

  it('can be located behind a cut, for it may live on', async () => {
    const plane = await Plane.start();
    const [member, watcher] = [await plane.join('a/1'), await plane.join('b/1')];
    plane.world.network.partition(['a'], ['server']);
    const retired = async (): Promise<boolean> => (await plane.from(watcher.partition).list({})).resources.length === 2;
    for (let waited = 0; !(await retired()); waited++) {
      expect(waited).to.be.lessThan(100);
      await plane.world.pass(100);
    }
    expect(await watcher.client.locate(member.ordinal, 0n)).to.equal(member.partition.address);
    expect(await watcher.client.locate(member.ordinal, 7n)).to.equal(undefined);
  });

  it('loses a name that another actor has got meanwhile, and nothing else', async () => {
    const plane = await Plane.start();
    const [member, rival] = [await plane.join('a/1'), await plane.join('b/1')];
    await member.client.registerName('pricing', one);
    await member.client.registerName('stock', one);
    plane.world.network.partition(['a'], ['server', 'b']);
    await until('the cut to be noticed', () => member.degraded.length === 1);
    const taken = async (): Promise<boolean> => {
      const error = await rival.client.registerName('pricing', other).catch((refused: unknown) => refused);
      if (error !== undefined) expect(error).to.be.instanceOf(ConfigError);
      return error === undefined;
    };
    while (!(await taken())) await plane.world.pass(100);
    plane.world.network.heal();
    await until('it to rejoin', () => member.rejoined.length === 1);
    expect(member.refused).to.deep.equal(['pricing']);
    expect(await rival.client.lookup('pricing', 'shop.Pricing', 1_000)).to.include(other);
    expect(await rival.client.lookup('stock', 'shop.Pricing', 1_000)).to.include(one);
    expect(member.lost).to.deep.equal([]);
  });

  it('has what it was given before, and no segment that was given up meanwhile', async () => {
    const plane = await Plane.start();
    const [manager, member] = [await plane.join('m/1'), await plane.join('a/1')];
    const pipeline = await manager.client.startPipeline(definition, []);
    await manager.client.expandPipeline(parts(pipeline, manager.ordinal, member.ordinal));
    const segments = () => [...member.client.resources()].filter(({ detail }) => detail.case === 'segment');
    await until('the segment to be known', () => segments().length === 1);
    plane.world.network.partition(['a'], ['server', 'm']);
    await until('the cut to be noticed', () => member.degraded.length === 1);
    expect(segments(), 'nothing ends because of a cut').to.have.length(1);
    await plane.world.pass(10_000);
    plane.world.network.heal();
    await until('it to rejoin', () => member.rejoined.length === 1);
    await until('the segment to be removed', () => member.removed.length > 0);
    expect(segments()).to.deep.equal([]);
    const kinds = [...member.client.resources()].map(({ detail }) => detail.case);
    expect(kinds).to.have.members(['partition', 'process']);
  });
});

describe('a control plane that has crashed and starts anew', () => {
  afterEach(endWorlds);

  async function cluster() {
    const plane = await Plane.start();
    const members = [await plane.join('a/1'), await plane.join('b/1'), await plane.join('c/1')] as const;
    const [first, second, third] = members;
    await first.client.registerName('pricing', one);
    await second.client.registerName('stock', other);
    await first.client.registerName('pool', one, { isGroup: true });
    await second.client.registerName('pool', other, { isGroup: true });
    await third.client.watchGroup('pool');
    return { plane, members, first, second, third };
  }

  it('has the processes, names and groups again, under their ids, and takes in new ones', async () => {
    const { plane, members, first, third } = await cluster();
    const before = await Promise.all(members.map((member) => idsOf(plane, member)));
    plane.crash();
    await until('all to notice', () => members.every(({ degraded }) => degraded.length === 1));
    const looked = third.client.lookup('pricing', 'shop.Pricing', 30_000);
    await plane.world.pass(2_000);
    await plane.restart();
    const restartedAt = plane.world.scheduler.now();
    expect(await looked).to.include(one);
    const late = await plane.join('d/1');
    await until('all to rejoin', () => members.every(({ rejoined }) => rejoined.length === 1));
    expect(plane.world.scheduler.now() - restartedAt).to.be.lessThan(5_000);
    expect(await Promise.all(members.map((member) => idsOf(plane, member)))).to.deep.equal(before);
    expect(await late.client.lookup('stock', 'shop.Pricing', 1_000)).to.include(other);
    expect(members.map(({ ordinal }) => ordinal)).not.to.include(late.ordinal);
    expect(groupOf(third, 'pool')).to.deep.equal([11n, 22n]);
    await first.client.unregisterName('pool', 11n, true);
    expect(groupOf(third, 'pool')).to.deep.equal([22n]);
  });

  it('never makes a group seem empty to those who use it', async () => {
    const { plane, members, third } = await cluster();
    let fewest = 2;
    const watch = (): void => void (fewest = Math.min(fewest, new Set(groupOf(third, 'pool')).size));
    plane.crash();
    await plane.world.pass(1_000);
    await plane.restart();
    for (let step = 0; step < 600; step++) {
      watch();
      await plane.world.pass(10);
    }
    expect(members.every(({ rejoined }) => rejoined.length === 1)).to.equal(true);
    expect(fewest).to.equal(2);
  });

  it('keeps a name for its holder, who announces itself after somebody else has asked for it', async () => {
    const { plane, members, second } = await cluster();
    plane.crash();
    await until('all to notice', () => members.every(({ degraded }) => degraded.length === 1));
    plane.world.network.partition(['a'], ['server']);
    await plane.restart();
    const rival = plane.join('e/1');
    await until('one to rejoin', () => second.degraded.length === 1);
    const newcomer = await rival;
    await plane.world.pass(1_300);
    const taken = millraceRejection(newcomer.client.registerName('pricing', { cUid: 33n, service: 's' }));
    plane.world.network.heal();
    expect(await taken).to.be.instanceOf(ConfigError);
    expect(await newcomer.client.lookup('pricing', 'shop.Pricing', 1_000)).to.include(one);
  });

  it('takes nobody for ended before all had time to announce themselves', async () => {
    const { plane, members, first, second } = await cluster();
    plane.crash();
    await until('all to notice', () => members.every(({ degraded }) => degraded.length === 1));
    plane.world.network.partition(['a'], ['server']);
    await plane.restart();
    const located = second.client.locate(first.ordinal, 0n);
    await plane.world.pass(1_300);
    plane.world.network.heal();
    expect(await located).to.equal(first.partition.address);
    expect(await second.client.locate(7_777, 0n)).to.equal(undefined);
  });

  it('follows in its epoch on the one before, again and again', async () => {
    const { plane, members, third } = await cluster();
    for (let round = 1; round <= 4; round++) {
      plane.crash();
      await plane.world.pass(500);
      await plane.restart();
      await until('all to rejoin', () => members.every(({ rejoined }) => rejoined.length === round));
    }
    const { server } = await plane.from(third.partition).connect({ tag: 1, launch: 'probe', node: 'p', name: 'p' });
    expect(server?.epoch).to.equal(5);
  });

  it('is refused where its epoch is earlier than one that a process follows', async () => {
    const plane = await Plane.start();
    const server = plane.from(plane.server);
    plane.crash();
    await plane.restart(3);
    const asker = plane.from(await plane.world.start('x/1'));
    const request = { name: 'pricing', epoch: 4 };
    expect(await millraceRejection(asker.lookup(request))).to.include({ reason: 'DEPOSED' });
    expect(await millraceRejection(asker.locate({ ordinal: 1, epoch: 4 }))).to.include({ reason: 'DEPOSED' });
    const process = v1.ConnectProcess.create({ launch: 'l', node: 'x', name: 'x' });
    const announcement = { process, pUid: 2n ** 33n, server: v1.ServerIdentity.create({ epoch: 4, incarnation: 9n }) };
    expect(await millraceRejection(asker.announce(announcement))).to.include({ reason: 'DEPOSED' });
    expect(server).not.to.equal(undefined);
    expect(limits.recoveryMs).to.be.greaterThan(limits.rejoinMs);
  });

  it('is followed by a process that had joined while the one before recovered, and whose view that had not begun then', async () => {
    const { plane, members, first } = await cluster();
    plane.crash();
    await until('all to notice', () => members.every(({ degraded }) => degraded.length === 1));
    plane.world.network.partition(['a', 'b', 'c'], ['server']);
    await plane.restart();
    // It is told the first epoch, and its view has that which follows on the epoch of the others.
    const late = plane.member(await plane.world.start('late/1'));
    await late.client.connect({ launch: 'late', node: 'late', name: 'late' });
    plane.world.network.heal();
    await until('the others to rejoin', () => members.every(({ rejoined }) => rejoined.length === 1));
    await late.client.registerPartitions([late.partition.address]);
    await late.client.activate([{ cUid: late.partition.transportCUid, service: v1.SegmentsManager.typeName }]);
    plane.crash();
    plane.world.network.partition(['a', 'b', 'c'], ['server']);
    await plane.restart();
    await until('it to announce itself first', () => late.rejoined.length === 1);
    plane.world.network.heal();
    await until('the others to rejoin', () => members.every(({ rejoined }) => rejoined.length === 2));
    await late.client.watchGroup('pool');
    const pool = [...late.client.resources()].flatMap(({ detail }) => (detail.case === 'groupMember' ? [detail] : []));
    expect(pool.length, 'the members of the group').to.be.greaterThan(0);
    expect(first.lost).to.deep.equal([]);
  });

  it('has members that ignore what an earlier one still sends', async () => {
    const { plane, members, third } = await cluster();
    plane.crash();
    await plane.restart();
    await until('all to rejoin', () => members.every(({ rejoined }) => rejoined.length === 1));
    const before = [...third.client.resources()].map(({ id }) => id);
    const stale = { base: 0, nonce: 1_000, isSnapshot: true, changed: [], epoch: 1, view: 99 };
    third.client.actor.update(stale);
    await plane.world.pass(100);
    expect([...third.client.resources()].map(({ id }) => id)).to.deep.equal(before);
  });

  it('fences a process whose ids another one has got', async () => {
    const { plane, members, first } = await cluster();
    plane.crash();
    await until('all to notice', () => members.every(({ degraded }) => degraded.length === 1));
    plane.world.network.partition(['a'], ['server']);
    await plane.restart();
    const thief = plane.from(await plane.world.start('t/1'));
    const process = v1.ConnectProcess.create({ launch: 'thief', node: 't', name: 't' });
    const server = v1.ServerIdentity.create({ epoch: 1, incarnation: 0n });
    const [partition] = [v1.AnnouncedPartition.create({ ordinal: first.ordinal, address: 'memory://t/1' })];
    await thief.announce({ process, pUid: 2n ** 40n, server, partitions: [partition] });
    plane.world.network.heal();
    await until('it to be told', () => first.lost.length === 1);
    expect(String(first.lost[0])).to.include('no longer part of the cluster').and.include(`ordinal ${first.ordinal}`);
    expect(await millraceRejection(first.client.lookup('x', 'shop.Pricing', 10))).to.be.instanceOf(UnreachableError);
  });

  it('refuses an announcement that does not prove who sends it', async () => {
    const { plane, first } = await cluster();
    const forger = plane.from(await plane.world.start('f/1'));
    const process = v1.ConnectProcess.create({ launch: 'a/1', node: 'a', name: 'a/1', secret: 5n });
    const server = v1.ServerIdentity.create({ epoch: 1, incarnation: 0n });
    const refused = await millraceRejection(forger.announce({ process, pUid: first.client.pUid, server }));
    expect(refused).to.include({ handlerCode: 'PROTOCOL' });
    await first.client.registerName('still', one);
  });
});

describe('a process that starts before the control plane', () => {
  afterEach(endWorlds);

  it('waits for it', async () => {
    const plane = await Plane.start();
    plane.crash();
    const member = plane.member(await plane.world.start('a/1'));
    const joined = plane.bringUp(member);
    await plane.world.pass(5_000);
    await plane.restart();
    const { ordinal, client } = await joined;
    expect(await idsOf(plane, await joined)).to.deep.equal([client.pUid, ordinal, member.partition.address]);
    expect(member.degraded).to.deep.equal([]);
  });

  it('does so up to its deadline, and says where it has looked', async () => {
    const plane = await Plane.start();
    plane.crash();
    const member = plane.member(await plane.world.start('a/1'));
    const from = plane.world.scheduler.now();
    const error = await millraceRejection(plane.bringUp(member));
    expect(error).to.be.instanceOf(UnreachableError);
    expect(error.message).to.include(plane.server.address);
    expect(plane.world.scheduler.now() - from).to.be.closeTo(limits.controlPlaneTimeoutMs, 1_000);
  });

  it('joins the one that has started anew while it was joining', async () => {
    const plane = await Plane.start();
    const { client, partition } = plane.member(await plane.world.start('a/1'));
    await client.connect({ launch: 'a', node: 'a', name: 'a' });
    plane.crash();
    await plane.restart();
    const [ordinal = 0] = await client.registerPartitions([partition.address]);
    await client.activate([{ cUid: partition.transportCUid, service: v1.SegmentsManager.typeName }]);
    expect(await plane.from(partition).locate({ ordinal })).to.include({ address: partition.address });
    const [own] = [...client.resources()].filter(({ detail }) => detail.case === 'process');
    expect(own?.actual).to.equal(State.RUNNING);
  });
});
