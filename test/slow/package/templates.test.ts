import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { pendingBecause } from '../../support/pending.js';
import { eventually } from '../../support/until.js';
import { Offline, outsideNpm, shell, Stranger } from './stranger.js';

const TEMPLATES = ['service', 'pipeline', 'cluster'];

/** As a newcomer does it, but for two things: the packages are those of this checkout, and all projects are installed at once. */
describe('a project that npm create millrace has made', function () {
  this.timeout(240_000);
  let stranger: Stranger;
  const folderOf = (template: string): string => join(stranger.folder, `my-${template}`);

  before(async function () {
    stranger = await Stranger.create();
    try {
      // npm create unpacks it, too, and runs its command.
      await shell(stranger.folder, 'tar', 'xzf', await stranger.pack('create-millrace'));
      const create = join(stranger.folder, 'package/bin.js');
      for (const template of TEMPLATES) {
        await shell(stranger.folder, create, `my-${template}`, '--template', template);
      }
      const workspaces = TEMPLATES.map((template) => `my-${template}`);
      await writeFile(join(stranger.folder, 'package.json'), JSON.stringify({ private: true, workspaces }));
      await stranger.install(await stranger.pack());
    } catch (error) {
      if (error instanceof Offline) pendingBecause(this, error.message);
      throw error;
    }
  });

  after(() => stranger.close());

  // They are built by this: what is started below is not built again.
  for (const template of TEMPLATES) {
    it(`of the template ${template} passes its tests`, async () => {
      expect(await shell(folderOf(template), 'npm', 'test')).to.match(/^# fail 0$|^ℹ fail 0$/m);
    });
  }

  it('of the template service serves HTTP and its dashboard, and ends in order', async () => {
    const service = new Started(folderOf('service'), ['start', '--ignore-scripts'], { PORT: '0' });
    try {
      const url = `${await service.says(/^the service listens on (.*)$/m)}/prices/ACME`;
      const headers = { 'content-type': 'application/json' };
      expect((await fetch(url, { method: 'PUT', headers, body: '{"price":12.5}' })).status).to.equal(202);
      expect(await (await fetch(url)).json()).to.deep.equal({ price: 12.5, trades: 1 });
      expect((await fetch(await service.says(/^the dashboard is (.*)$/m))).status).to.equal(200);
    } finally {
      await service.interrupt();
    }
    expect(service.output).to.not.match(/error/i);
  });

  it('of the template pipeline writes its report', async () => {
    const output = await shell(folderOf('pipeline'), 'npm', 'start', '--ignore-scripts');
    expect(output).to.match(/^\/search: \d+ requests, \d+ ms on average$/m);
    const report = JSON.parse(await readFile(join(folderOf('pipeline'), 'out/report.json'), 'utf8')) as {
      readonly requests: number;
    }[];
    expect(report.reduce((sum, { requests }) => sum + requests, 0)).to.equal(400);
  });

  it('of the template cluster answers on two nodes, with the page open, until it is interrupted', async () => {
    const cluster = new Started(folderOf('cluster'), ['start', '--ignore-scripts']);
    try {
      const page = await cluster.says(/the dashboard is (http\S+)$/m);
      expect(await (await fetch(page)).text()).to.include('<html');
      await cluster.says(/(\d+ requests, answered by [1-9]\d* processes)$/m);
      expect(await cluster.says(/the run (\S+) is up: 2 nodes$/m)).to.match(/^my-cluster-/);
    } finally {
      await cluster.interrupt();
    }
  });
});

/** A command of npm that goes on until Ctrl-C, which reaches all its processes. */
class Started {
  output = '';
  readonly #process: ChildProcess;
  readonly #ended: Promise<unknown>;

  constructor(cwd: string, words: readonly string[], env: NodeJS.ProcessEnv = {}) {
    this.#process = spawn('npm', words, {
      cwd,
      env: { ...outsideNpm(), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    this.#ended = once(this.#process, 'close');
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    }
  }

  /** What the group of the pattern has matched, when it has been written. */
  async says(pattern: RegExp): Promise<string> {
    await eventually(() => {
      if (this.#process.exitCode !== null) throw new Error(`It has ended before it wrote ${pattern}: ${this.output}`);
      return pattern.test(this.output);
    }, 60_000);
    return pattern.exec(this.output)?.[1] ?? '';
  }

  async interrupt(): Promise<void> {
    const { pid } = this.#process;
    if (pid === undefined) throw new Error('npm was not started.');
    if (this.#process.exitCode === null) process.kill(-pid, 'SIGINT');
    await this.#ended;
  }
}
