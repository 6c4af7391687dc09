import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createContext, runInContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';

const PROTO = `
syntax = "proto3";
package shop;
message Quote { string symbol = 1; double price = 2; bytes seal = 3; repeated uint64 sizes = 4; }
message Quotes { repeated Quote quotes = 1; }
service Pricing { rpc Latest(Quote) returns (Quotes); }
`;
const PAGE = `
import { decode, encode } from 'millrace/protocol';
import { Pricing, Quote, Quotes } from './gen/shop.js';
const long = 'é'.repeat(200);
const quotes = [{ symbol: long, price: 1.5, seal: Uint8Array.of(1, 2), sizes: [7n] }];
const read = decode(Quotes, encode(Quotes, { quotes })).quotes[0];
let refused = 'nothing';
try { decode(Quote, Uint8Array.of(10, 1, 0xff)); } catch (error) { refused = error.name; }
try { encode(Quote, { seal: 'text' }); } catch (error) { refused += ' ' + error.name; }
globalThis.found = JSON.stringify([read.symbol === long, read.price, read.seal.length, String(read.sizes[0]), Pricing.typeName, refused]);
`;
/** What the code of a page may weigh. */
const GZIPPED_BYTES = 40 * 1024;

describe('generated code in a page', function () {
  this.timeout(120_000);
  let folder: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-page-'));
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync(resolve('.'), join(folder, 'node_modules/millrace'));
    writeFileSync(join(folder, 'shop.proto'), PROTO);
    writeFileSync(join(folder, 'page.js'), PAGE);
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    const cli = resolve('dist/cli/millrace.js');
    const made = spawnSync(process.execPath, [cli, 'gen', 'shop.proto', '--out', 'gen'], {
      cwd: folder,
      encoding: 'utf8',
    });
    expect(made.status, made.stderr).to.equal(0);
  });
  after(() => rmSync(folder, { recursive: true }));

  /** By the command: the functions of esbuild leave a process behind them. */
  const bundled = (): string => {
    const options = ['--bundle', '--minify', '--platform=browser', '--format=iife'];
    const esbuild = resolve('node_modules/.bin/esbuild');
    const { stdout, stderr } = spawnSync(esbuild, ['page.js', ...options], { cwd: folder, encoding: 'utf8' });
    expect(stdout, stderr).to.not.equal('');
    return stdout;
  };

  it('runs without anything of Node', () => {
    const page = { TextEncoder, TextDecoder };
    runInContext(bundled(), createContext(page));
    const found: unknown = JSON.parse(String(Reflect.get(page, 'found')));
    expect(found).to.deep.equal([true, 1.5, 2, '7', 'shop.Pricing', 'ProtocolError ProtocolError']);
  });

  it('weighs less than 40 KiB, compressed', () => {
    expect(gzipSync(bundled()).length).to.be.below(GZIPPED_BYTES);
  });
});
