import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { root } from './root.js';

/** Asks its first actor, and writes into a file what it has in memory then. */
const PROGRAM = `
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
const { Runtime, behavior } = await import('millrace');
const { Timestamp } = await import('millrace/protocol');
const method = { name: 'echo', fullName: 'test.Echo.Echo', mode: 'ask', lane: 'data', request: Timestamp, response: Timestamp };
const Echo = { typeName: 'test.Echo', methods: { echo: method } };
const runtime = await Runtime.start();
const { nanos } = await runtime.spawn(behavior(Echo, { echo: (_, asked) => asked })).echo({ nanos: 7 });
const { cache } = createRequire(import.meta.url);
writeFileSync('loaded.json', JSON.stringify({ nanos, builtins: process.moduleLoadList, packages: Object.keys(cache) }));
process.exit();
`;

const NACT_PROGRAM = `
import { createRequire } from 'node:module';
import { Runtime, behavior } from 'millrace';
import { Timestamp } from 'millrace/protocol';
const method = { name: 'echo', fullName: 'test.Echo.Echo', mode: 'ask', lane: 'data', request: Timestamp, response: Timestamp };
const echo = behavior({ typeName: 'test.Echo', methods: { echo: method } }, { echo: (_, asked) => asked });
const early = await Runtime.start();
const first = early.spawn(echo);
const { cache } = createRequire(import.meta.url);
console.log('before:', Object.keys(cache).filter((path) => path.includes('/node_modules/nact/')).length, 'files of nact');
const taken = (await import('nact')).default.start({ name: first.system.name });
await import('millrace/nact');
const nact = (await import('nact')).default;
console.log('early:', (await nact.query(first, () => ({ echo: { nanos: 7 } }), 1000)).nanos);
const late = await Runtime.start();
console.log('late:', (await nact.query(late.spawn(echo), () => ({ echo: { nanos: 8 } }), 1000)).nanos);
console.log('names', taken.system.name === first.system.name ? 'are equal' : 'differ');
await early.stop();
await late.stop();
nact.stop(taken);
`;

/** Looks up a name that nobody has, and prints how long the process stays after that. */
const LOOKUP_PROGRAM = `
import { Runtime } from 'millrace';
import { Timestamp } from 'millrace/protocol';
const method = { name: 'echo', fullName: 'test.Echo.Echo', mode: 'ask', lane: 'data', request: Timestamp, response: Timestamp };
const runtime = await Runtime.start({ logLevel: 'silent' });
const failed = await runtime.lookup({ typeName: 'test.Echo', methods: { echo: method } }, 'nobody', { timeoutMs: 50 }).catch((error) => error);
console.log(failed.code);
const endedMs = performance.now();
process.once('exit', () => console.log('stays', performance.now() - endedMs < 4_500 ? 'no longer than an ask' : 'too long'));
`;

/** Names each module on standard error as it is loaded. */
const WATCH = `
import { register } from 'node:module';
register('data:text/javascript,' + encodeURIComponent(
  'export function load(url, context, next) { process._rawDebug("loads " + url); return next(url, context); }',
));
`;

interface Loaded {
  readonly nanos: number;
  readonly builtins: readonly string[];
  readonly packages: readonly string[];
}

describe('a program that embeds a runtime', function () {
  this.timeout(120_000);
  let folder = '';

  const start = (...options: string[]): { readonly loaded: Loaded; readonly stderr: string } => {
    const { stderr } = spawnSync(process.execPath, [...options, 'main.mjs'], { cwd: folder, encoding: 'utf8' });
    return { loaded: JSON.parse(readFileSync(join(folder, 'loaded.json'), 'utf8')) as Loaded, stderr };
  };

  before(() => {
    folder = mkdtempSync(join(root, 'build/start-'));
    writeFileSync(join(folder, 'main.mjs'), PROGRAM);
    writeFileSync(join(folder, 'watch.mjs'), WATCH);
  });

  after(() => rmSync(folder, { recursive: true }));

  it('loads few files until its first reply: each takes longer than hundreds of messages', () => {
    const { loaded, stderr } = start('--import', './watch.mjs');
    const files = stderr.split('\n').filter((line) => line.startsWith('loads file:') && !line.endsWith('/main.mjs'));
    expect(files, stderr).to.have.length.within(1, 4);
    expect(loaded.nanos).to.equal(7);
  });

  it('loads nothing by then that is only needed later', () => {
    const { builtins, packages } = start().loaded;
    const late = ['crypto', 'zlib', 'net', 'tls', 'http', 'worker_threads', 'child_process'];
    expect(builtins.filter((name) => late.includes(name.replace('NativeModule ', '')))).to.deep.equal([]);
    // The one that loads the vendored packages has a few lines.
    expect(packages.filter((path) => !path.endsWith('/dist/vendored.cjs'))).to.deep.equal([]);
    const core = readFileSync(join(root, 'dist/core.js'), 'utf8');
    expect(core).to.include('"millrace.v1.Resource"');
    expect(core).to.not.match(/"millrace\.v1\.(RecordedEvent|HostedPartition|UcxOffer|PeerHello)"/);
  });

  it('loads nact with millrace/nact, whose verbs then find what runs already and what starts later', () => {
    writeFileSync(join(folder, 'nact.mjs'), NACT_PROGRAM);
    const { stdout, stderr } = spawnSync(process.execPath, ['nact.mjs'], { cwd: folder, encoding: 'utf8' });
    expect(stdout, stderr).to.equal('before: 0 files of nact\nearly: 7\nlate: 8\nnames differ\n');
  });

  it('ends when a lookup has found nothing: nothing waits for the name any more', () => {
    writeFileSync(join(folder, 'lookup.mjs'), LOOKUP_PROGRAM);
    const { stdout, stderr } = spawnSync(process.execPath, ['lookup.mjs'], {
      cwd: folder,
      encoding: 'utf8',
      timeout: 120_000,
    });
    expect(stdout, stderr).to.equal('ASK_TIMEOUT\nstays no longer than an ask\n');
  });
});
