import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { expect } from 'chai';
import { runsFolder, steps } from '#src/actors/services/index.js';
import { commandsOfRun, runFolders } from './runs.js';
import { pendingBecause } from '../support/pending.js';
import { eventually } from '../support/until.js';
import { FLIGHTS, Folder, messages, type Started } from './millrace.js';

describe('millrace up', function () {
  this.timeout(300_000);
  let folder: Folder;
  const run = (words: readonly string[], env = {}) => folder.run(words, { XDG_RUNTIME_DIR: folder.path, ...env });
  /** As `run`, where the process is not the point. */
  const ask = (words: readonly string[], env = {}) => folder.ask(words, { XDG_RUNTIME_DIR: folder.path, ...env });

  before(() => {
    folder = new Folder();
    folder.write('well.js', "console.log('argument', process.argv[2]);");
    folder.write(
      'current.js',
      `import { Runtime } from 'millrace';
const [first, second] = await Promise.all([Runtime.current(), Runtime.current()]);
console.log(first === second, first.node, first.name, String(first.pUid), String(first.pUid) === process.env.MILLRACE_P_UID);
await first.stop();
process.exitCode = 7;`,
    );
    folder.write(
      'stays.js',
      "console.log('I stay'); setInterval(() => {}, 1000); process.on('SIGTERM', () => process.exit(5));",
    );
  });

  after(() => folder.remove());

  /** The runs of this file are over when their tests are; the process that answers is none of a run. */
  function nothingIsLeft(): void {
    expect(runFolders(folder.path), 'folders of runs').to.deep.equal([]);
    expect(commandsOfRun(folder.path), 'processes of runs').to.deep.equal([]);
  }

  describe('while it is up', () => {
    let started: Started;
    let inspected: Inspected;
    let env: Readonly<Record<string, string>>;
    const ofHead = () => commandsOfRun(folder.path).find(({ command }) => command.includes('up-head.js'));

    before(async () => {
      env = { XDG_RUNTIME_DIR: folder.path };
      folder.write(
        'talks.js',
        `import { Runtime } from 'millrace';
const runtime = await Runtime.current();
console.log('before'); console.error('trouble');
process.on('SIGUSR2', () => { console.log('after'); setTimeout(() => process.exit(0), 10); });
setInterval(() => {}, 1000);`,
      );
      started = folder.start(['up', 'talks.js', '--nodes', '3', '--json'], env);
      await started.says('is up: 3 nodes');
      await eventually(async () => (await ask(['logs'])).stderr.includes('trouble'));
      const { code, stdout, stderr } = await ask(['inspect', '--json']);
      expect(code, stderr).to.equal(0);
      inspected = JSON.parse(stdout) as Inspected;
    });

    after(async () => {
      if (started.child.exitCode === null) started.child.kill('SIGTERM');
      await started.ended;
      nothingIsLeft();
    });

    it('is listed by millrace ps, with its processes', async () => {
      let processes: readonly { readonly name: string; readonly id: string }[] = [];
      await eventually(async () => {
        const listed = await ask(['ps', '--json']);
        expect(listed.code, listed.stderr).to.equal(0);
        ({ processes } = JSON.parse(listed.stdout) as { processes: typeof processes });
        return processes.length === 3;
      });
      expect(processes.map(({ name }) => name)).to.have.members(['head', 'worker-1', 'worker-2']);
      expect(processes.every(({ id }) => BigInt(id) >= 2n ** 32n)).to.equal(true);
      expect((await ask(['ps'])).stdout).to.match(/node-1 {2}process \d+/);
      expect((await ask(['stop', 'nonsense'])).code).to.equal(2);
    });

    it('shows what it has written to millrace logs', async () => {
      const shown = await ask(['logs']);
      expect(shown.code, shown.stderr).to.equal(0);
      expect(shown.stdout).to.equal('node-0 head | before\n');
      expect(shown.stderr).to.include('node-0 head | trouble\n');
      expect((await ask(['logs', '--node', 'node-1', '--json'])).stdout).not.to.include('before');
      expect((await ask(['logs', 'nonsense'])).code).to.equal(2);
      const leaving = folder.start(['logs', '-f'], env);
      await leaving.says('trouble');
      leaving.child.kill('SIGINT');
      expect((await leaving.ended).code).to.equal(130);
    });

    it('shows its parts to millrace inspect, and its machines to millrace topology', async () => {
      const { run: name, nodes, processes, channels, pools } = inspected;
      expect(nodes.map((node) => node.name)).to.deep.equal(['node-0', 'node-1', 'node-2']);
      expect(processes.map((each) => each.state)).to.deep.equal(['alive', 'alive', 'alive']);
      expect(channels.map((each) => each.name)).to.include(`millrace/runtime/${processes[0]?.id}`);
      expect(pools).to.have.length(6);
      const topology = await ask(['topology', '--cluster', '--json']);
      const { nodes: machines } = JSON.parse(topology.stdout) as {
        nodes: { node: string; topology: { cpus: number[] } }[];
      };
      expect(machines.map(({ node }) => node)).to.deep.equal(['node-0', 'node-1', 'node-2']);
      expect(machines[1]?.topology.cpus).to.deep.equal(machines[0]?.topology.cpus);
      expect((await ask(['topology', '--cluster', name])).stdout).to.match(/^node-0\n {2}machine: \d+ processors/);
      const text = await ask(['inspect', name, '--name', 'worker-1']);
      expect(text.stdout).to.match(/^processes\n {2}worker-1 {2}p_uid \d+, process \d+ of node-1, alive$/m);
      expect(text.stdout).not.to.match(/^nodes$/m);
      expect((await ask(['inspect', '--name', 'nothing'])).code).to.equal(2);
    });

    it('says which worker has ended and how, and goes on without it', async () => {
      const pidOf = (name: string): number => inspected.processes.find((each) => each.name === name)?.pid ?? 0;
      process.kill(pidOf('worker-2'), 'SIGKILL');
      await started.says(
        'worker-2 of node-2 has ended by itself, and the run goes on without it: it was ended by SIGKILL',
      );
      process.kill(pidOf('worker-1'), 'SIGTERM');
      await started.says(
        'worker-1 of node-1 has ended by itself, and the run goes on without it: it ended with exit code 0',
      );
    });

    it('shows what it writes to millrace logs until it ends, and its exit code tells of lost workers', async () => {
      const following = folder.start(['logs', inspected.run, '-f', '--process', 'head', '--no-prefix'], env);
      await following.says('trouble');
      process.kill(ofHead()?.pid ?? 0, 'SIGUSR2');
      const followed = await following.ended;
      expect(followed.code, followed.stderr).to.equal(0);
      expect(followed.stdout).to.equal('before\nafter\n');
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
      expect((await ask(['logs'])).code).to.equal(2);
      expect((await ask(['ps'])).stdout).to.equal('');
      expect((await ask(['stop'])).code).to.equal(2);
    });
  });

  describe('from its start to its end', () => {
    afterEach(nothingIsLeft);

    it('gives the flights example the result of a single process, on two nodes', async () => {
      const rows = Array.from({ length: 5_000 }, (_, index) => ({
        delay: index % 50,
        distance: index,
        time: index % 24,
      }));
      folder.write('rows.json', JSON.stringify(rows));
      const alone = await ask(['run', FLIGHTS, '--quiet', '--', '--input', 'rows.json', '--out', 'alone']);
      expect(alone.code, alone.stderr).to.equal(0);
      const ended = await run(['up', FLIGHTS, '--nodes', '2', '--', '--input', 'rows.json', '--out', 'out']);
      expect(ended.code, ended.stderr).to.equal(0);
      expect(folder.read('out/flights.json')).to.equal(folder.read('alone/flights.json'));
      expect(ended.stdout).to.match(/^node-\d (head|worker-\d) \| .*flights/m);
      expect(messages(ended).join('\n')).to.match(/is up: 2 nodes/);
    });

    it('joins a program to it by Runtime.current(), writes its steps to the file of --trace, and ends with its exit code', async () => {
      const ended = await run(['up', 'current.js', '--nodes', '2', '--json', '--quiet', '--trace', 'trace.json']);
      expect(ended.code, ended.stderr).to.equal(7);
      const lines = ended.stdout
        .trim()
        .split('\n')
        .map((text) => JSON.parse(text) as Record<string, unknown>);
      const { line, ...from } = lines.find(({ process: name, stream }) => name === 'head' && stream === 'stdout') ?? {};
      expect(from).to.deep.equal({ node: 'node-0', process: 'head', stream: 'stdout' });
      // The p_uid is the one that it was launched with.
      expect(line).to.match(/^true node-0 head \d+ true$/);
      expect(Number(String(line).split(' ')[3])).to.be.at.least(2 ** 32);
      expect(lines.at(-1)).to.include({ exitCode: 7 });
      const events = folder
        .read('trace.json')
        .trim()
        .split('\n')
        .map((text) => JSON.parse(text) as { step: string; failures: string[] });
      expect(events.map(({ step }) => step)).to.deep.equal(steps.map(({ name }) => name));
      expect(events.flatMap(({ failures }) => failures)).to.deep.equal([]);
    });

    it('has room for its sockets below the longest folder that it takes, and in /tmp for a longer one', async () => {
      const module = `${'a-module-of-a-long-name'.repeat(2)}.js`;
      folder.write(module, "console.log(process.env.MILLRACE_RUN_FOLDER ?? '');");
      const uid = `millrace-${process.getuid?.() ?? 0}`;
      const ofLength = (length: number): string =>
        `/tmp/${randomBytes(20).toString('hex')}`.slice(0, length - uid.length - 1);
      const parent = ofLength(43);
      mkdirSync(parent);
      const ended = await run(['up', module, '--quiet', '--no-prefix'], { XDG_RUNTIME_DIR: parent });
      expect(ended.code, ended.stderr).to.equal(0);
      expect(ended.stdout).to.match(new RegExp(`^${parent}/${uid}/a-module-of--[0-9a-f]{8}/node-0\n$`));
      expect(runFolders(parent)).to.deep.equal([]);
      rmSync(parent, { recursive: true });
      const own = process.env['XDG_RUNTIME_DIR'];
      process.env['XDG_RUNTIME_DIR'] = ofLength(44);
      try {
        expect(runsFolder()).to.equal(`/tmp/${uid}`);
      } finally {
        if (own === undefined) delete process.env['XDG_RUNTIME_DIR'];
        else process.env['XDG_RUNTIME_DIR'] = own;
      }
    });

    it('tears the run down in order at the first signal', async () => {
      const started = folder.start(['up', 'stays.js'], { XDG_RUNTIME_DIR: folder.path });
      await started.says('is up: 1 node');
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

    it('tells of a trace that the disk has no room for beside what the run itself says', async function () {
      if (process.platform !== 'linux') pendingBecause(this, 'only Linux has /dev/full');
      const ended = await run(['up', 'well.js', '--trace', '/dev/full', '--quiet', '--', 'word']);
      expect(ended.code, ended.stderr).to.equal(1);
      expect(ended.stdout).to.equal('node-0 head | argument word\n');
      expect(ended.stderr).to.match(/The trace .*ENOSPC/);
      folder.write('fails.js', 'process.exitCode = 7;');
      const failed = await run(['up', 'fails.js', '--trace', '/dev/full', '--quiet', '--json']);
      expect(failed.code).to.equal(7);
      expect(failed.stdout).to.include('"exitCode":7');
    });
  });

  it('refuses before anything starts what cannot run', async () => {
    for (const words of [
      ['missing.js'],
      ['well.js', '--hosts', 'a b'],
      ['well.js', '--hosts', '-oProxyCommand=x'],
      ['well.js', '--hosts', 'one.invalid:2'],
      ['well.js', '--hosts', 'a', '--hostfile', 'well.js'],
      ['well.js', '--nodes', '0'],
      ['well.js', '--advertise', 'a b'],
      ['well.js', '--advertise', 'user@a'],
      ['well.js', '--trace', 'missing/trace.json'],
      ['well.js', '--trace', 'well.js'],
      ['well.js', '--trace', ''],
    ]) {
      const { code, stdout, stderr } = await ask(['up', ...words]);
      expect([code, stdout], `${words.join(' ')}: ${stderr}`).to.deep.equal([2, '']);
    }
    const { code, stderr } = await ask(['up', 'well.js'], { MILLRACE_FAULT: 'nonsense:kill' });
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
