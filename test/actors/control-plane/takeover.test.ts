import { expect } from 'chai';
import { limits } from '#src/limits.js';
import { v1 } from '#src/protocol/index.js';
import { millraceRejection } from '../../support/rejection.js';
import { endWorlds } from '../transport/partitions.js';
import { until } from '../../support/until.js';
import { type Member, Plane } from './plane.js';

const one = { cUid: 11n, service: 'shop.Pricing' };
const other = { cUid: 22n, service: 'shop.Pricing' };

/** Virtual time passes, to the very ms. */
function sleep({ world }: Plane, ms: number): Promise<void> {
  return new Promise((resolve) => void world.scheduler.setTimer(ms, resolve));
}

/** What a process may change at the control plane, and whether that holds at the one that serves now. */
interface Change {
  readonly what: string;
  /** It is answered when the recovery of the control plane is over. */
  readonly isLate: boolean;
  readonly request: (member: Member) => Promise<unknown>;
  readonly holds: (plane: Plane, member: Member, witness: Member) => Promise<boolean>;
}

async function addressesOf(plane: Plane, { client, partition }: Member): Promise<readonly string[]> {
  const { resources } = await plane.from(partition).list({});
  return resources.flatMap(({ detail }) =>
    detail.case === 'partition' && detail.value.pUid === client.pUid ? [detail.value.address] : [],
  );
}

function hasMember({ client }: Member, group: string, cUid: bigint): boolean {
  return [...client.resources()].some(
    ({ detail }) => detail.case === 'groupMember' && detail.value.group === group && detail.value.ref?.cUid === cUid,
  );
}

const changes: readonly Change[] = [
  {
    what: 'a name',
    isLate: true,
    request: ({ client }) => client.registerName('pricing', one),
    holds: async (_plane, _member, { client }) =>
      (await client.lookup('pricing', 'shop.Pricing', 10_000)).cUid === one.cUid,
  },
  {
    what: 'a membership of a group',
    isLate: false,
    request: ({ client }) => client.registerName('pool', one, { isGroup: true }),
    holds: async (_plane, _member, witness) => {
      await witness.client.watchGroup('pool');
      return hasMember(witness, 'pool', one.cUid);
    },
  },
  {
    what: 'a group that is watched',
    isLate: true,
    request: ({ client }) => client.watchGroup('pool'),
    holds: async (_plane, member, witness) => {
      await witness.client.registerName('pool', other, { isGroup: true });
      await until('the member to be known', () => hasMember(member, 'pool', other.cUid));
      return true;
    },
  },
  {
    what: 'a partition',
    isLate: false,
    request: ({ client }) => client.registerPartitions(['memory://a/2']),
    holds: async (plane, member) => (await addressesOf(plane, member)).includes('memory://a/2'),
  },
];

