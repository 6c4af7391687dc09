import { expect } from 'chai';
import { Status } from '#src/actors/membership/state/index.js';
import { v1 } from '#src/protocol/index.js';
import { SimulatedNetwork } from '../../actors/membership/simulated-network.js';
import { MemberProcesses } from './member-processes.js';
import { eventually } from '../../support/until.js';

/** Processes; 20 on a machine that has nothing else to do. */
const MEMBERS = Number(process.env['NETWORK_MEMBERS'] ?? 6);

describe('a large network', function () {
  this.timeout(15 * 60_000);

  it('of 1,000 members at 1 % loss tells all of a change within 6 s, for at most 600 bytes a second and member', () => {
    const network = new SimulatedNetwork({ members: 1_000, seed: 7, loss: 0.01, areAcquainted: true });
    const idle = network.bytesPerSecond(4_000);
    expect(idle.mean).to.be.at.most(600);
    const names = [v1.MemberName.create({ name: 'pricing', ref: { cUid: 2n ** 63n, service: 'shop.Pricing' } })];
    network.event(5, { case: 'offered', names, partitions: [] });
    const before = network.totalBytes;
    const hasHeard = (): boolean =>
      network.everyOther(5, ({ members }) => members.get(network.id(5))?.description.version === 2);
    const tookMs = network.until(hasHeard, 20_000);
    const bytes = ((network.totalBytes - before) / 1_000 / tookMs) * 1_000;
    console.log(`      1,000 members: ${tookMs} ms, ${Math.round(bytes)} B/s; idle ${Math.round(idle.mean)} B/s`);
    expect(tookMs).to.be.at.most(6_000);
    expect(bytes).to.be.at.most(600);
    network.crash(9);
    const died = network.until(() => network.everyOther(9, (_, at) => network.status(9, at) === Status.DEAD), 90_000);
    console.log(
      `      a death is known after ${died} ms; ${network.total('suspicions')} suspicions, ${network.total('refutations')} in vain`,
    );
    expect(died).to.be.below(90_000);
    expect(network.falseDeaths).to.equal(0);
  });

  it(`of ${MEMBERS} processes agrees again after kills, halts and a restart`, async () => {
    const processes = new MemberProcesses(500);
    try {
      for (let index = 0; index < MEMBERS; index++) await processes.start();
      await processes.agree(processes.all, 240_000);
      const { all } = processes;
      const few = Math.floor(MEMBERS / 6);
      const [killed, halted, rest] = [all.slice(0, few), all.slice(few, 2 * few), all.slice(few)];
      for (const member of halted) member.child.kill('SIGSTOP');
      await Promise.all(killed.map((member) => member.kill()));
      const witness = all.at(-1);
      if (witness === undefined) throw new Error('it did not start');
      await eventually(async () => (await witness.nodes('alive')).length === MEMBERS - 2 * few, 240_000);
      for (const member of halted) member.child.kill('SIGCONT');
      await processes.agree(rest, 240_000);
      const late = await processes.start(witness.address);
      await processes.agree([...rest, late], 240_000);
      for (const member of rest) expect((await member.network()).alive).to.equal(rest.length + 1);
    } finally {
      await processes.close();
    }
  });
});
