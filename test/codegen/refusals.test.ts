import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { generate } from '#src/codegen/index.js';
import { ConfigError } from '#src/errors.js';
import { millraceRejection } from '../support/rejection.js';

const HEAD =
  'syntax = "proto3"; package shop; import "google/protobuf/empty.proto"; import "millrace/v1/annotations.proto";';
const M = 'message M {}';
const EMPTY = 'google.protobuf.Empty';
const service = (rpc: string) => `${HEAD} ${M} service S { ${rpc} }`;

/** What is wrong, the file, and what the error says. */
const refused: readonly (readonly [title: string, source: string, ...said: readonly string[]])[] = [
  [
    'ASYNC with a stream of requests',
    service(`rpc Send(stream M) returns (${EMPTY}) { option (millrace.v1.mode) = ASYNC; }`),
    'shop.S.Send',
    'stream of requests',
  ],
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
  ['a tell with a reply', service('rpc Say(M) returns (M) { option (millrace.v1.tell) = true; }'), 'shop.S.Say', EMPTY],
  [
    'a tell with a stream',
    service(`rpc Say(M) returns (stream ${EMPTY}) { option (millrace.v1.tell) = true; }`),
    'shop.S.Say',
  ],
  [
    'a tell whose mode is SYNC',
    service(`rpc Say(M) returns (${EMPTY}) { option (millrace.v1.tell) = true; option (millrace.v1.mode) = SYNC; }`),
    'shop.S.Say',
    'tell = true and mode = SYNC, which contradict each other',
  ],
  [
    'an ASYNC rpc that is said to be no tell',
    service(`rpc Say(M) returns (${EMPTY}) { option (millrace.v1.mode) = ASYNC; option (millrace.v1.tell) = false; }`),
    'shop.S.Say',
    'tell = false and mode = ASYNC, which contradict each other',
  ],
  [
    'a tell that is a word',
    service(`rpc Say(M) returns (${EMPTY}) { option (millrace.v1.tell) = ASYNC; }`),
    'true or false',
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
  ['fields that become one property', `${HEAD} message M { int32 a_b = 1; int32 aB = 2; }`, 'shop.M', 'aB'],
  ['a field called as a oneof', `${HEAD} message M { int32 a_b = 1; oneof aB { int32 c = 2; } }`, 'shop.M', 'aB'],
  ['anything called __proto__', `${HEAD} message M { int32 __proto__ = 1; }`, '"__proto__"'],
  ['cases that become one', `${HEAD} message M { oneof o { int32 a_b = 1; int32 aB = 2; } }`, 'shop.M', 'aB'],
  ['field number 0', `${HEAD} message M { int32 a = 0; }`, 'shop.M.a', 'from 1 to 536870911'],
  ['a field number below 0', `${HEAD} message M {\n int32 a = -1; }`, 'shop.proto:2', 'shop.M.a'],
  ['field number 2^29', `${HEAD} message M {\n int32 a = 536870912; }`, 'shop.proto:2', 'shop.M.a', '536870912'],
  ['a field number beyond 2^32', `${HEAD} message M {\n int32 a = 4294967297; }`, 'shop.proto:2', '4294967297'],
  ['field number 19000', `${HEAD} message M {\n int32 a = 19000; }`, 'shop.proto:2', '19000 to 19999'],
  ['field number 19999', `${HEAD} message M {\n repeated int32 a = 0x4E1F; }`, 'shop.proto:2', '19999'],
  ['such a number of a map', `${HEAD} message M {\n map<string, int32> a = 19500; }`, 'shop.proto:2', '19500'],
  ['such a number of a case', `${HEAD} message M { oneof o {\n int32 a = 19500; } }`, 'shop.proto:2', '19500'],
  ['a field number that is no integer', `${HEAD} message M {\n int32 a = 1.5; }`, 'shop.proto:2', '1.5'],
  [
    'a reserved field number',
    `${HEAD} message M { reserved 2, 5 to 7;\n int32 a = 6; }`,
    'shop.proto:2',
    'reserved number 6',
  ],
  ['a field number reserved to the end', `${HEAD} message M { reserved 9 to max;\n int32 a = 10; }`, 'shop.proto:2'],
  ['a reserved name', `${HEAD} message M { reserved "b", "a";\n int32 a = 6; }`, 'shop.proto:2', 'reserved name'],
  [
    'an enum value beyond 32 bits',
    `${HEAD} enum E { A = 0;\n B = 2147483648; }`,
    'shop.proto:2',
    'value B of enum shop.E',
  ],
  ['an enum value below 32 bits', `${HEAD} enum E { A = 0;\n B = -2147483649; }`, 'shop.proto:2', 'value B'],
  ['an enum value twice', `${HEAD} enum E { A = 0; B = 1;\n C = 1; }`, 'shop.proto:2', 'value C', 'allow_alias'],
  ['a reserved enum value', `${HEAD} enum E { reserved -5 to -1; A = 0;\n B = -2; }`, 'shop.proto:2', 'value B'],
  ['a reserved name of an enum value', `${HEAD} enum E { reserved "B"; A = 0;\n B = 2; }`, 'shop.proto:2', 'value B'],
  ['an enum without values', `${HEAD}\nenum E {}`, 'shop.proto:2', 'shop.E'],
  ['a oneof without fields', `${HEAD} message M {\n oneof o {} }`, 'shop.proto:2', 'shop.M.o'],
  ['a name twice in a message', `${HEAD} message M { int32 a = 1;\n string a = 2; }`, 'shop.proto:2', 'shop.M.a'],
  ['a name twice in a file', `${HEAD} message M {}\nenum M { A = 0; }`, 'shop.proto:2', 'shop.M', 'shop.proto:1'],
  [
    'an enum value called as another of its package',
    `${HEAD} enum E { A = 0; }\nenum F { A = 0; }`,
    'shop.proto:2',
    'shop.A',
  ],
  ['an rpc twice', service('rpc Get(M) returns (M);\nrpc Get(M) returns (M);'), 'shop.proto:2', 'shop.S.Get'],
  ['an rpc that takes an enum', service('rpc Get(E) returns (M); } enum E { A = 0;'), 'shop.S.Get', 'enum'],
  ['a label in a oneof', `${HEAD} message M { oneof o {\n repeated int32 a = 1; } }`, 'shop.proto:2', 'oneof o'],
  ['a map in a oneof', `${HEAD} message M { oneof o {\n map<int32, int32> a = 1; } }`, 'shop.proto:2', 'map'],
  ['a repeated map', `${HEAD} message M {\n repeated map<int32, int32> a = 1; }`, 'shop.proto:2', 'map'],
  ['a map of maps', `${HEAD} message M {\n map<int32, map<int32, int32>> a = 1; }`, 'shop.proto:2'],
  [
    'an option that is not declared',
    `${HEAD} message M {\n option (shop.color) = RED; }`,
    'shop.proto:2',
    '(shop.color)',
  ],
  ['an extension of a message', `${HEAD} message M {}\nextend M { int32 a = 1; }`, 'shop.proto:2', 'shop.M'],
  ['a second package line', `${HEAD}\npackage other;`, 'shop.proto:2', 'package'],
  ['a string that does not end', `${HEAD}\nimport "google/protobuf/empty.proto;`, 'shop.proto:2', 'string'],
  ['a comment that does not end', `${HEAD}\n/* message M {}`, 'shop.proto:2', 'comment'],
  ['a character without meaning', `${HEAD}\nmessage M@ {}`, 'shop.proto:2', '"@"'],
  ['a number that runs into a name', `${HEAD} message M {\n int32 a = 1b; }`, 'shop.proto:2', '1b'],
  ['a missing semicolon', `${HEAD} message M {\n int32 a = 1\n int32 b = 2; }`, 'shop.proto:3', '";"'],
  ['a name that begins with a digit', `${HEAD} message M {\n int32 1a = 1; }`, 'shop.proto:2'],
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
  ['a map with keys of bytes', `${HEAD} message M { map<bytes, int32> m = 1; }`, 'bytes'],
  ['a map with keys of a message', `${HEAD} message M { map<M, int32> m = 1; }`, 'keys of M'],
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

  it('a proto path that is a file, and writes nothing beside the output folder', async () => {
    await put('shop.proto', `${HEAD} ${M}`);
    expect((await failure(['shop.proto'], ['shop.proto'])).message).to.match(/shop\.proto is a file\. Name a folder/);
    expect(await readdir(folder)).to.deep.equal(['shop.proto']);
  });

  it('a proto path that does not exist', async () => {
    await put('shop.proto', `${HEAD} ${M}`);
    expect((await failure(['shop.proto'], ['nope'])).message).to.match(/The proto path .*nope does not exist/);
  });

  it('an empty proto path and an empty output folder', async () => {
    const files = [await put('shop.proto', `${HEAD} ${M}`)];
    expect(
      (await millraceRejection(generate({ files, protoPath: [''], out: join(folder, 'gen') }))).message,
    ).to.include('proto path is empty');
    expect((await millraceRejection(generate({ files, out: '' }))).message).to.include('output folder is empty');
  });

  it('a folder in the place of a file', async () => {
    await put('protos/shop.proto', `${HEAD} ${M}`);
    expect((await failure(['protos'])).message).to.match(/protos is a folder\. Name the \.proto files in it/);
    expect((await failure(['protos'], ['protos'])).message).to.include('is a folder');
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

  async function put(path: string, source: string): Promise<string> {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, source);
    return file;
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
