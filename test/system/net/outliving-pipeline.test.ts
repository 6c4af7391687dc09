import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { eventually } from '../../support/until.js';
import { type Counted, GO, QUARTER, RESULT } from './counting.js';
import { Member, type State } from './member.js';

const COUNT = 4_000;
/** What a single process would count. */
const WHOLE: Counted = { rows: COUNT, sum: COUNT * (COUNT - 1) };

describe('a pipeline over three processes, over sockets', function () {
  this.timeout(300_000);
  const members: Member[] = [];
  let folder = '';

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-outliving-'));
  });

  afterEach(async () => {
    for (const member of members.splice(0)) await member.kill();
    rmSync(folder, { recursive: true });
  });

  const unix = (name: string): string => `unix:${join(folder, name)}`;
  const has = (file: string): boolean => existsSync(join(folder, file));
  const stateOf = (member: Member): Promise<State> => member.send<State>('state');

  async function start(name: string, ...how: string[]): Promise<Member> {
    const member = new Member(name, unix(name), ...how);
    members.push(member);
    await member.started();
    return member;
  }

  /** The pipeline runs in three processes, and waits halfway. */
  async function runHalf(...how: string[]) {
    const three = [await start('one', ...how), await start('two', ...how), await start('three', ...how)] as const;
    const states = await Promise.all(three.map(stateOf));
    const [launcher] = three;
    const ordinals = states.map(({ ordinals: [ordinal = 0] }) => String(ordinal));
    await launcher.send('run', folder, String(COUNT), ...ordinals);
    await eventually(() => has(QUARTER));
    return { three, launcher };
  }

  async function expectWhole(launcher: Member): Promise<void> {
    expect(await launcher.send('done')).to.deep.equal({ restarts: 0 });
    expect(JSON.parse(readFileSync(join(folder, RESULT), 'utf8'))).to.deep.equal(WHOLE);
  }

  it('goes on when the control plane is killed and started again at its address: every element is counted once', async () => {
    const plane = await start('plane');
    const { three, launcher } = await runHalf(unix('plane'));
    await plane.kill();
    await eventually(async () => (await Promise.all(three.map(stateOf))).every(({ isReachable }) => !isReachable));
    // Elements flow while nobody serves the control plane; the end of the run needs it.
    writeFileSync(join(folder, GO), '');
    await eventually(() => has(RESULT));
    await start('plane');
    await expectWhole(launcher);
    await eventually(async () => (await Promise.all(three.map(stateOf))).every(({ segments }) => segments === 0));
  });

  it('goes on when another candidate takes the control plane over', async () => {
    const store = `embedded:${join(folder, 'store')}`;
    const leader = await start('leader', store, 'candidate');
    await start('spare', store, 'candidate');
    const { three, launcher } = await runHalf(store, 'member');
    await leader.kill();
    await eventually(async () => (await Promise.all(three.map(stateOf))).some(({ isReachable }) => !isReachable));
    await eventually(async () => (await Promise.all(three.map(stateOf))).every(({ isReachable }) => isReachable));
    writeFileSync(join(folder, GO), '');
    await expectWhole(launcher);
  });

  it('ends in the other processes when the one that has started it is killed with the control plane', async () => {
    const plane = await start('plane');
    const { three, launcher } = await runHalf(unix('plane'));
    await Promise.all([plane.kill(), launcher.kill()]);
    await start('plane');
    const others = three.slice(1);
    await eventually(async () => (await Promise.all(others.map(stateOf))).every(({ segments }) => segments === 0));
    expect(has(RESULT)).to.equal(false);
  });

  it('fails with a PipelineError when a process of it is killed with the control plane', async () => {
    const plane = await start('plane');
    const { three, launcher } = await runHalf(unix('plane'));
    await Promise.all([plane.kill(), three[1].kill()]);
    await start('plane');
    const failure = await launcher.send('done').catch(String);
    expect(failure).to.include('PipelineError').and.include('"counting"');
  });
});
