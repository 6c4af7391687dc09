import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { eventually } from '../../support/until.js';
import { Folder } from '../../cli/millrace.js';
import { commandsOfRun, runFolders } from '../../cli/runs.js';

const PROTO = `
syntax = "proto3";
package dir;
message Sold { sint32 count = 1; }
message Taken { sint32 sum = 1; string text = 2; }
service Till { rpc Add(Sold) returns (Taken); }
`;

const TILL = `
import { defineComponent } from 'millrace';
import { Till } from '../gen/till.js';
import { greeting } from './words.js';
export default defineComponent('till', import.meta.url, Till, {
  created: () => ({ sum: 0 }),
  exportState: ({ sum }) => Buffer.from(String(sum)),
  importState: (kept, state) => void (kept.sum = Number(Buffer.from(state).toString())),
  handlers: { add: (kept, { count }) => ({ sum: (kept.sum += count), text: greeting }) },
});
`;

/** It counts in the till, says each new answer of it, and ends when there is no till. */
const CALLS = `
import { Till } from '../gen/till.js';
export default async function main({ network, signal }) {
  const till = await network.client(Till);
  let last = 0, told = '';
  while (!signal.aborted) {
    try {
      const { sum, text } = await till.add({ count: 1 });
      if (sum !== last + 1) console.log('the sum is ' + sum + ' after ' + last);
      last = sum;
      if (text !== told) console.log('it says ' + text);
      told = text;
    } catch (error) {
      console.log('it ends with ' + error.name);
      return;
    }
    await new Promise((go) => setTimeout(go, 5));
  }
}
`;

const VAULT = `
import { defineSecurity } from 'millrace';
export default defineSecurity('vault', import.meta.url, {
  seal: (state) => state.map((byte) => byte ^ 255),
  open: (state) => state.map((byte) => byte ^ 255),
});
`;

const LOCKED = VAULT.replace('seal:', `start: () => { throw new RangeError('no key'); },\n  seal:`);

const PLUGINS = `
const seen = new Set();
export default {
  observe: ({ kind, component }) => {
    if (!seen.has(kind)) console.log('observed ' + component + ' ' + kind);
    seen.add(kind);
    throw new Error('the disk of the observer is full');
  },
};
`;

/** Finds what has no folder: a component of another module. */
const LOADER = `
export default ({ folder }) => {
  let isFirst = true;
  return {
    look: async () => {
      if (!isFirst) return undefined;
      isFirst = false;
      const { default: till } = await import('./shop/till.js');
      const program = async () => console.log('loaded for ' + folder.split('/').at(-1));
      return { components: [till], program };
    },
  };
};
`;

