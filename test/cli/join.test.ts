import { chmodSync, cpSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect } from 'chai';
import { eventually } from '../support/until.js';
import { Folder } from './millrace.js';
import { commandsOfRun, runFolders } from './runs.js';

interface Inspected {
  readonly controlPlane: string;
  readonly keyFile: string;
  readonly processes: readonly { readonly name: string; readonly pid: number; readonly state: string }[];
  readonly channels: readonly { readonly name: string }[];
}

describe('millrace join', function () {
  this.timeout(300_000);
  let folder: Folder;
  const run = (words: readonly string[], env = {}) => folder.run(words, { XDG_RUNTIME_DIR: folder.path, ...env });

  before(() => {
    folder = new Folder();
    folder.write('stays.js', "setInterval(() => {}, 1000); process.on('SIGTERM', () => process.exit(5));");
  });

  after(() => folder.remove());

  afterEach(() => {
    expect(runFolders(folder.path), 'folders of runs').to.deep.equal([]);
    expect(commandsOfRun(folder.path), 'processes of runs').to.deep.equal([]);
  });

  async function inspected(): Promise<Inspected> {
    const { stdout, stderr } = await run(['inspect', '--json']);
    expect(stdout, stderr).not.to.equal('');
    return JSON.parse(stdout) as Inspected;
  }

  it('takes a worker into a run: ps, inspect, logs and stop know it, and its end is told', async () => {
    const started = folder.start(['up', 'stays.js'], { XDG_RUNTIME_DIR: folder.path });
    await started.says('is up: 1 node');
    const { controlPlane, keyFile } = await inspected();
    const joins = (name: string) =>
      folder.start(['join', '--to', controlPlane, '--node', name, '--partitions', '2'], {
        XDG_RUNTIME_DIR: folder.path,
        MILLRACE_CLUSTER_KEY_FILE: keyFile,
      });
    const alive = async (): Promise<string[]> => {
      const { processes } = await inspected();
      return processes.filter(({ state }) => state === 'alive').map(({ name }) => name);
    };
    const partitions = async (): Promise<number> =>
      (await inspected()).channels.filter(({ name }) => name.startsWith('millrace/partition/')).length;
    const before = await partitions();
    const first = joins('first');
    await first.says('first has joined the run');
    // Its runtime has joined with its first partition, and the others follow.
    await eventually(async () => (await partitions()) === before + 2);
    expect((await run(['ps'])).stdout).to.match(
      /^ {2}first {2}process \d+, .*\n {4}worker-1 {2}p_uid \d+, process \d+, alive$/m,
    );
    expect((await run(['inspect', '--name', 'worker-1'])).stdout).to.match(/process \d+ of first, alive$/m);
    const namesake = await joins('first').ended;
    expect(namesake.code, namesake.stderr).to.equal(1);
    expect(namesake.stderr).to.include('The run has a node first: give another name by --node');
    first.child.kill('SIGTERM');
    const signalled = await first.ended;
    expect(signalled.code, signalled.stderr).to.equal(143);
    await started.says('first has left the run');
    expect(await alive()).to.deep.equal(['head']);
    const shown = await run(['logs', '--node', 'first', '--json']);
    expect(shown.stdout + shown.stderr)
      .to.include('worker-1')
      .and.to.include('draining');

    const second = joins('second');
    await second.says('second has joined the run');
    const worker = (await inspected()).processes.find(({ name }) => name === 'worker-2');
    process.kill(worker?.pid ?? 0, 'SIGKILL');
    const lost = await second.ended;
    expect(lost.code, lost.stderr).to.equal(4);
    await started.says(
      'worker-2 of second has ended by itself, and the run goes on without it: it was ended by SIGKILL',
    );

    const third = joins('third');
    await third.says('third has joined the run');
    third.child.kill('SIGKILL');
    await started.says('worker-3 of third has ended by itself');
    await eventually(async () => (await alive()).length === 1);
    expect((await run(['cleanup'])).code).to.equal(0);

    const last = joins('last');
    await last.says('last has joined the run');
    expect((await run(['stop'])).code).to.equal(0);
    const stopped = await last.ended;
    expect(stopped.code, stopped.stderr).to.equal(0);
    expect(stopped.stderr).to.include('the run was torn down');
    const { code, stderr } = await started.ended;
    expect(code, stderr).to.equal(143);
    expect(stderr).not.to.match(/not torn down/);
  });

  it('ends where its run has another version of Millrace, which goes on', async () => {
    const other = join(folder.path, 'other');
    const isLoaded = (path: string): boolean => !/\.map$|\.d\.ts$|dist\/(cjs|browser)$/.test(path);
    cpSync(resolve('dist'), join(other, 'dist'), { recursive: true, filter: isLoaded });
    const manifest = JSON.parse(readFileSync(resolve('package.json'), 'utf8')) as object;
    folder.write('other/package.json', JSON.stringify({ ...manifest, version: '0.0.1' }));
    const started = folder.start(['up', 'stays.js'], { XDG_RUNTIME_DIR: folder.path });
    await started.says('is up: 1 node');
    const { controlPlane, keyFile } = await inspected();
    const env = { XDG_RUNTIME_DIR: folder.path, MILLRACE_CLUSTER_KEY_FILE: keyFile };
    const command = [join(other, 'dist/cli/millrace.js'), 'join', '--to', controlPlane, '--node', 'old'];
    const refused = await folder.startBy(([node = '']) => [node, ...command], [], env).ended;
    expect(refused.code, refused.stderr).to.equal(1);
    expect(refused.stderr).to.match(/old has Millrace 0\.0\.1, and the run .*: install the same/);
    expect((await inspected()).processes.map(({ name }) => name)).to.deep.equal(['head']);
    expect((await run(['stop'])).code).to.equal(0);
    await started.ended;
  });

  it('leaves no worker of a run whose launcher is killed', async () => {
    const started = folder.start(['up', 'stays.js'], { XDG_RUNTIME_DIR: folder.path });
    await started.says('is up: 1 node');
    const { controlPlane, keyFile } = await inspected();
    const env = { XDG_RUNTIME_DIR: folder.path, MILLRACE_CLUSTER_KEY_FILE: keyFile };
    const joined = folder.start(['join', '--to', controlPlane], env);
    await joined.says('has joined the run');
    started.child.kill('SIGKILL');
    const { code, stderr } = await joined.ended;
    expect(code, stderr).to.equal(4);
    expect(stderr).to.include('has ended by itself, or is cut off');
    await eventually(() => commandsOfRun(folder.path).length === 0 && runFolders(folder.path).length === 0);
  });

  it('takes a worker into any other cluster, until a signal, or the end of the cluster', async () => {
    folder.write('key', 'f'.repeat(64));
    chmodSync(join(folder.path, 'key'), 0o600);
    folder.write(
      'serves.js',
      `import { Runtime } from 'millrace';
const runtime = await Runtime.start({ listen: 'tcp://127.0.0.1:0', logLevel: 'error' });
console.error(runtime.controlPlane + ' serves');`,
    );
    const env = { XDG_RUNTIME_DIR: folder.path, MILLRACE_CLUSTER_KEY_FILE: 'key' };
    const cluster = folder.startBy(([node = '']) => [node, 'serves.js'], [], env);
    const controlPlane = /tcp:\S+/.exec(await cluster.says(' serves'))?.[0] ?? '';
    const words = ['join', '--to', controlPlane, '--node', 'late', '--partitions', '2', '--patience', '1'];
    const first = folder.start(words, env);
    await first.says('late has joined the cluster with 2 partitions');
    first.child.kill('SIGTERM');
    expect((await first.ended).code).to.equal(143);
    const second = folder.start(words, env);
    await second.says('late has joined the cluster');
    cluster.child.kill('SIGKILL');
    const lost = await second.ended;
    expect(lost.code, lost.stderr).to.equal(4);
    expect(lost.stderr).to.include('the cluster has ended, or is cut off');
  });

  it('ends where nobody answers', async () => {
    for (const to of ['nonsense', 'tcp://b.example:7000', 'tcp://127.0.0.1:1']) {
      const refused = await run(['join', '--to', to], { MILLRACE_CLUSTER_KEY_FILE: '' });
      expect([1, 2], refused.stderr).to.include(refused.code);
      if (to.includes('127.0.0.1')) expect(refused.stderr).to.include(`joins ${to} without a key`);
    }
  });
});
