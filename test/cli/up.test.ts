import { expect } from 'chai';
import { commandsOfRun, runFolders } from './runs.js';
import { eventually } from '../support/until.js';
import { FLIGHTS, Folder, messages } from './millrace.js';

describe('millrace up', function () {
  this.timeout(300_000);
  let folder: Folder;
  const run = (words: readonly string[], env = {}) => folder.run(words, { XDG_RUNTIME_DIR: folder.path, ...env });

  before(() => {
    folder = new Folder();
    folder.write('ends.js', "console.log('argument', process.argv[2]); process.exitCode = 7;");
    folder.write(
      'current.js',
      `import { Runtime } from 'millrace';
const [first, second] = await Promise.all([Runtime.current(), Runtime.current()]);
console.log(first === second, first.node, first.name, String(first.pUid), String(first.pUid) === process.env.MILLRACE_P_UID);
await first.stop();`,
    );
    folder.write(
      'stays.js',
      "console.log('I stay'); setInterval(() => {}, 1000); process.on('SIGTERM', () => process.exit(5));",
    );
  });

  after(() => folder.remove());

  afterEach(() => {
    expect(runFolders(folder.path), 'folders of runs').to.deep.equal([]);
    expect(commandsOfRun(folder.path), 'processes of runs').to.deep.equal([]);
  });

  it('gives the flights example the result of a single process, on three nodes', async () => {
    const alone = await run(['run', FLIGHTS, '--quiet']);
    expect(alone.code, alone.stderr).to.equal(0);
    const expected = folder.read('out/flights.json');
    folder.write('out/flights.json', '');
    const ended = await run(['up', FLIGHTS, '--nodes', '3']);
    expect(ended.code, ended.stderr).to.equal(0);
    expect(folder.read('out/flights.json')).to.equal(expected);
    expect(ended.stdout).to.match(/^node-\d (head|worker-\d) \| .*flights/m);
    expect(messages(ended).join('\n')).to.match(/is up: 3 nodes/);
  });

  it('runs a program on the first node, with its arguments, and returns its exit code', async () => {
    const ended = await run(['up', 'ends.js', '--quiet', '--', 'word']);
    expect(ended.code, ended.stderr).to.equal(7);
    expect(ended.stdout).to.equal('node-0 head | argument word\n');
  });

  it('joins a program to its run by Runtime.current(), with the p_uid that it was launched with', async () => {
    const ended = await run(['up', 'current.js', '--nodes', '2', '--no-prefix', '--quiet']);
    expect(ended.code, ended.stderr).to.equal(0);
    expect(ended.stdout).to.match(/^true node-0 head \d+ true\n$/);
    expect(Number(ended.stdout.split(' ')[3])).to.be.at.least(2 ** 32);
  });

  it('prints one JSON object for each line, and one at the end', async () => {
    const ended = await run(['up', 'ends.js', '--json', '--quiet', '--', 'word']);
    const [line, last] = ended.stdout
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text) as Record<string, unknown>);
    expect(line).to.deep.equal({ node: 'node-0', process: 'head', stream: 'stdout', line: 'argument word' });
    expect(last).to.include({ exitCode: 7 });
  });

  it('tears the run down in order at the first signal', async () => {
    const started = folder.start(['up', 'stays.js', '--nodes', '2'], { XDG_RUNTIME_DIR: folder.path });
    await started.says('is up: 2 nodes');
    started.child.kill('SIGINT');
    const { code, stderr } = await started.ended;
    expect(code, stderr).to.equal(130);
    expect(stderr).not.to.match(/not torn down/);
  });

  it('is listed by millrace ps while it is up, and torn down by millrace stop', async () => {
    const started = folder.start(['up', 'stays.js', '--nodes', '2'], { XDG_RUNTIME_DIR: folder.path });
    await started.says('is up: 2 nodes');
    let processes: readonly { readonly name: string; readonly id: string }[] = [];
    await eventually(async () => {
      const listed = await run(['ps', '--json']);
      expect(listed.code, listed.stderr).to.equal(0);
      ({ processes } = JSON.parse(listed.stdout) as { processes: typeof processes });
      return processes.length === 2;
    });
    expect(processes.map(({ name }) => name)).to.have.members(['head', 'worker-1']);
    expect(processes.every(({ id }) => BigInt(id) >= 2n ** 32n)).to.equal(true);
    const shown = await run(['ps']);
    expect(shown.stdout).to.match(/node-1 {2}process \d+/);
    expect((await run(['stop', 'nonsense'])).code).to.equal(2);
    expect((await run(['stop'])).code).to.equal(0);
    const { code, stderr } = await started.ended;
    expect(code, stderr).to.equal(143);
    expect((await run(['ps'])).stdout).to.equal('');
    expect((await run(['stop'])).code).to.equal(2);
  });

  it('refuses before anything starts what cannot run', async () => {
    for (const words of [
      ['missing.js'],
      ['ends.js', '--hosts', 'a b'],
      ['ends.js', '--hosts', '-oProxyCommand=x'],
      ['ends.js', '--hosts', 'a', '--hostfile', 'ends.js'],
      ['ends.js', '--nodes', '0'],
    ]) {
      const { code, stderr } = await run(['up', ...words]);
      expect(code, stderr).to.equal(2);
    }
    const { code, stderr } = await run(['up', 'ends.js'], { MILLRACE_FAULT: 'nonsense:kill' });
    expect(code).to.equal(2);
    expect(stderr).to.match(/MILLRACE_FAULT/);
  });
});
