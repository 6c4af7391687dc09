import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { generate } from '#src/codegen/index.js';
import { ConfigError } from '#src/errors.js';

const HEAD =
  'syntax = "proto3"; package shop; import "google/protobuf/empty.proto"; import "millrace/v1/annotations.proto";';
const M = 'message M {}';
const EMPTY = 'google.protobuf.Empty';
const service = (rpc: string) => `${HEAD} ${M} service S { ${rpc} }`;

/** What is wrong, the file, and what the error says. */
const refused: readonly (readonly [title: string, source: string, ...said: readonly string[]])[] = [
  ['client streaming', service('rpc Send(stream M) returns (M);'), 'shop.S.Send', 'streams its requests'],
  ['groups', `${HEAD} message M { repeated group Row = 1 { int32 a = 1; } }`, 'Row is a group'],
  [
    'ASYNC with a reply',
    service('rpc Tell(M) returns (M) { option (millrace.v1.mode) = ASYNC; }'),
    'shop.S.Tell',
    EMPTY,
  ],
  [
    'ASYNC with a stream',
    service(`rpc Tell(M) returns (stream ${EMPTY}) { option (millrace.v1.mode) = ASYNC; }`),
    'shop.S.Tell',
  ],
  [
    'a mode that does not exist',
    service('rpc Tell(M) returns (M) { option (millrace.v1.mode) = LATER; }'),
    'LATER',
    'SYNC or ASYNC',
  ],
  [
    'a lane that does not exist',
    service('rpc Tell(M) returns (M) { option (millrace.v1.lane) = FAST; }'),
    'FAST',
    'DATA or CONTROL',
  ],
  [
    'an option of ours that does not exist',
    service('rpc Tell(M) returns (M) { option (millrace.v1.made) = ASYNC; }'),
    'made',
    'mode',
  ],
  [
    'rpcs that differ in the case of their first letter',
    service('rpc Get(M) returns (M); rpc get(M) returns (M);'),
    'shop.S.get',
  ],
  ['a message called as the Init type of another', `${HEAD} message Row {} message RowInit {}`, 'RowInit', 'shop.Row'],
  ['a nested message called as another', `${HEAD} message A { message B {} } message A_B {}`, 'A_B', 'shop.A.B'],
  ['a nested enum called as a message', `${HEAD} message A { enum B { X = 0; } } message A_B {}`, 'A_B'],
  ['a message called as a word of the language', `${HEAD} message delete {}`, 'shop.delete'],
  ['a message called as what generated code needs', `${HEAD} message Uint8Array {}`, 'shop.Uint8Array'],
  ['a message called as a variable of generated code', `${HEAD} message writer {}`, 'shop.writer'],
  ['fields that become one property', `${HEAD} message M { int32 a_b = 1; int32 aB = 2; }`, 'shop.M', 'aB'],
  ['a field called as a oneof', `${HEAD} message M { int32 a_b = 1; oneof aB { int32 c = 2; } }`, 'shop.M', 'aB'],
  ['anything called __proto__', `${HEAD} message M { int32 __proto__ = 1; }`, '"__proto__"'],
  ['cases that become one', `${HEAD} message M { oneof o { int32 a_b = 1; int32 aB = 2; } }`, 'shop.M', 'aB'],
  ['field number 0', `${HEAD} message M { int32 a = 0; }`, 'shop.M.a'],
  ['a field number twice', `${HEAD} message M { int32 a = 1; int32 b = 1; }`, 'duplicate id 1'],
  ['an enum without 0', `${HEAD} enum E { A = 1; }`, 'shop.E'],
  ['a type that does not exist', `${HEAD} message M { Row row = 1; }`, 'Row', 'import'],
  ['a request type that does not exist', service('rpc Get(Row) returns (M);'), 'Row'],
  [
    'an import that does not exist',
    'syntax = "proto3"; import "other.proto";',
    'other.proto',
    'imported by shop.proto',
    '--proto-path',
  ],
  ['a file that is cut off', `${HEAD} message M { int32 a = 1;`, 'line 1'],
  ['a map with keys of a floating point type', `${HEAD} message M { map<float, int32> m = 1; }`, 'float'],
];

const METHODS_TAKEN =
  'ready toRef path name parent system type service then catch finally state on supervision mailbox constructor toString ' +
  'valueOf hasOwnProperty __proto__';

describe('the generator refuses', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-codegen-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  for (const [title, source, ...said] of refused) {
    it(`${title}, saying where and why, and writes nothing`, async () => {
      await put('shop.proto', source);
      const error = await failure(['shop.proto']);
      for (const text of ['shop.proto', ...said]) expect(error.message).to.include(text);
      expect(await readdir(folder)).to.deep.equal(['shop.proto']);
    });
  }

  for (const name of METHODS_TAKEN.split(' ')) {
    it(`an rpc that would become the member ${name}`, async () => {
      await put('shop.proto', service(`rpc ${name.charAt(0).toUpperCase()}${name.slice(1)}(M) returns (M);`));
      const { message } = await failure(['shop.proto']);
      expect(message).to.include('shop.proto').and.include(`"${name}"`);
    });
  }

  it('a file outside the proto path', async () => {
    await put('a/shop.proto', `${HEAD} ${M}`);
    await mkdir(join(folder, 'b'));
    expect((await failure(['a/shop.proto'], ['b'])).message).to.include('is not below the proto path');
  });

  it('a file that does not exist', async () => {
    expect((await failure(['none.proto'])).message).to.include('none.proto was not found');
  });

  it('what an imported file has wrong, by its name, its line and who needs it', async () => {
    await put('shop.proto', 'syntax = "proto3";\nimport "old.proto";\nmessage M { Old old = 1; }');
    await put('old.proto', 'syntax = "proto2";\nmessage Old {\n  required int32 a = 1;\n}');
    expect((await failure(['shop.proto'])).message)
      .to.match(/^old\.proto:3: field Old\.a is required/)
      .and.include('message M needs it (shop.proto:3)');
  });

  async function put(path: string, source: string): Promise<void> {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), source);
  }

  async function failure(files: readonly string[], protoPath?: readonly string[]): Promise<ConfigError> {
    const absolute = (paths: readonly string[]) => paths.map((path) => join(folder, path));
    try {
      await generate({
        files: absolute(files),
        ...(protoPath === undefined ? {} : { protoPath: absolute(protoPath) }),
        out: join(folder, 'gen'),
      });
    } catch (error) {
      if (error instanceof ConfigError) return error;
      throw error;
    }
    throw new Error('nothing was refused');
  }
});
