import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { expect } from 'chai';
import { steps } from '#src/actors/services/index.js';
import { commandsOfRun, runFolders } from './runs.js';
import { pendingBecause } from '../support/pending.js';
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
      'until-usr2.js',
      "console.log('I stay'); setInterval(() => {}, 1000); process.on('SIGUSR2', () => process.exit(0));",
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

  it('has room for its sockets below the longest folder that it takes, and in /tmp for a longer one', async () => {
    const module = `${'a-module-of-a-long-name'.repeat(2)}.js`;
    folder.write(module, "console.log(process.env.MILLRACE_RUN_FOLDER ?? '');");
    const uid = `millrace-${process.getuid?.() ?? 0}`;
    for (const length of [43, 44]) {
      const parent = `/tmp/${randomBytes(20).toString('hex')}`.slice(0, length - uid.length - 1);
      mkdirSync(parent);
      const ended = await run(['up', module, '--quiet', '--no-prefix'], { XDG_RUNTIME_DIR: parent });
      expect(ended.code, ended.stderr).to.equal(0);
      expect(ended.stdout).to.match(
        new RegExp(`^${length === 43 ? parent : '/tmp'}/${uid}/a-module-of--[0-9a-f]{8}/node-0\n$`),
      );
      expect(runFolders(parent)).to.deep.equal([]);
      rmSync(parent, { recursive: true });
    }
  });

  it('tears the run down in order at the first signal', async () => {
    const started = folder.start(['up', 'stays.js', '--nodes', '2'], { XDG_RUNTIME_DIR: folder.path });
    await started.says('is up: 2 nodes');
    started.child.kill('SIGINT');
    const { code, stderr } = await started.ended;
    expect(code, stderr).to.equal(130);
    expect(stderr).not.to.match(/not torn down/);
  });

  for (const signals of [2, 3]) {
    const end =
      signals === 2
        ? 'gives each step of the teardown a second at the second signal'
        : 'ends at once at the third signal';
    it(`${end}, with the exit code of the first, and leaves nothing`, async () => {
      folder.write(
        'deaf.js',
        "process.on('SIGTERM', () => console.error('deaf')); setInterval(() => {}, 1000); console.error('here');",
      );
      const started = folder.start(['up', 'deaf.js'], { XDG_RUNTIME_DIR: folder.path });
      await started.says('node-0 head | here');
      started.child.kill('SIGINT');
      await started.says('SIGINT: stopping in order; another one hurries');
      await started.says('node-0 head | deaf');
      started.child.kill('SIGTERM');
      await started.says('SIGTERM: hurrying; another signal ends the process at once');
      if (signals === 3) started.child.kill('SIGINT');
      const { code, stderr } = await started.ended;
      expect(code, stderr).to.equal(130);
      await eventually(() => commandsOfRun(folder.path).length === 0 && runFolders(folder.path).length === 0);
    });
  }

  it('shows what it has written and what it writes to millrace logs, and its parts to millrace inspect', async () => {
    folder.write(
      'talks.js',
      `import { Runtime } from 'millrace';
const runtime = await Runtime.current();
console.log('before'); console.error('trouble');
process.on('SIGUSR2', () => { console.log('after'); setTimeout(() => process.exit(0), 10); });
setInterval(() => {}, 1000);`,
    );
    const started = folder.start(['up', 'talks.js', '--nodes', '2'], { XDG_RUNTIME_DIR: folder.path });
    await started.says('is up: 2 nodes');
    await started.says('trouble');
    const shown = await run(['logs']);
    expect(shown.code, shown.stderr).to.equal(0);
    expect(shown.stdout).to.equal('node-0 head | before\n');
    expect(shown.stderr).to.include('node-0 head | trouble\n');
    expect((await run(['logs', '--node', 'node-1', '--json'])).stdout).not.to.include('before');
    const inspected = await run(['inspect', '--json']);
    expect(inspected.code, inspected.stderr).to.equal(0);
    const { run: name, nodes, processes, channels, pools } = JSON.parse(inspected.stdout) as Inspected;
    expect(nodes.map((node) => node.name)).to.deep.equal(['node-0', 'node-1']);
    expect(processes.map((each) => each.state)).to.deep.equal(['alive', 'alive']);
    expect(channels.map((each) => each.name)).to.include(`millrace/runtime/${processes[0]?.id}`);
    expect(pools).to.have.length(4);
    const topology = await run(['topology', '--cluster', '--json']);
    const { nodes: machines } = JSON.parse(topology.stdout) as {
      nodes: { node: string; topology: { cpus: number[] } }[];
    };
    expect(machines.map(({ node }) => node)).to.deep.equal(['node-0', 'node-1']);
    expect(machines[1]?.topology.cpus).to.deep.equal(machines[0]?.topology.cpus);
    expect((await run(['topology', '--cluster', name])).stdout).to.match(/^node-0\n {2}machine: \d+ processors/);
    const text = await run(['inspect', name, '--name', 'worker-1']);
    expect(text.stdout).to.match(/^processes\n {2}worker-1 {2}p_uid \d+, process \d+ of node-1, alive$/m);
    expect(text.stdout).not.to.match(/^nodes$/m);
    expect((await run(['inspect', '--name', 'nothing'])).code).to.equal(2);
    expect((await run(['logs', 'nonsense'])).code).to.equal(2);
    const following = folder.start(['logs', name, '-f', '--process', 'head', '--no-prefix'], {
      XDG_RUNTIME_DIR: folder.path,
    });
    await following.says('trouble');
    const leaving = folder.start(['logs', '-f'], { XDG_RUNTIME_DIR: folder.path });
    await leaving.says('trouble');
    leaving.child.kill('SIGINT');
    expect((await leaving.ended).code).to.equal(130);
    process.kill(processes.find((each) => each.name === 'head')?.pid ?? 0, 'SIGUSR2');
    const { code, stdout, stderr } = await following.ended;
    expect(code, stderr).to.equal(0);
    expect(stdout).to.equal('before\nafter\n');
    expect((await started.ended).code).to.equal(0);
    expect((await run(['logs'])).code).to.equal(2);
  });

  it('says which worker has ended and how, goes on without it, and its exit code tells', async () => {
    const words = ['up', 'until-usr2.js', '--nodes', '3', '--json'];
    const started = folder.start(words, { XDG_RUNTIME_DIR: folder.path });
    await started.says('is up: 3 nodes');
    const ofHead = () => commandsOfRun(folder.path).find(({ command }) => command.includes('up-head.js'));
    await eventually(() => ofHead() !== undefined);
    const listed = await run(['ps', '--json']);
    const { processes } = JSON.parse(listed.stdout) as { processes: { name: string; pid: number }[] };
    const pidOf = (name: string): number => processes.find((each) => each.name === name)?.pid ?? 0;
    process.kill(pidOf('worker-2'), 'SIGKILL');
    await started.says(
      'worker-2 of node-2 has ended by itself, and the run goes on without it: it was ended by SIGKILL',
    );
    process.kill(pidOf('worker-1'), 'SIGTERM');
    await started.says(
      'worker-1 of node-1 has ended by itself, and the run goes on without it: it ended with exit code 0',
    );
    process.kill(ofHead()?.pid ?? 0, 'SIGUSR2');
    const { code, stdout, stderr } = await started.ended;
    expect(code, stderr).to.equal(4);
    expect(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).to.deep.include({
      exitCode: 4,
      lost: [
        { node: 'node-2', process: 'worker-2', cause: 'it was ended by SIGKILL' },
        { node: 'node-1', process: 'worker-1', cause: 'it ended with exit code 0' },
      ],
    });
    expect(stderr).not.to.match(/not torn down/);
  });

  it('writes its steps to the file of --trace, and refuses a file that it cannot write before anything starts', async () => {
    const ended = await run(['up', 'ends.js', '--trace', 'trace.json', '--quiet']);
    expect(ended.code, ended.stderr).to.equal(7);
    const events = folder
      .read('trace.json')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { step: string; failures: string[] });
    expect(events.map(({ step }) => step)).to.deep.equal(steps.map(({ name }) => name));
    expect(events.flatMap(({ failures }) => failures)).to.deep.equal([]);
    for (const file of ['missing/trace.json', 'ends.js', '']) {
      const refused = await run(['up', 'ends.js', '--trace', file]);
      expect(refused.code, refused.stderr).to.equal(2);
      expect(refused.stdout).to.equal('');
    }
  });

  it('tells of a trace that the disk has no room for beside what the run itself says', async function () {
    if (process.platform !== 'linux') pendingBecause(this, 'only Linux has /dev/full');
    folder.write('well.js', "console.log('well');");
    const ended = await run(['up', 'well.js', '--trace', '/dev/full', '--quiet']);
    expect(ended.code, ended.stderr).to.equal(1);
    expect(ended.stdout).to.equal('node-0 head | well\n');
    expect(ended.stderr).to.match(/The trace .*ENOSPC/);
    const failed = await run(['up', 'ends.js', '--trace', '/dev/full', '--quiet', '--json']);
    expect(failed.code).to.equal(7);
    expect(failed.stdout).to.include('"exitCode":7');
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
      ['ends.js', '--hosts', 'one.invalid:2'],
      ['ends.js', '--hosts', 'a', '--hostfile', 'ends.js'],
      ['ends.js', '--nodes', '0'],
      ['ends.js', '--advertise', 'a b'],
      ['ends.js', '--advertise', 'user@a'],
    ]) {
      const { code, stderr } = await run(['up', ...words]);
      expect(code, stderr).to.equal(2);
    }
    const { code, stderr } = await run(['up', 'ends.js'], { MILLRACE_FAULT: 'nonsense:kill' });
    expect(code).to.equal(2);
    expect(stderr).to.match(/MILLRACE_FAULT/);
  });
});

interface Inspected {
  readonly controlPlane: string;
  readonly keyFile: string;
  readonly run: string;
  readonly nodes: readonly { readonly name: string }[];
  readonly processes: readonly {
    readonly name: string;
    readonly id: string;
    readonly pid: number;
    readonly state: string;
  }[];
  readonly channels: readonly { readonly name: string }[];
  readonly pools: readonly unknown[];
}
