import { expect } from 'chai';
import type { ClusterView, Explained } from '#src/introspection/index.js';
import { Runtime } from '#src/actors/runtime/index.js';
import { silentLogger } from '#src/logging/index.js';
import { errandRunner } from '../actors/runtime/errand-runner.js';
import { gate } from '../support/deferred.js';
import { until } from '../support/until.js';
import { Folder } from './millrace.js';

describe('millrace top, watch, explain, call and tell', function () {
  this.timeout(180_000);
  const folder = new Folder();
  const told: number[] = [];
  const held = gate();
  let runtime: Runtime;

  before(async () => {
    runtime = await Runtime.start({ listen: 'unix:', ucx: 'off', nodeName: 'shop', log: silentLogger });
    const till = errandRunner({
      push: (_state, { value }) => void told.push(value),
      run: (_state, { value }) => {
        if (value === 13) throw new RangeError('unlucky');
        return { value: value * 2 };
      },
    });
    await runtime.whenRegistered(runtime.spawn(till, { name: 'till', register: true }));
    const slow = runtime.spawn(errandRunner({ push: () => held.passed }), { name: 'slow' });
    for (let count = 0; count < 4; count++) slow.push({});
  });

  after(async () => {
    held.open();
    await runtime.stop();
    await folder.remove();
  });

  const millrace = ([word = '', ...words]: readonly string[]) =>
    folder.ask([word, '--control-plane', runtime.controlPlane, ...words]);

  it('show the partitions and the fullest mailboxes, as a table and as JSON', async () => {
    const [table, json] = await Promise.all([
      millrace(['top', '--once']),
      millrace(['top', '--once', '--json', '--filter', 'slow']),
    ]);
    expect([table.code, table.stderr]).to.deep.equal([0, '']);
    expect(table.stdout).to.match(/^1 processes, 1 partitions, \d+ actors, .* 3 waiting/);
    const [first, second] = table.stdout.split('\n').slice(-3);
    expect([first, second].map((line) => line?.split(/ +/).slice(0, 2))).to.deep.equal([
      ['shop.process-0-0/slow', '3'],
      ['shop.process-0-0/till', '0'],
    ]);
    const view = JSON.parse(json.stdout) as ClusterView;
    expect(view.partitions[0]?.actors.map(({ path, queued }) => [path, queued])).to.deep.equal([
      ['shop.process-0-0/slow', 3],
    ]);
  });

  it('say why an actor waits, as text and as JSON', async () => {
    const [text, json, nobody] = await Promise.all([
      millrace(['explain', 'shop.process-0-0/slow', '--sample', '0']),
      millrace(['explain', 'shop.process-0-0/slow', '--sample', '0', '--json']),
      millrace(['explain', 'nobody', '--sample', '0']),
    ]);
    expect([text.code, text.stderr]).to.deep.equal([0, '']);
    expect(text.stdout).to.match(/^\S.* waits for a promise.*: \S+\/slow handles no message meanwhile\.\n\n/);
    expect(text.stdout).to.match(/^ {2}mailbox +3 of at most \d+ messages wait in its mailbox.* \(partition \d+\)$/m);
    expect([json.code, json.stderr]).to.deep.equal([0, '']);
    const { what, because, facts } = JSON.parse(json.stdout) as Explained;
    expect(what).to.equal('shop.process-0-0/slow');
    expect(because).to.contain('waits for a promise');
    expect(facts.find(({ kind }) => kind === 'mailbox')?.numbers).to.include({ queued: 3 });
    expect([nobody.code, nobody.stdout]).to.deep.equal([2, '']);
    expect(nobody.stderr).to.contain('Nobody knows "nobody"').and.contain('till');
  });

  it('ask and tell actors that have names', async () => {
    const [asked, sent] = await Promise.all([
      millrace(['call', 'till', 'run', '{"value":21}']),
      millrace(['tell', 'till', 'push', '{"value":7}']),
    ]);
    expect([asked.code, (JSON.parse(asked.stdout) as { value: number }).value]).to.deep.equal([0, 42]);
    expect(sent).to.deep.equal({ code: 0, stdout: '', stderr: '' });
    await until(() => told.length > 0);
    expect(told).to.deep.equal([7]);
  });

  it('say what is wrong with a call', async () => {
    const [method, name, failed] = await Promise.all([
      millrace(['call', 'till', 'fly']),
      millrace(['call', 'nobody', 'run']),
      millrace(['call', 'till', 'run', '{"value":13}']),
    ]);
    expect([method.code, method.stderr]).to.deep.equal([
      1,
      'millrace: shop.process-0-0/till (test.Errands) has no method fly: it has push, urge, run, rush, list.\n',
    ]);
    expect([name.code, name.stderr]).to.deep.equal([2, 'millrace: Nobody has the name "nobody". There are till.\n']);
    expect(failed.code).to.equal(1);
    expect(failed.stderr).to.contain('unlucky');
  });
});
