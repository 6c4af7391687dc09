import { spawnSync } from 'node:child_process';
import { mkdir, readFile, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { generate } from '#src/codegen/index.js';
import { type AnyService, decode, Empty, encode, Lane, type MessageType, Ref } from '#src/protocol/index.js';
import { compileEverything, type Everything, fixtures, repository } from './everything.js';

describe('the generator', () => {
  let everything: Everything;

  beforeEach(async () => {
    everything = await compileEverything();
  });
  afterEach(() => everything.remove());

  it('makes a .js and a .d.ts of each file, and of those imported whose types it needs', async () => {
    const written = await generate({ files: [join(fixtures, 'everything.proto')], out: everything.folder });
    const names = written.map((path) => relative(everything.folder, path));
    const stems = ['everything', 'google/protobuf/struct', 'google/protobuf/wrappers'];
    expect(names).to.deep.equal(stems.flatMap((stem) => [`${stem}.d.ts`, `${stem}.js`]));
  });

  it('leaves a file alone that would not change', async () => {
    const file = join(everything.folder, 'everything.js');
    await utimes(file, 1_000, 1_000);
    await generate({ files: [join(fixtures, 'everything.proto')], out: everything.folder });
    expect((await stat(file)).mtimeMs).to.equal(1_000_000);
  });

  it('describes services with names, modes, lanes and types', () => {
    const { typeName, methods } = everything.exported['Shop'] as AnyService;
    expect(typeName).to.equal('everything.Shop');
    const facts = Object.values(methods).map(({ request: _request, response: _response, ...rest }) => rest);
    expect(facts).to.deep.equal([
      { name: 'plant', fullName: 'everything.Shop.Plant', mode: 'ask', lane: Lane.data },
      { name: 'observe', fullName: 'everything.Shop.Observe', mode: 'tell', lane: Lane.data },
      { name: 'watch', fullName: 'everything.Shop.Watch', mode: 'stream', lane: Lane.control },
      { name: 'fill', fullName: 'everything.Shop.Fill', mode: 'ask', lane: Lane.data, streamsRequests: true },
      { name: 'talk', fullName: 'everything.Shop.Talk', mode: 'stream', lane: Lane.control, streamsRequests: true },
    ]);
    expect(methods['plant']?.request).to.equal(everything.ours('Tree'));
    expect(methods['observe']?.response).to.equal(Empty);
  });

  it('takes tell = true and mode = ASYNC for the same, also together', async () => {
    const options = ['tell) = true', 'mode) = ASYNC', 'tell) = false', 'mode) = SYNC', 'lane) = CONTROL'];
    const both = ['option (millrace.v1.tell) = true; option (millrace.v1.mode) = ASYNC;'];
    const rpcs = [...options.map((option) => `option (millrace.v1.${option};`), ...both]
      .map((text, index) => `rpc R${index}(google.protobuf.Empty) returns (google.protobuf.Empty) { ${text} }`)
      .join('\n');
    const imports = 'import "google/protobuf/empty.proto"; import "millrace/v1/annotations.proto";';
    const file = await put('tells.proto', `syntax = "proto3"; package tells; ${imports} service S { ${rpcs} }`);
    await generate({ files: [file], out: join(everything.folder, 'tells') });
    const { S } = (await import(pathToFileURL(join(everything.folder, 'tells/tells.js')).href)) as { S: AnyService };
    const modes = Object.values(S.methods).map(({ mode }) => mode);
    expect(modes).to.deep.equal(['tell', 'tell', 'ask', 'ask', 'ask', 'tell']);
  });

  it('uses the Ref and the well-known types of the package', async () => {
    const source = await readFile(join(everything.folder, 'everything.js'), 'utf8');
    expect(source).to.match(/import \{[^}]*\bRef\b[^}]*\} from 'millrace\/protocol';/);
    const type = everything.ours('Borrowed');
    const bytes = encode(type, type.create({ ref: { cUid: 7n, service: 'everything.Shop' } }));
    expect(decode(type, bytes)['ref']).to.deep.equal(Ref.create({ cUid: 7n, service: 'everything.Shop' }));
  });

  it('copies comments, and makes none of them code', async () => {
    const types = await readFile(join(everything.folder, 'everything.d.ts'), 'utf8');
    expect(types)
      .to.include('/** Asks for a tree. */\n  readonly plant:')
      .and.include('/** Like blood. */\n  readonly RED: 1;');
    expect(types).to.include('/**\n * A colour,\n * as painters know it.\n */\nexport declare const Color');
    const proto = await put('comment.proto', 'syntax = "proto3";\n// a */ throw 1; /*\nmessage M {}');
    const [, module = ''] = await generate({ files: [proto], out: join(everything.folder, 'comment') });
    expect(await import(pathToFileURL(module).href)).to.have.property('M');
  });

  it('gives a comment to the first declaration below it, and to no other of its line', async () => {
    const text = `syntax = "proto3";
// About the message.
message Ball { uint32 left = 1; string name = 2; }
// About the kinds.
enum Kind { NONE = 0; SOME = 1; }
// About the service.
service Balls { rpc Throw(Ball) returns (Ball); }
message Bat { uint32 left = 1; } // About bats.
message Net {
  // About both.
  uint32 wide = 1; uint32 high = 2; // About the height.
}`;
    const proto = await put('lines.proto', text);
    await generate({ files: [proto], out: join(everything.folder, 'lines') });
    const types = await readFile(join(everything.folder, 'lines/lines.d.ts'), 'utf8');
    const above = (declared: string): string[] => {
      const lines = types.split('\n');
      return lines.flatMap((line, at) => (line.includes(declared) ? [(lines[at - 1] ?? '').trim()] : []));
    };
    expect(above('readonly left')).to.not.include('/** About the message. */');
    for (const declared of ['readonly left', 'readonly name', 'readonly SOME', 'readonly NONE', 'readonly throw'])
      expect(above(declared).join(), declared).to.not.include('About');
    expect(above('interface Ball ')).to.deep.equal(['/** About the message. */']);
    expect(above('interface Bat ')).to.deep.equal(['/** About bats. */']);
    expect(above('readonly wide')).to.include('/** About both. */');
    expect(above('readonly high')).to.include('/** About the height. */');
  });

  it('tells types of one name from two packages apart', async () => {
    const left = await put('pair/left.proto', 'syntax = "proto3"; package left; message Row { int32 a = 1; }');
    const both =
      'syntax = "proto3"; package right; import "left.proto"; message Row { left.Row other = 1; } message Map { Row row = 1; }';
    const right = await put('pair/right.proto', both);
    await generate({ files: [left, right], out: join(everything.folder, 'pair') });
    const file = join(everything.folder, 'pair/right.js');
    const { Row } = (await import(pathToFileURL(file).href)) as { Row: MessageType<unknown> };
    expect(decode(Row, encode(Row, Row.create({ other: { a: 5 } })))).to.deep.equal({ other: { a: 5 } });
    expect(await readFile(file.replace('.js', '.d.ts'), 'utf8')).to.include('readonly other: Row$1 | undefined');
  });

  it('finds imports below the proto path, and lays modules out as the files are', async () => {
    await put('tree/a/x.proto', 'syntax = "proto3"; package a; enum Side { UP = 0; } message X { Side side = 1; }');
    const file = await put(
      'tree/b/y.proto',
      'syntax = "proto3"; package b; import "a/x.proto"; message Y { a.X x = 1; repeated a.Side s = 2; }',
    );
    const out = join(everything.folder, 'tree/out');
    const written = await generate({ files: [file], protoPath: [join(everything.folder, 'tree')], out });
    expect(written.map((path) => relative(out, path))).to.deep.equal(['a/x.d.ts', 'a/x.js', 'b/y.d.ts', 'b/y.js']);
    expect(await readFile(join(out, 'b/y.d.ts'), 'utf8')).to.include("from '../a/x.js'");
  });

  it('gives types under which wrong use does not compile', async () => {
    const source = await readFile(join(fixtures, 'types.ts.txt'), 'utf8');
    await writeFile(join(everything.folder, 'types.ts'), source);
    const node = join(everything.folder, 'node_modules');
    await mkdir(node);
    await symlink(repository, join(node, 'millrace'), 'dir');
    const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');
    const flags =
      '--strict --noEmit --exactOptionalPropertyTypes --noUncheckedIndexedAccess --target es2023 --module nodenext --ignoreConfig';
    const child = spawnSync(process.execPath, [tsc, ...flags.split(' '), '--types', 'node', 'types.ts'], {
      cwd: everything.folder,
      encoding: 'utf8',
    });
    expect(child.stdout + child.stderr).to.equal('');
    expect(child.status).to.equal(0);
    // Each of the expected errors is one: without the marks they would all be reported.
    expect(source.match(/@ts-expect-error/g)).to.have.length.greaterThan(15);
  });

  async function put(path: string, source: string): Promise<string> {
    const file = join(everything.folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, source);
    return file;
  }
});
