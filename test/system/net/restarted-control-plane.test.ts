import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { eventually } from '../../support/until.js';
import { Member, type State } from './member.js';

const NAMES = ['one', 'two'];

describe('a control plane that is killed and started again at its address, over sockets', function () {
  this.timeout(180_000);
  const members: Member[] = [];
  let folder = '';

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-rejoin-'));
  });

  afterEach(async () => {
    for (const member of members.splice(0)) await member.kill();
    rmSync(folder, { recursive: true });
  });

  const start = (...args: string[]): Member => {
    const member = new Member(...args);
    members.push(member);
    return member;
  };

  it('finds its members again, with their ids, names and groups; asks between them do not notice', async () => {
    const address = `unix:${join(folder, 'plane')}`;
    const plane = start('plane', address);
    const controlPlane = String(await plane.started());
    const joined = NAMES.map((name) => start(name, `unix:${join(folder, name)}`, controlPlane));
    await Promise.all(joined.map((member) => member.started()));
    await Promise.all(joined.map((member) => member.send('register')));
    for (const member of joined) await member.send('ask', ...NAMES.map((name) => `errands-${name}`));
    const states = (): Promise<State[]> => Promise.all(joined.map((member) => member.send<State>('state')));
    const before = await states();
    expect(before.every(({ isReachable }) => isReachable)).to.equal(true);
    await eventually(async () => (await states()).every(({ handled }) => handled > 100));

    await plane.kill();
    await eventually(async () => (await states()).every(({ isReachable }) => !isReachable));
    expect((await states()).every(({ isAlive }) => isAlive)).to.equal(true);
    // It waits for the control plane, and then for its name.
    const [first] = joined;
    const waiting = first?.send<number>('lookup', 'errands-late');

    const again = start('plane', address);
    await again.started();
    const late = start('late', `unix:${join(folder, 'late')}`, address);
    await late.started();
    await late.send('register');
    expect(await waiting).to.equal(42);
    for (const name of NAMES) expect(await late.send('lookup', `errands-${name}`)).to.equal(42);
    await eventually(async () => (await states()).every(({ isReady }) => isReady));

    const ids = ({ pUid, ordinals }: State) => ({ pUid, ordinals });
    const after = await states();
    expect(after.map(ids)).to.deep.equal(before.map(ids));
    const added = await Promise.all([again, late].map((member) => member.send<State>('state')));
    const all = [...after, ...added];
    expect(new Set(all.map(({ pUid }) => pUid)).size).to.equal(NAMES.length + 2);
    expect(new Set(all.flatMap(({ ordinals }) => ordinals)).size).to.equal(NAMES.length + 2);

    const counts = await Promise.all(
      joined.map((member) => member.send<{ asked: number; answered: number; failures: string[] }>('finish')),
    );
    for (const { asked, answered, failures } of counts) {
      expect(failures).to.deep.equal([]);
      expect(answered).to.equal(asked).and.to.be.greaterThan(100);
    }
    const handled = async (): Promise<number[]> => (await states()).map((state) => state.handled);
    const quiet = await handled();
    await late.send('group');
    expect(
      (await handled()).every((count, index) => count > (quiet[index] ?? 0)),
      'all are in the group',
    ).to.equal(true);
    for (const member of [...joined, late, again]) await member.stop();
  });
});
