import { expect } from 'chai';
import { eventually } from '../../support/until.js';
import { MemberProcesses } from './member-processes.js';

/** Machines may be busy. */
const PATIENCE_MS = 60_000;

describe('a network of processes that know seeds alone', function () {
  this.timeout(180_000);
  let processes: MemberProcesses;
  beforeEach(() => {
    processes = new MemberProcesses(200);
  });
  afterEach(() => processes.close());

  it('agrees on who is there, whoever is killed, stands still or leaves, and finds what they offer', async () => {
    for (let index = 0; index < 5; index++) await processes.start();
    const [first, second, third, fourth, fifth] = processes.all;
    if (!first || !second || !third || !fourth || !fifth) throw new Error('they did not start');
    await processes.agree(processes.all, PATIENCE_MS);
    await third.send('register', 'it');
    expect(await first.send('ask', 'it')).to.equal(third.child.pid);

    await fourth.kill();
    await eventually(async () => (await first.nodes('dead')).includes(fourth.node), PATIENCE_MS);

    fifth.child.kill('SIGSTOP');
    await eventually(async () => (await first.nodes('alive')).length === 3, PATIENCE_MS);
    fifth.child.kill('SIGCONT');
    await processes.agree([first, second, third, fifth], PATIENCE_MS);

    await second.stop();
    await eventually(async () => (await first.nodes('left')).includes(second.node), PATIENCE_MS);
    expect(await first.nodes('dead')).to.deep.equal([fourth.node]);
    expect(await fifth.send('ask', 'it')).to.equal(third.child.pid);
  });
});
