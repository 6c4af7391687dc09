import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { limits } from '#src/limits.js';
import { Folder, messages, type Started } from '../../cli/millrace.js';
import { commandsOfRun, runFolders } from '../../cli/runs.js';
import { eventually } from '../../support/until.js';

/** Which process of a run is killed, and the exit code of `millrace up` then; undefined where that is killed itself. */
const VICTIMS = [
  { title: 'the head', pattern: /up-head\.js/, code: 137, is: 'ended' },
  { title: 'global services', pattern: /global services/, code: 4, is: 'lost' },
  { title: 'the primary node', pattern: /millrace \S+ node-0/, code: 4, is: 'lost' },
  { title: 'another node', pattern: /millrace \S+ node-1/, code: 4, is: 'lost' },
  { title: 'the launcher', pattern: /millrace\.js up/, code: null, is: 'killed' },
] as const;

describe('millrace up, when a process of the run is killed', function () {
  this.timeout(300_000);
  let folder: Folder;

  before(() => {
    folder = new Folder();
    folder.write(
      'stays.js',
      "import { spawn } from 'node:child_process'; spawn('sleep', ['600']); setInterval(() => {}, 1000);",
    );
  });

  after(() => folder.remove());

  async function start(): Promise<Started> {
    const started = folder.start(['up', 'stays.js', '--nodes', '2'], { XDG_RUNTIME_DIR: folder.path });
    await started.says('is up: 2 nodes');
    await eventually(() =>
      ['sleep 600', 'up-head.js', 'worker.js'].every((part) => found(new RegExp(part)) !== undefined),
    );
    return started;
  }

  const found = (pattern: RegExp) => commandsOfRun(folder.path).find(({ command }) => pattern.test(command));

  async function nothingIsLeft(): Promise<void> {
    await eventually(() => commandsOfRun(folder.path).length === 0 && runFolders(folder.path).length === 0);
  }

  for (const { title, pattern, code, is } of VICTIMS) {
    it(`${title}: ends with exit code ${code}, and leaves no process and no file`, async () => {
      const started = await start();
      process.kill(found(pattern)?.pid ?? 0, 'SIGKILL');
      const ended = await started.ended;
      expect(ended.code, ended.stderr).to.equal(code);
      if (is === 'lost') expect(messages(ended).join('\n')).to.match(/ended by itself/);
      await nothingIsLeft();
    });
  }

  it('none of them, and the launcher is stopped for longer than a cut link may be silent: all goes on, and no line is lost', async () => {
    folder.write(
      'counts.js',
      `let count = 0;
setInterval(() => console.log(count++), 20);
process.on('SIGTERM', () => { console.error('written', count); process.exit(0); });
console.error('begun');`,
    );
    const words = ['up', 'counts.js', '--nodes', '2', '--no-prefix'];
    const started = folder.start(words, { XDG_RUNTIME_DIR: folder.path });
    await started.says('begun');
    started.child.kill('SIGSTOP');
    // This time is what the test is about.
    await new Promise((resolve) => void setTimeout(resolve, limits.linkDeadMs + 3_000));
    started.child.kill('SIGCONT');
    await started.says('unresponsive');
    started.child.kill('SIGINT');
    const { code, stdout, stderr } = await started.ended;
    expect(code, stderr).to.equal(130);
    const lines = stdout.trim().split('\n');
    const count = Number(/\bwritten (\d+)/.exec(stderr)?.[1]);
    expect(count).to.be.greaterThan(10);
    expect(lines).to.deep.equal(Array.from({ length: count }, (_, index) => String(index)));
    await nothingIsLeft();
  });

  it('none of them: millrace cleanup leaves a run alone, also where its launcher is on another host', async () => {
    const started = await start();
    const [run = ''] = runFolders(folder.path);
    rmSync(join(folder.path, `millrace-${process.getuid?.() ?? 0}`, run, 'run.json'));
    const { code, stderr } = await folder.run(['cleanup'], { XDG_RUNTIME_DIR: folder.path });
    expect(code, stderr).to.equal(0);
    expect(stderr).to.contain('nothing is left of any run');
    expect(found(/worker\.js/)).to.not.equal(undefined);
    started.child.kill('SIGINT');
    await started.ended;
    await nothingIsLeft();
  });

  it('all of them at once: millrace cleanup removes what is left', async () => {
    const started = await start();
    for (const { pid, command } of commandsOfRun(folder.path)) {
      if (!/worker|up-head|sleep/.test(command)) process.kill(pid, 'SIGKILL');
    }
    await started.ended;
    const { code, stderr } = await folder.run(['cleanup'], { XDG_RUNTIME_DIR: folder.path });
    expect(code, stderr).to.equal(0);
    await nothingIsLeft();
  });
});
