import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { eventually } from '../support/until.js';
import { Folder, messages } from './millrace.js';
import { commandsOfRun, runFolders } from './runs.js';

const PROTO = `
syntax = "proto3";
package dev;
message Work { sint32 ms = 1; }
message Done { string node = 1; sint32 pid = 2; }
service Till { rpc Add(Work) returns (Done); }
`;

interface Scaled {
  readonly limit: number | null;
  readonly nodes: readonly { readonly node: string; readonly limit: number | string | null }[];
}

interface Inspected {
  readonly controlPlane: string;
  readonly keyFile: string;
}

const TILL = `
import { defineComponent } from 'millrace';
import { Till } from '../gen/till.js';
export default defineComponent('till', import.meta.url, Till, {
  handlers: {
    add: async (kept, { ms }, { scheduler }) => {
      await new Promise((go) => scheduler.setTimer(ms, go));
      return { node: process.env.MILLRACE_NODE_NAME, pid: process.pid };
    },
  },
});
`;

/** It has more requests than one node has containers for, and one under way when it is told to end. */
const MAIN = `
import { Till } from '../gen/till.js';
export default async function main({ network, signal, args }) {
  const till = await network.client(Till);
  while ((await network.loads(Till)).length < 2) await new Promise((go) => setTimeout(go, 10));
  const answers = await Promise.all([1, 2, 3, 4].map(() => till.add({ ms: 300 })));
  console.log('nodes', [...new Set(answers.map(({ node }) => node))].sort().join());
  console.log('in processes', answers.every(({ pid }) => pid !== process.pid));
  console.log('arguments', args.join());
  const slow = till.add({ ms: 3000 });
  const told = new Promise((go) => signal.addEventListener('abort', go));
  console.log('waits');
  await told;
  console.log('answered', (await slow).pid !== 0);
}
`;

describe('millrace up with a folder of components', function () {
  this.timeout(300_000);
  let folder: Folder;
  const start = (...words: string[]) => folder.start(words, { XDG_RUNTIME_DIR: folder.path });
  /** As `start`, where the process is not the point. */
  const ask = (...words: string[]) => folder.ask(words, { XDG_RUNTIME_DIR: folder.path });

  before(async () => {
    folder = new Folder();
    mkdirSync(join(folder.path, 'shop'));
    folder.write('till.proto', PROTO);
    folder.write('shop/till.js', TILL);
    folder.write('shop/main.js', MAIN);
    expect((await folder.ask(['gen', 'till.proto', '--out', 'gen', '--quiet'])).code).to.equal(0);
  });
  after(() => folder.remove());
  afterEach(() => {
    expect(runFolders(folder.path), 'folders of runs').to.deep.equal([]);
    expect(commandsOfRun(folder.path), 'processes of runs').to.deep.equal([]);
  });

  it('serves them on all nodes and on one that joins, in processes, takes other limits, and lets a request end when it is stopped', async () => {
    const { child, ended } = start('up', 'shop', '--nodes', '2', '--partitions', '2', '--', 'some', 'words');
    let written = '';
    child.stdout?.on('data', (text: Buffer) => (written += text.toString()));
    await eventually(() => written.includes('waits') || child.exitCode !== null, 60_000);
    const scaled = await ask('scale', '--node', 'node-1=5', '--node', 'node-0=none', '--network', '9', '--json');
    expect(scaled.code, scaled.stderr).to.equal(0);
    const { limit, nodes } = JSON.parse(scaled.stdout) as Scaled;
    expect([limit, ...nodes.map((each) => [each.node, each.limit])]).to.deep.equal([
      9,
      ['node-0', 'none'],
      ['node-1', 5],
    ]);
    expect((await ask('scale')).stdout).to.match(/^network: \d containers, limit 9\n.*^node-1: \d .*limit 5\n/ms);
    const unknown = await ask('scale', '--node', 'node-9=3');
    expect([unknown.code, unknown.stdout]).to.deep.equal([2, '']);
    expect(unknown.stderr).to.include('no node "node-9". It has node-0, node-1.');
    const { controlPlane, keyFile } = JSON.parse((await ask('inspect', '--json')).stdout) as Inspected;
    const joined = folder.start(['join', '--to', controlPlane, '--node', 'late'], {
      XDG_RUNTIME_DIR: folder.path,
      MILLRACE_CLUSTER_KEY_FILE: keyFile,
    });
    await joined.says('late has joined the run');
    await eventually(async () => /^late: \d/m.test((await ask('scale')).stdout));
    child.kill('SIGINT');
    const { code, stdout, stderr } = await ended;
    expect((await joined.ended).code).to.equal(0);
    expect(stdout.split('\n'), stderr).to.deep.equal([
      'node-0 head | nodes node-0,node-1',
      'node-0 head | in processes true',
      'node-0 head | arguments some,words',
      'node-0 head | waits',
      'node-0 head | answered true',
      '',
    ]);
    expect(code).to.equal(130);
  });

  it('ends with the program, with its failure', async () => {
    folder.write('shop/main.js', `export default () => { throw new RangeError('no till today'); };`);
    const ended = await start('up', 'shop', '--limit', '1', '--placement', 'inline', '--partitions', '1', '--quiet')
      .ended;
    expect(messages(ended).length, ended.stderr).to.equal(0);
    expect(ended.stderr).to.include('the program has failed: RangeError: no till today');
    expect(ended.code).to.equal(1);
  });

  it('refuses flags of other programs, before anything starts', async () => {
    folder.write('alone.js', `console.log('I run');`);
    for (const words of [
      ['shop', '--instances', 'till=2'],
      ['alone.js', '--limit', '2'],
    ]) {
      expect((await ask('up', ...words)).code, words.join(' ')).to.equal(2);
    }
  });

  it('is not scaled by what is no limit, or where nothing runs', async () => {
    for (const words of [[], ['--node', 'node-0']]) {
      expect((await ask('scale', ...words)).code, words.join(' ')).to.equal(2);
    }
    const unknown = ['scale', '--control-plane', 'tcp://127.0.0.1:1'];
    const { code, stderr } = await folder.ask(unknown, { MILLRACE_KEYLESS: 'loopback' });
    expect([code, stderr.includes('No cluster key is set here')], stderr).to.deep.equal([1, true]);
  });
});