describe('millrace up with a folder that changes', function () {
  this.timeout(180_000);
  let folder: Folder;
  const start = (...words: string[]) => folder.start(words, { XDG_RUNTIME_DIR: folder.path });

  before(async () => {
    folder = new Folder();
    mkdirSync(join(folder.path, 'shop'));
    mkdirSync(join(folder.path, 'nothing'));
    folder.write('till.proto', PROTO);
    folder.write('vault.js', VAULT);
    folder.write('locked.js', LOCKED);
    folder.write('plugins.js', PLUGINS);
    folder.write('loader.js', LOADER);
    expect((await folder.run(['gen', 'till.proto', '--out', 'gen', '--quiet'])).code).to.equal(0);
  });
  beforeEach(() => {
    folder.write('shop/words.js', `export const greeting = 'one';`);
    folder.write('shop/till.js', TILL);
    folder.write('shop/main.js', CALLS);
  });
  after(() => folder.remove());
  afterEach(() => {
    expect(runFolders(folder.path), 'folders of runs').to.deep.equal([]);
    expect(commandsOfRun(folder.path), 'processes of runs').to.deep.equal([]);
  });

  it('serves each version when it is whole, with the state, and loses no request', async () => {
    const plugins = ['--security', 'vault.js', '--plugins', 'plugins.js'];
    const { child, ended } = start('up', 'shop', '--rescan', '1', '--limit', '1', ...plugins);
    let written = '';
    child.stdout?.on('data', (text: Buffer) => (written += text.toString()));
    child.stderr?.on('data', (text: Buffer) => (written += text.toString()));
    const says = async (text: string): Promise<void> => {
      await eventually(() => written.includes(text) || child.exitCode !== null, 60_000);
      expect(written).to.include(text);
    };
    await says('it says one');
    expect(written).to.include('observed till leased');

    folder.write('shop/.millrace-lock', String(process.pid));
    folder.write('shop/till.js', TILL.slice(0, 100));
    folder.write('shop/words.js', `export const greeting = 'half';`);
    await says('nothing of the folder is loaded until it is gone');
    folder.write('shop/words.js', `export const greeting = 'two';`);
    folder.write('shop/till.js', TILL);
    rmSync(join(folder.path, 'shop/.millrace-lock'));
    await says('it says two');

    const { pid } = spawnSync(process.execPath, ['--version']);
    folder.write('shop/.millrace-lock', String(pid));
    folder.write('shop/words.js', `export const greeting = 'three';`);
    await says('was left by a process that has ended');
    await says('it says three');

    folder.write('shop/till.js', TILL.slice(0, 100));
    await says('till.js cannot be loaded, and its last version goes on');
    folder.write('shop/.millrace-version', 'v4');
    folder.write('shop/till.js', TILL.replace('text: greeting', `text: greeting + ' and four'`));
    await says('it says three and four');
    folder.write('shop/words.js', `export const greeting = 'five';`);
    rmSync(join(folder.path, 'shop/till.js'));
    folder.write('shop/.millrace-version', 'v5');
    await says('it ends with CapacityError');
    const { code, stdout, stderr } = await ended;
    rmSync(join(folder.path, 'shop/.millrace-version'));
    rmSync(join(folder.path, 'shop/.millrace-lock'));
    expect(code, stderr).to.equal(0);
    const said = stdout.split('\n').filter((line) => line.includes('it says') || line.includes('the sum'));
    expect(said.map((line) => line.replace('node-0 head | ', ''))).to.deep.equal([
      'it says one',
      'it says two',
      'it says three',
      'it says three and four',
    ]);
    expect(stderr).to.include('till is gone, and not served any more');
    expect(stderr.match(/an observer of components has failed/g)).to.have.length(1);
  });

  it('takes a loader in place of its own, and ends where the security provider does not start', async () => {
    const small = ['--limit', '1', '--placement', 'inline', '--partitions', '1'];
    const loaded = await start('up', 'nothing', '--loader', 'loader.js', ...small).ended;
    expect([loaded.code, loaded.stdout], loaded.stderr).to.deep.equal([0, 'node-0 head | loaded for nothing\n']);
    const refused = await start('up', 'shop', '--security', 'locked.js', ...small).ended;
    expect([refused.code, refused.stdout]).to.deep.equal([1, '']);
    expect(refused.stderr).to.include('Security provider "vault" has not started, and so nothing is: no key');
  });

  it('refuses what is no plugin and no folder of components, before anything starts', async () => {
    const lines = [
      ['nothing'],
      ['shop', '--security', 'none.js'],
      ['shop', '--rescan', '1', '--placement', 'thread'],
      ['plugins.js', '--security', 'vault.js'],
    ];
    const ended = await Promise.all(lines.map((words) => folder.ask(['up', ...words])));
    for (const [at, { code, stderr }] of ended.entries())
      expect(code, `${lines[at]?.join(' ')}: ${stderr}`).to.equal(2);
    expect(ended[0]?.stderr).to.include('nothing is empty: put *.js');
  });

  it('is changed by a command under its lock, which ends with it', async () => {
    const lock = join(folder.path, 'shop/.millrace-lock');
    const deploy = (code: string) => folder.start(['deploy', 'shop', '--', process.execPath, '--eval', code]).ended;
    const [tells, fails] = await Promise.all([
      deploy(
        `console.log(require('fs').readFileSync('shop/.millrace-lock', 'utf8').split('\\n')[0].split(' ').length)`,
      ),
      folder.start(['deploy', 'none', '--', 'true']).ended,
    ]);
    expect([tells.code, tells.stdout, fails.code], tells.stderr).to.deep.equal([0, '4\n', 2]);
    expect(existsSync(lock)).to.equal(false);
    folder.write('shop/.millrace-lock', String(process.pid));
    const held = await deploy('process.exit(7)');
    expect([held.code, held.stderr.includes('another deployment is under way')]).to.deep.equal([2, true]);
    folder.write('shop/.millrace-lock', String(spawnSync(process.execPath, ['--version']).pid));
    expect((await deploy('process.exit(7)')).code).to.equal(7);
    expect(existsSync(lock)).to.equal(false);
  });

  it('is locked while the command lives, also when millrace deploy was killed', async () => {
    const words = ['deploy', 'shop', '--', process.execPath, '--eval'];
    const waits = "console.error('ready'); setInterval(() => {}, 1000)";
    const long = folder.start([...words, waits]);
    await long.says('ready');
    const [, command = ''] = readFileSync(join(folder.path, 'shop/.millrace-lock'), 'utf8').trim().split('\n');
    long.child.kill('SIGKILL');
    const second = await folder.run([...words, '1']);
    expect([second.code, second.stderr.includes('another deployment is under way')]).to.deep.equal([2, true]);
    process.kill(Number(command.split(' ').at(-2)), 'SIGKILL');
    await long.ended;
    expect((await folder.run([...words, '1'])).code).to.equal(0);
  });
});
