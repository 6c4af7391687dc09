import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { RehearsalLedger } from '#src/cli/rehearsal-ledger.js';
import { AskAbortedError, AskTimeoutError } from '#src/errors.js';
import { Folder } from './millrace.js';

const proto = (field: string): string => `
syntax = "proto3";
package shop;
message Sold { ${field} = 1; }
message Taken { sint32 sum = 1; }
service Till { rpc Add(Sold) returns (Taken); }
`;

interface Version {
  readonly gen?: string;
  readonly reads?: number;
  readonly add?: string;
  readonly created?: string;
}

const till = ({ gen = 'gen', reads = 1, add = 'kept.sum += count', created = '({ sum: 0 })' }: Version): string => `
import { defineComponent } from 'millrace';
import { Till } from '../${gen}/till.js';
export default defineComponent('till', import.meta.url, Till, {
  stateVersion: ${reads},
  created: () => ${created},
  exportState: ({ sum }) => Buffer.from(String(sum)),
  importState: (kept, state, version) => {
    if (version < ${reads}) throw new RangeError('version ' + version + ' is not read');
    kept.sum = Number(Buffer.from(state).toString());
  },
  handlers: { add: (kept, { count }) => ({ sum: (${add}) }) },
});
`;

const MAIN = `
import { Till } from '../gen/till.js';
export default async function main({ network, signal, args }) {
  const till = await network.client(Till);
  const { scheduler } = network.runtime;
  for (let count = 0; count < 20 && !signal.aborted; count++) {
    await Promise.all([1, 2, 3].map((each) => till.add({ count: each }, { timeoutMs: 500 }).catch(() => {})));
    await new Promise((go) => scheduler.setTimer(10, go));
  }
}
`;

describe('millrace rehearse', function () {
  this.timeout(60_000);
  let folder: Folder;

  before(async () => {
    folder = new Folder();
    for (const name of ['old', 'empty', 'calls']) mkdirSync(join(folder.path, name));
    folder.write('till.proto', proto('sint32 count'));
    mkdirSync(join(folder.path, 'texts'));
    folder.write('texts/till.proto', proto('string count'));
    for (const [file, out] of [
      ['till.proto', 'gen'],
      ['texts/till.proto', 'gen-texts'],
    ] as const) {
      expect((await folder.ask(['gen', file, '--out', out, '--quiet'])).code).to.equal(0);
    }
    folder.write('old/till.js', till({}));
    folder.write('old/main.js', MAIN);
    folder.write('calls/calls.js', MAIN);
  });
  after(() => folder.remove());

  async function rehearsed(version: Version, ...words: string[]) {
    const name = `next-${Math.abs(JSON.stringify(version).length)}-${Object.keys(version).join('-')}`;
    mkdirSync(join(folder.path, name), { recursive: true });
    folder.write(`${name}/till.js`, till(version));
    return folder.ask(['rehearse', 'old', name, '--seeds', '2', ...words]);
  }

  it('finds nothing in a version that goes on, and the same for the same seed', async () => {
    const [one, other] = await Promise.all([
      rehearsed({ add: 'kept.sum += 2 * count' }),
      rehearsed({ add: 'kept.sum += 2 * count' }, '--', 'calls/calls.js'),
    ]);
    expect([one.code, one.stdout], one.stderr).to.deep.equal([0, '2 rehearsals, 120 requests: nothing breaks\n']);
    expect(other.stdout, other.stderr).to.equal(one.stdout);
  });

  it('finds state that is refused, versions that do not start, requests that fail, and messages that are not read', async () => {
    const [refused, broken, fails, texts] = await Promise.all([
      rehearsed({ reads: 2 }),
      rehearsed({ created: `{ throw new RangeError('no disk') }` }),
      rehearsed({ add: `(() => { throw new RangeError('not for sale') })()` }),
      rehearsed({ gen: 'gen-texts' }),
    ]);
    expect([refused, broken, fails, texts].map(({ code, stderr }) => `${code}${stderr}`)).to.deep.equal([
      '1',
      '1',
      '1',
      '1',
    ]);
    expect(refused.stdout)
      .to.include('seed 1: till is not replaced on node-1: HandlerError')
      .and.include('version 1 is not read');
    expect(broken.stdout).to.include('seed 2: till is not replaced on node-2').and.include('no disk');
    expect(fails.stdout).to.match(/shop\.Till\.add fails \d+ times, and not before: .*not for sale/);
    expect(texts.stdout).to.match(/shop\.Till\.add fails \d+ times, and not before: /);
    expect(texts.stdout).to.match(/^2 rehearsals, \d+ requests: something breaks in 2$/m);
  });

  it('refuses what is no folder of components, and no workload', async () => {
    const lines = [
      ['old', 'empty'],
      ['old', 'nowhere'],
      ['old', 'old', '--', 'old/till.js'],
      ['old', 'old', '--seeds', '0'],
    ];
    const ended = await Promise.all(lines.map((words) => folder.ask(['rehearse', ...words])));
    for (const [at, { code, stderr }] of ended.entries())
      expect(code, `${lines[at]?.join(' ')}: ${stderr}`).to.equal(2);
  });
});

describe('the ledger of a rehearsal', () => {
  it('counts no request as failed that its signal has ended', () => {
    const ledger = new RehearsalLedger();
    const [one, other, third] = [ledger.began('Add'), ledger.began('Add'), ledger.began('Add')];
    ledger.failed(one, new AskAbortedError('aborted by the workload itself'));
    ledger.end();
    ledger.failed(other, new AskAbortedError('aborted at the end'));
    ledger.failed(third, new AskTimeoutError('late'));
    expect(ledger.failures.map(({ error, count }) => [error, count])).to.deep.equal([
      ['AskAbortedError', 1],
      ['AskTimeoutError', 1],
    ]);
  });
});
