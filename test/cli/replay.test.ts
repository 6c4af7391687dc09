import { spawnSync } from 'node:child_process';
import { existsSync, appendFileSync } from 'node:fs';
import { expect } from 'chai';
import { join } from 'node:path';
import { behavior } from '#src/actors/kernel/index.js';
import { Executor } from '#src/actors/runtime/index.js';
import { v1 } from '#src/protocol/index.js';
import { interceptor, RecordingFile } from '#src/recording/index.js';
import { placedSum } from '../recording/summing.js';
import { Folder } from './millrace.js';

/** A module that exports a behavior, as the program had it, or changed. */
function moduleText(items: string): string {
  return `import { behavior } from 'millrace';
import { v1 } from 'millrace/protocol';
export const credit = behavior(v1.Publisher, {
  rewire: (_state, { nonce }) => ({ nonce: ${items} }),
  grant: () => {},
});
`;
}

describe('millrace replay', () => {
  let folder: Folder;
  before(async () => {
    folder = new Folder();
    folder.write('credit.js', moduleText('nonce'));
    folder.write('changed.js', moduleText('nonce + 1'));
    const file = new RecordingFile(join(folder.path, 'credit.rec'), {
      actors: ['credit', 'sum'],
      millraceVersion: '0',
      seed: 3,
      module: 'credit.js',
    });
    const executor = new Executor({ seed: 3, interceptor: file.recorder });
    const runtime = await executor.start();
    const credit = behavior(v1.Publisher, { rewire: (_state, { nonce }) => ({ nonce }), grant: () => {} });
    const ref = runtime.spawn(credit, { name: 'credit' });
    ref.grant({ items: 7 });
    await ref.rewire({ nonce: 5 });
    for (const start of [10, 20]) {
      const placed = await runtime.place(placedSum, { args: { start }, name: 'sum' });
      expect((await placed.run({})).value).to.equal(start);
      await runtime.stopActor(placed);
    }
    await executor.stop();
    file.close();
  });
  after(() => folder.remove());

  it('lists the actors of a recording', async () => {
    const { code, stdout } = await folder.ask(['replay', 'credit.rec']);
    expect(stdout).to.match(/\/credit {2}millrace\.v1\.Publisher {2}\d+ events/);
    expect(code).to.equal(0);
  });

  it('finds no difference in the behavior that was recorded', async () => {
    const { code, stdout } = await folder.ask(['replay', 'credit.rec', '--actor', 'credit']);
    expect(stdout).to.match(/\/credit: \d+ events, no difference/);
    expect(code).to.equal(0);
  });

  it('says where a changed behavior differs, and in what', async () => {
    const { code, stdout } = await folder.ask(['replay', 'credit.rec', '--actor', 'credit', '--module', 'changed.js']);
    expect(stdout).to.include('It differs at event');
    expect(stdout).to.include('millrace.v1.Publisher.Rewire');
    expect(stdout).to.include('then:  the outcome of message 1: { nonce: 5 }');
    expect(stdout).to.include('now:   the outcome of message 1: { nonce: 6 }');
    expect(code).to.equal(1);
  });

  it('makes a placed actor again by its component, and tells those of one path apart', async () => {
    const listed = await folder.ask(['replay', 'credit.rec']);
    expect(listed.stdout).to.match(/\/sum#1 {2}test\.Errands .*\n.*\/sum#2 {2}test\.Errands/);
    for (const actor of ['sum#1', 'sum#2']) {
      const { stdout, stderr } = await folder.ask(['replay', 'credit.rec', '--actor', actor]);
      expect(stdout + stderr).to.match(new RegExp(`/${actor}: \\d+ events, no difference`));
    }
    const { stderr } = await folder.ask(['replay', 'credit.rec', '--actor', 'sum']);
    expect(stderr).to.match(/are named sum\. Use one of these, .*sum#1, .*sum#2\./);
    const other = await folder.ask(['replay', 'credit.rec', '--actor', 'sum#1', '--module', 'credit.js']);
    expect(other.stderr).to.include('no component "summing"');
  });

  it('names the file that ends in the middle of an entry, where it reads several', async () => {
    const path = join(folder.path, 'whole.rec');
    const file = new RecordingFile(path, { actors: ['credit'], millraceVersion: '0' });
    const settings = file.recorder.elsewhere?.settings() ?? '';
    const failures: string[] = [];
    interceptor(settings, (message) => failures.push(message))?.close();
    file.close();
    appendFileSync(`${path}.1`, Uint8Array.of(9));
    const { code, stderr } = await folder.ask(['replay', 'whole.rec']);
    expect(stderr).to.include('whole.rec.1 ends in the middle of an entry').and.not.include('whole.rec ends');
    expect({ code, failures }).to.deep.equal({ code: 0, failures: [] });
  });

  it('stops in a debugger', async () => {
    const started = folder.start(['replay', 'credit.rec', '--actor', 'credit', '--inspect', '--at', '1']);
    await started.says('waiting for a debugger at ws://127.0.0.1:');
    started.child.kill('SIGKILL');
    await started.ended;
  });

  it('refuses what it cannot replay, and says what there is', async () => {
    for (const [words, text] of [
      [['replay', 'none.rec'], 'none.rec cannot be read'],
      [['replay', 'credit.js'], 'RecordingEntry'],
      [['replay', 'credit.rec', '--actor', 'till'], 'no actor till'],
      [['replay', 'credit.rec', '--actor', 'credit', '--module', 'none.js'], 'no module none.js'],
      [['replay', 'credit.rec', '--actor', 'credit', '--behavior', 'till'], 'no behavior till'],
    ] as const) {
      const { code, stderr } = await folder.ask(words);
      expect(stderr).to.include(text);
      expect(code).to.be.oneOf([1, 2]);
    }
  });
});

describe('millrace run --record', function () {
  this.timeout(120_000);
  const folder = new Folder();
  after(() => folder.remove());
  before(() =>
    folder.writePipeline('tiny.js', { read: 'for (const delay of [1, 2, 3]) await output.write({ delay });' }),
  );

  it('keeps the chosen actors of a run, replayable seed included', async () => {
    const words = ['run', 'tiny.js', '--quiet', '--seed', '4', '--record', 'run.rec'];
    expect((await folder.ask([...words, '--record-actors', 'segments-manager'])).code).to.equal(0);
    const { stdout } = await folder.ask(['replay', 'run.rec']);
    expect(stdout).to.match(/\/segments-manager {2}millrace\.v1\.SegmentsManager/);
    expect((await folder.ask(['run', 'tiny.js', '--record-actors', 'x'])).stderr).to.include('--record');
    const nothing = await folder.ask([...words, '--record-actors', 'nobody']);
    expect(nothing.code).to.equal(0);
    expect(nothing.stderr).to.include('run.rec has nothing').and.include('is called nobody');
    expect(existsSync(join(folder.path, 'run.rec.lock'))).to.equal(false);
    folder.write('run.rec.lock', String(process.ppid));
    const second = await folder.ask(words);
    expect(second.code).to.equal(2);
    expect(second.stderr).to.include(`run.rec is being written already, by process ${process.ppid}`);
    // Left by a process that has ended.
    folder.write('run.rec.lock', String(spawnSync('true').pid));
    expect((await folder.ask(words)).code).to.equal(0);
  });

  it('replays a segment of a pipeline, alone, and says where it writes something else', async () => {
    folder.writePipeline('other.js', {
      read: 'for (const delay of [1, 9, 3]) await output.write({ delay });',
    });
    const run = ['run', 'tiny.js', '--quiet', '--record', 'run.rec', '--record-actors', 'read,print'];
    expect((await folder.ask(run)).code).to.equal(0);
    for (const segment of ['read', 'print', 'test/read/0']) {
      const { stdout, stderr } = await folder.ask(['replay', 'run.rec', '--actor', segment]);
      expect(stdout + stderr).to.match(/^test\/(read|print)\/0: \d+ events, no difference/);
    }
    const { stdout, code } = await folder.ask(['replay', 'run.rec', '--actor', 'read', '--module', 'other.js']);
    expect(stdout).to.match(/then: {2}yielded .*delay: 2/);
    expect(stdout).to.match(/now: {3}yielded .*delay: 9/);
    expect(code).to.equal(1);
  });
});
