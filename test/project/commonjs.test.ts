import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect } from 'chai';

const require = createRequire(import.meta.url);
const manifest = require(resolve('package.json')) as {
  readonly exports: Readonly<Record<string, string | { readonly import: object }>>;
};
const entryPoints = Object.entries(manifest.exports)
  .filter(([name, target]) => typeof target !== 'string' && name !== './partition')
  .map(([name]) => name.replace(/^\./, 'millrace'));

/** Runs a CommonJS program in a project of its own, which has this package. */
function run(files: Readonly<Record<string, string>>): { readonly output: string; readonly status: number | null } {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-commonjs-'));
  try {
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync(resolve('.'), join(folder, 'node_modules/millrace'));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    const child = spawnSync(process.execPath, ['main.js'], { cwd: folder, encoding: 'utf8' });
    return { output: child.stdout + child.stderr, status: child.status };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Two protocols as `millrace gen` writes them in a CommonJS package, and an ES module that uses both. */
const MIXED = {
  'gen/time.js': "exports.Timestamp = require('millrace/protocol').Timestamp;",
  'main.mjs': `
    import { behavior, Runtime } from 'millrace';
    import { Timestamp } from './gen/time.js';
    const method = { name: 'echo', fullName: 'test.Echo.Echo', mode: 'ask', lane: 'data', request: Timestamp, response: Timestamp };
    const Echo = { typeName: 'test.Echo', methods: { echo: method } };
    const runtime = await Runtime.start({ logLevel: 'warn' });
    const { nanos } = await runtime.spawn(behavior(Echo, { echo: (_, asked) => asked })).echo({ nanos: 7 });
    console.log(nanos);
    await runtime.stop();`,
};

describe('the package in CommonJS', function () {
  this.timeout(120_000);

  for (const name of entryPoints) {
    it(`gives ${name} the same names as its ES module`, async () => {
      const required = require(name) as object;
      const imported = (await import(name)) as object;
      expect(Object.keys(required).toSorted()).to.deep.equal(Object.keys(imported).toSorted());
      expect(Object.keys(required)).not.to.deep.equal([]);
    });
  }

  it('is put into an ES module by a bundler, beside the ES modules of the package', () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-mixed-'));
    try {
      mkdirSync(join(folder, 'node_modules'));
      mkdirSync(join(folder, 'gen'));
      symlinkSync(resolve('.'), join(folder, 'node_modules/millrace'));
      for (const [name, text] of Object.entries(MIXED)) writeFileSync(join(folder, name), text);
      const outfile = join(folder, 'bundle.mjs');
      const options = ['--bundle', '--platform=node', '--format=esm', '--log-level=error', `--outfile=${outfile}`];
      const built = spawnSync(resolve('node_modules/.bin/esbuild'), [join(folder, 'main.mjs'), ...options], {
        encoding: 'utf8',
      });
      expect(built.status, built.stderr).to.equal(0);
      rmSync(join(folder, 'node_modules'), { recursive: true });
      const { stdout, stderr, status } = spawnSync(process.execPath, [outfile], { cwd: folder, encoding: 'utf8' });
      expect(stdout, stderr).to.equal('7\n');
      expect(status).to.equal(0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('logs, and runs partitions on threads and in processes', () => {
    const { output, status } = run({
      'main.js': `
        const { Runtime } = require('millrace');
        async function main() {
          for (const placement of ['thread', 'process']) {
            const runtime = await Runtime.start({ partitions: 2, placement, logLevel: 'debug', logFormat: 'text', keyless: 'unix' });
            console.log(placement, runtime.health().partitions.length);
            await runtime.stop();
          }
        }
        main();`,
    });
    expect(output).to.contain('thread 2').and.to.contain('process 2').and.to.contain('process retired');
    expect(status).to.equal(0);
  });

  for (const [form, statement] of [
    ['module.exports', 'module.exports = made'],
    ['the exports.default of compiled TypeScript', 'exports.__esModule = true; exports.default = made'],
  ] as const) {
    it(`finds a pipeline in ${form}, by __filename, on another thread`, () => {
      const { output, status } = run({
        'flow.js': `
          const { pipeline } = require('millrace');
          const { Empty } = require('millrace/protocol');
          const made = pipeline('flow', __filename, (p) => {
            const from = p.source('from', Empty, { instances: 2 }, async (out) => { await out.write({}); });
            p.sink('to', from, { instances: 2 }, async (input) => { for await (const each of input) console.log('read', typeof each); });
          });
          ${statement};`,
        'main.js': `
          const { Runtime } = require('millrace');
          const found = require('./flow.js');
          async function main() {
            const runtime = await Runtime.start({ partitions: 2, placement: 'thread', logLevel: 'error' });
            await (await runtime.run(found.default ?? found)).done;
            await runtime.stop();
          }
          main();`,
      });
      expect(output).to.equal('read object\nread object\n');
      expect(status).to.equal(0);
    });
  }
});
