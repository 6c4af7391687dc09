import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { generate, type GenerateOptions } from '#src/codegen/index.js';
import { ConfigError } from '#src/errors.js';
import { type AnyService, decode, encode, type MessageType } from '#src/protocol/index.js';
import { fixtures, repository } from '../../codegen/everything.js';

const SHOP = `syntax = "proto3";
package shop;
import "money.proto";
import "google/protobuf/empty.proto";
import "millrace/v1/annotations.proto";
service Till {
  rpc Pay(Price) returns (Money);
  rpc Note(Price) returns (google.protobuf.Empty) { option (millrace.v1.mode) = ASYNC; }
}
message Price { Money money = 1; repeated string tags = 2; bytes token = 3; map<string, Money> others = 4; }
// What runtime names are: none of these may stand in the way.
message Object { Map map = 1; }
message Map {}
`;
const MONEY = 'syntax = "proto3"; package shop; message Money { int64 cents = 1; } enum Coin { CENT = 0; EURO = 1; }';

/** A program that reads types and values of the generated modules, under any kind of module. */
const PROGRAM = `import { Coin, Money } from './gen/money.js';
import { Price, type PriceInit, Till } from './gen/shop.js';
import { decode, encode } from 'millrace/protocol';
const init: PriceInit = { money: { cents: 5n }, tags: ['a'] };
const price: Price = decode(Price, encode(Price, Price.create(init)));
export const cents: bigint | undefined = price.money?.cents;
export const euro: 1 = Coin.EURO;
export const mode: 'ask' = Till.methods.pay.mode;
export const money: Money = Money.create();
// @ts-expect-error: there is no such field.
Price.create({ monney: {} });
`;

describe('the kind of generated modules', function () {
  this.timeout(180_000);
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(repository, 'build/kind-'));
    await put('shop.proto', SHOP);
    await put('money.proto', MONEY);
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const kinds: readonly (readonly [title: string, packages: Readonly<Record<string, string>>, kind: string])[] = [
    ['"type": "module"', { '.': '{ "type": "module" }' }, 'esm'],
    ['"type": "commonjs"', { '.': '{ "type": "commonjs" }' }, 'commonjs'],
    ['no "type"', { '.': '{ "name": "a" }' }, 'commonjs'],
    ['a byte order mark', { '.': '\uFEFF{ "type": "module" }' }, 'esm'],
    ['a nearer one', { '.': '{ "type": "module" }', src: '{}' }, 'commonjs'],
    ['one that is not above the output', { '.': '{ "type": "module" }', other: '{}' }, 'esm'],
  ];
  for (const [title, packages, kind] of kinds) {
    it(`is ${kind} under a package.json with ${title}`, async () => {
      for (const [where, text] of Object.entries(packages)) await put(join(where, 'package.json'), text);
      expect(kindOf(await made({ out: join(folder, 'src/gen') }))).to.equal(kind);
    });
  }

  it('is what the caller says, whatever package.json says', async () => {
    await put('package.json', '{ "type": "module" }');
    expect(kindOf(await made({ module: 'commonjs' }))).to.equal('commonjs');
    await put('package.json', '{}');
    expect(kindOf(await made({ module: 'esm' }))).to.equal('esm');
  });

  it('is an error that names the package.json when that is not JSON', async () => {
    await put('package.json', '{');
    const error = await made().catch((cause: unknown) => cause);
    expect(error).to.be.instanceOf(ConfigError);
    expect(String(error)).to.include(join(folder, 'package.json')).and.include('--module');
    expect(kindOf(await made({ module: 'esm' }))).to.equal('esm');
  });

  it('makes CommonJS that require loads, with the same values as ES modules', async () => {
    await put('package.json', '{}');
    await generate({ files: [join(fixtures, 'everything.proto')], out: join(folder, 'cjs'), module: 'commonjs' });
    await put('esm/package.json', '{ "type": "module" }');
    await generate({ files: [join(fixtures, 'everything.proto')], out: join(folder, 'esm') });
    const file = join(folder, 'cjs/everything.js');
    const required = createRequire(file)(file) as Readonly<Record<string, unknown>>;
    const imported = (await import(pathToFileURL(join(folder, 'esm/everything.js')).href)) as typeof required;
    expect(Object.keys(required)).to.have.members(Object.keys(imported));
    const scalars = { aDouble: 1.5, aInt64: -7n, aString: 'é', aBytes: Uint8Array.of(1, 2), aBool: true };
    const bytesOf = (from: typeof required): Uint8Array => {
      const type = from['Scalars'] as MessageType<unknown>;
      const message = type.create(scalars);
      expect(decode(type, encode(type, message))).to.deep.equal(message);
      return encode(type, message);
    };
    expect(bytesOf(required)).to.deep.equal(bytesOf(imported));
    expect((required['Shop'] as AnyService).methods['watch']).to.deep.include({ mode: 'stream', lane: 0 });
  });

  it('makes CommonJS whose names ES modules can import, too', async () => {
    await put('package.json', '{}');
    await made();
    const file = pathToFileURL(join(folder, 'gen/shop.js')).href;
    expect(await import(file)).to.include.keys('Price', 'Till', 'Object', 'Map');
  });

  // Each compiler setting, with the `type` of package.json under which it makes CommonJS or not.
  const settings: readonly (readonly [flags: string, type: string])[] = [
    ['--module commonjs --moduleResolution bundler', 'commonjs'],
    ['--module nodenext', 'commonjs'],
    ['--module nodenext', 'module'],
    ['--module node16', 'module'],
    ['--module esnext --moduleResolution bundler', 'commonjs'],
    ['--module esnext --moduleResolution bundler', 'module'],
  ];
  for (const [flags, type] of settings) {
    it(`compiles and runs with ${flags} and "type": "${type}"`, async () => {
      await put('package.json', JSON.stringify({ type }));
      await made();
      await put('program.ts', PROGRAM);
      await mkdir(join(folder, 'node_modules'));
      await symlink(repository, join(folder, 'node_modules/millrace'), 'dir');
      const options = `--strict --skipLibCheck false --target es2022 --ignoreConfig ${flags} --types node program.ts`;
      const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');
      expect(run([tsc, ...options.split(' ')])).to.equal('');
      const isLoadable = !flags.includes('esnext') || type === 'module';
      if (isLoadable) expect(run(['-e', 'import("./program.js").then((m) => console.log(m.cents))'])).to.equal('5n\n');
    });
  }

  async function put(path: string, text: string): Promise<void> {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }

  /** Generates shop.proto; returns the text of its module. */
  async function made(options: Partial<GenerateOptions> = {}): Promise<string> {
    const out = options.out ?? join(folder, 'gen');
    await generate({ files: [join(folder, 'shop.proto')], out, ...options });
    return readFile(join(out, 'shop.js'), 'utf8');
  }

  function run(words: readonly string[]): string {
    const child = spawnSync(process.execPath, words, { cwd: folder, encoding: 'utf8' });
    return child.stdout + (child.status === 0 ? '' : child.stderr + String(child.status));
  }
});

function kindOf(source: string): string {
  const isCommonJs = /^exports\.Price = Price;$/m.test(source) && source.includes("require('millrace/protocol')");
  const isEsm = /^export \{ .*Price/m.test(source) && source.includes("from 'millrace/protocol'");
  if (isCommonJs === isEsm) return `neither or both: ${source}`;
  return isEsm ? 'esm' : 'commonjs';
}