describe('a process whose control plane is taken over', () => {
  afterEach(endWorlds);

  for (const { what, request, holds } of changes) {
    it(`has ${what} at the next one, when the last one answers after this process has turned away from it`, async () => {
      const plane = await Plane.start({ latencyMs: 200 });
      const [member, witness] = [await plane.join('a/1'), await plane.join('b/1')];
      const changed = request(member);
      await sleep(plane, 250);
      await plane.takeOver('next', 2);
      for (const { client } of [member, witness]) client.serverMoved();
      await changed;
      await until('both to rejoin', () => member.rejoined.length === 1 && witness.rejoined.length === 1);
      expect(await holds(plane, member, witness)).to.equal(true);
      expect([...member.lost, ...member.refused]).to.deep.equal([]);
    });
  }

  // The answer follows when the recovery is over, and after the request was repeated.
  const lateMs = (3 * limits.recoveryMs) / 4;

  for (const { what, request, holds } of changes.filter(({ isLate }) => isLate)) {
    it(`has ${what} at the next one, when the last one answers after this process has announced itself there`, async () => {
      const plane = await Plane.start();
      plane.crash();
      await plane.restart(2);
      const [member, witness] = [await plane.join('a/1'), await plane.join('b/1')];
      const changed = request(member);
      await sleep(plane, lateMs);
      await plane.takeOver('next', 3);
      for (const { client } of [member, witness]) client.serverMoved();
      await changed;
      await until('both to rejoin', () => member.rejoined.length === 1 && witness.rejoined.length === 1);
      expect(await holds(plane, member, witness)).to.equal(true);
    });

    it(`has ${what} at the next one, when the last one has it after its lease has ended`, async () => {
      const plane = await Plane.start();
      const term = { epoch: 2n, isHeld: true };
      plane.crash();
      await plane.restart(2, term);
      const [member, witness] = [await plane.join('a/1'), await plane.join('b/1')];
      const changed = request(member);
      await sleep(plane, lateMs);
      term.isHeld = false;
      await plane.takeOver('next', 3);
      await changed;
      await until('it to rejoin', () => member.rejoined.length === 1);
      expect(await holds(plane, member, witness)).to.equal(true);
    });
  }

  it('keeps its ids when another one joins first, where the process that serves had lost its lease and has got it again', async () => {
    const plane = await Plane.start();
    const member = await plane.join('a/1');
    await plane.serveAgain(2);
    // It knows nothing of the first one, which has not announced itself yet.
    const late = await plane.join('b/1');
    await until('it to rejoin', () => member.rejoined.length === 1 || member.lost.length > 0);
    expect(member.lost).to.deep.equal([]);
    expect(late.ordinal).to.not.equal(member.ordinal);
    expect(late.client.pUid).to.not.equal(member.client.pUid);
  });

  it('is the one that serves it again: that rejoins itself as often as it has to', async () => {
    const plane = await Plane.start();
    plane.crash();
    await plane.restart();
    const { client, partition, ...told } = plane.member(plane.server);
    const { incarnation } = plane;
    await client.connect({ launch: 'server', node: 'server', name: 'server', incarnation });
    await client.registerPartitions([partition.address]);
    await client.activate([{ cUid: partition.transportCUid, service: v1.SegmentsManager.typeName }]);
    await plane.serveAgain(2);
    await until('it to notice', () => told.degraded.length === 1);
    // It has announced itself, and waits for the end of the recovery.
    await sleep(plane, 1_000);
    client.serverMoved();
    await until('it to rejoin', () => told.rejoined.length === 1);
    const stranger = plane.from(await plane.world.start('x/1'));
    const process = v1.ConnectProcess.create({ launch: 'server', node: 'server', name: 'server', incarnation });
    const server = v1.ServerIdentity.create({ epoch: 2, incarnation });
    expect(await millraceRejection(stranger.announce({ process, pUid: client.pUid, server }))).to.include({
      handlerCode: 'PROTOCOL',
    });
    expect(told.lost).to.deep.equal([]);
  });

  it('announces itself at once where the control plane has moved to, however long it has looked for it', async () => {
    const plane = await Plane.start();
    const members = await Promise.all(Array.from({ length: 8 }, (_, index) => plane.join(`m${index}/1`)));
    plane.crash();
    await until('all to be told', () => members.every(({ degraded }) => degraded.length === 1));
    await sleep(plane, 10 * limits.rejoinMs);
    await plane.takeOver('next', 2);
    for (const { client } of members) client.serverMoved();
    // Less than the shortest time between two attempts that have failed.
    await sleep(plane, limits.rejoinMs / 4);
    const { resources } = await plane.from(plane.server).list({});
    const known = resources.flatMap(({ detail }) => (detail.case === 'process' ? [detail.value.pUid] : []));
    expect(known).to.have.members(members.map(({ client }) => client.pUid));
    await until('all to rejoin', () => members.every(({ rejoined }) => rejoined.length === 1));
  });

  it('says where the control plane has moved to, and of one that has ended where that was', async () => {
    const plane = await Plane.start();
    const [moved, cut] = [await plane.join('a/1'), await plane.join('b/1')];
    const before = plane.server.address;
    await plane.takeOver('next', 2);
    moved.client.serverMoved();
    plane.world.network.crash('server');
    await until('both to be told', () => moved.degraded.length === 1 && cut.degraded.length === 1);
    expect(moved.degraded[0]?.message).to.include(`moved to ${plane.server.address}`).and.not.include('ended');
    expect(cut.degraded[0]?.message).to.include(`at ${before} cannot be reached`);
    await until('both to rejoin', () => moved.rejoined.length === 1 && cut.rejoined.length === 1);
    expect(await cut.client.locate(moved.ordinal, 0n)).to.equal(moved.partition.address);
  });
});
