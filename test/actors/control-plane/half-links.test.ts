import { expect } from 'chai';
import { failed, State } from '#src/actors/control-plane/index.js';
import { limits } from '#src/limits.js';
import { endWorlds } from '../transport/partitions.js';
import { until } from '../../support/until.js';
import { definition, type Member, parts, Plane } from './plane.js';

const one = { cUid: 11n, service: 'shop.Pricing' };

function groupOf({ client }: Member, group: string): bigint[] {
  const members = [...client.resources()].flatMap(({ detail }) =>
    detail.case === 'groupMember' && detail.value.group === group ? [detail.value.ref?.cUid ?? 0n] : [],
  );
  return members.toSorted((left, right) => Number(left - right));
}

describe('a process whose link to the control plane fails at one end, or in one direction', () => {
  afterEach(endWorlds);

  it('is not retired when one of its two links is lost: it had given one up, and opened another one', async () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const plane = await Plane.start({ seed, latencyMs: 5, jitterMs: 5 });
      const [member, watcher] = [await plane.join('a/1', { linkDeadMs: 500 }), await plane.join('b/1')];
      await member.client.registerName('pool', one, { isGroup: true });
      await watcher.client.watchGroup('pool');
      const heal = plane.world.network.partition(['a'], ['server']);
      // It is on its way over the first link, which therefore ends later at the other end than the next one begins.
      const late = member.client.lookup('pool', '', 60_000).catch(() => {});
      await until('the cut to be noticed', () => member.degraded.length === 1);
      // The other end has not given the link up yet.
      await plane.world.pass(200);
      heal();
      await until('it to rejoin', () => member.rejoined.length === 1);
      await plane.world.pass(10_000);
      expect(watcher.removed, `seed ${seed}`).to.deep.equal([]);
      expect(groupOf(watcher, 'pool')).to.deep.equal([one.cUid]);
      expect([member.lost, member.refused, member.degraded.length]).to.deep.equal([[], [], 1]);
      await member.client.disconnect();
      await late;
    }
  });

  it('is heard in the end, also where its reports are not answered for longer than a request waits', async () => {
    const plane = await Plane.start({ linkDeadMs: 120_000 });
    const [manager, member] = [await plane.join('m/1'), await plane.join('a/1')];
    const pipeline = await manager.client.startPipeline(definition, []);
    await manager.client.expandPipeline(parts(pipeline, manager.ordinal, member.ordinal));
    const segmentOf = ({ client }: Member) =>
      [...client.resources()].find(({ detail }) => detail.case === 'segment' && detail.value.name === 'sum');
    await until('the segment to be known', () => segmentOf(member) !== undefined);
    const heal = plane.world.network.partition(['a'], ['server'], { isOneWay: true });
    const broken = failed({ code: 'PIPELINE', message: 'it broke' });
    const reported = member.client.report({ id: segmentOf(member)?.id ?? 0, actual: State.STOPPED, outcome: broken });
    await plane.world.pass(3 * limits.controlPlaneTimeoutMs);
    expect(segmentOf(manager)?.actual).to.equal(State.INITIALIZED);
    heal();
    await reported;
    await until('it to be known', () => (segmentOf(manager)?.actual ?? State.DESTROYED) >= State.STOPPED);
    expect(member.degraded).to.deep.equal([]);
  });
});
