import { spawnSync } from 'node:child_process';
import { symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { type AnyService, decode, encode } from '#src/protocol/index.js';
import { repository } from './everything.js';
import { Scratch } from './scratch.js';

/** Words of protobuf, of JavaScript and TypeScript, of what every object has, and of what generated code has. */
const NAMES =
  'message enum service rpc map oneof reserved extend extensions import package option syntax repeated optional stream returns ' +
  'group to max int32 string bytes class delete default function return new this null true undefined await yield let ' +
  'constructor toString valueOf hasOwnProperty isPrototypeOf then catch toJSON prototype length name arguments eval ' +
  'init reader writer value item key mark outer end fields create read write typeName case exports require module ' +
  'globalThis Object Map Array Uint8Array Symbol Promise NaN Infinity Row M Other _ __ _1 __2 a_1 a__b _x x_ X';

/** The property that a field of this name becomes. */
const PROPERTIES: Readonly<Record<string, string>> = {
  _: '_',
  __: '_',
  _1: '_1',
  __2: '_2',
  a_1: 'a1',
  a__b: 'aB',
  _x: 'X',
  x_: 'x',
  constructor: 'constructor$',
  toString: 'toString$',
  valueOf: 'valueOf$',
  hasOwnProperty: 'hasOwnProperty$',
  isPrototypeOf: 'isPrototypeOf$',
};
const propertyOf = (name: string): string => PROPERTIES[name] ?? name;

const P3 = 'syntax = "proto3"; package p; ';

describe('names', function () {
  this.timeout(180_000);
  let scratch: Scratch;

  beforeEach(async () => {
    scratch = await Scratch.make();
  });
  afterEach(() => scratch.remove());

  it('of fields, cases, oneofs, enum values and packages may be any, in code and types', async () => {
    const names = NAMES.split(' ').filter((name) => name !== '__' && name !== 'X');
    // A field begins with the type, so a leading dot keeps words of the grammar from being one.
    const fields = names.map((name, index) => `  .p.Other ${name} = ${index + 1};`);
    const cases = names.map((name, index) => `  int32 ${name} = ${index + 1};`);
    const oneofs = names.map((name, index) => `message O${index} { oneof ${name} { Other a = 1; int32 b = 2; } }`);
    const values = names.map((name, index) => `  ${name} = ${index};`);
    const packages = names.filter((name) => name !== 'p').join('.');
    await scratch.put('far.proto', `syntax = "proto3"; package ${packages}; message Far { int32 a = 1; }`);
    await scratch.put(
      'names.proto',
      `${P3} import "far.proto"; message Other { int32 a = 1; .${packages}.Far far = 2; }
       message Row { ${fields.join('\n')} } message Cases { oneof choice { ${cases.join('\n')} } }
       ${oneofs.join('\n')} message Holder { enum Values { option deprecated_legacy_json_field_conflicts = true; ${values.join('\n')} } }`,
    );
    for (const module of ['esm', 'commonjs'] as const) {
      await scratch.put(`gen-${module}/package.json`, module === 'esm' ? '{ "type": "module" }' : '{}');
      await scratch.generate(['names.proto'], { module, out: join(scratch.path, `gen-${module}`) });
      const exported = await scratch.load(`../gen-${module}/names.js`);
      const type = async (name: string) => scratch.type(`../gen-${module}/names.js`, name);
      const row = await type('Row');
      const full = row.create(Object.fromEntries(names.map((name, index) => [propertyOf(name), { a: index }])));
      expect(Object.keys(full)).to.deep.equal(names.map(propertyOf));
      expect(decode(row, encode(row, full))).to.deep.equal(full);
      const casesType = await type('Cases');
      for (const [index, name] of names.entries()) {
        const choice = casesType.create({ choice: { case: propertyOf(name), value: index } });
        expect(decode(casesType, encode(casesType, choice)), name).to.deep.equal(choice);
        const oneof = await type(`O${index}`);
        const init = oneof.create({ [propertyOf(name)]: { case: 'a', value: { a: 1 } } });
        expect(decode(oneof, encode(oneof, init)), name).to.deep.equal(init);
      }
      expect(Object.entries(exported['Holder_Values'] ?? {})).to.have.deep.members(
        names.map((name, index) => [name, index]),
      );
    }
    expect(await compiled()).to.equal('');
  });

  it('of messages, enums and services are exported as they are, or with an underscore where a module cannot have them', async () => {
    const names = [...NAMES.split(' '), 'of', 'get', 'async', 'ReadonlyMap'];
    const kinds = {
      message: (name: string) => `message ${name} { int32 a = 1; .messages.${name} again = 2; }`,
      enum: (name: string) => `enum ${name} { ZERO_${name} = 0; }`,
      service: (name: string) => `service ${name} { rpc Get(.services.Request) returns (.services.Request); }`,
    };
    for (const [kind, source] of Object.entries(kinds)) {
      await scratch.put(
        `${kind}.proto`,
        `${P3.replace('p;', `${kind}s;`)} ${names.map(source).join('\n')} message Request {}`,
      );
      await scratch.generate([`${kind}.proto`], { out: join(scratch.path, 'gen-esm') });
      const exported = await scratch.load(`../gen-esm/${kind}.js`);
      expect(exported).to.include.keys('constructor', 'toString', 'then', 'Object', 'Map', 'Promise', 'NaN', '_1', '_');
      expect(exported).to.include.keys(
        'of_',
        'get_',
        'async_',
        'let_',
        'delete_',
        'Uint8Array_',
        'ReadonlyMap_',
        'writer_',
      );
      for (const name of names) expect(name in exported || `${name}_` in exported, `${kind} ${name}`).to.equal(true);
    }
    expect(await compiled()).to.equal('');
    const type = await scratch.type('../gen-esm/message.js', 'of_');
    expect(type.typeName).to.equal('messages.of');
    const message = type.create({ a: 1, again: { a: 2 } });
    expect(decode(type, encode(type, message))).to.deep.equal(message);
  });

  it('of what is nested in such a message have no second underscore, and two of one name are refused', async () => {
    await scratch.put('n.proto', `${P3} message of { message In { int32 a = 1; } In in = 1; }`);
    await scratch.generate(['n.proto']);
    expect(await scratch.load('n.js')).to.have.all.keys('of_', 'of_In');
    await scratch.put('n.proto', `${P3} message of {}\nmessage of_ {}`);
    expect(await scratch.refusal(['n.proto'])).to.match(/^n\.proto:2: .*"of_"/);
  });

  it('of a oneof do not meet the names that generated code makes', async () => {
    const oneofs = ['fields', '_1', '_2', 'create', 'create_fields'];
    const members = oneofs.map(
      (name, index) => `oneof ${name} { Row a${index} = ${index * 2 + 1}; int32 b${index} = ${index * 2 + 2}; }`,
    );
    await scratch.put('far.proto', 'syntax = "proto3"; package far; message Row { int32 a = 1; }');
    await scratch.put(
      'row.proto',
      `${P3} import "far.proto"; message Row { ${members.join(' ')} far.Row far = 20; } message Row_fields {}`,
    );
    await scratch.generate(['row.proto']);
    const type = await scratch.type('row.js', 'Row');
    const message = type.create({ fields: { case: 'a0', value: { _1: { case: 'b1', value: 7 } } }, far: { a: 1 } });
    expect(decode(type, encode(type, message))).to.deep.equal(message);
  });

  it('of rpcs may be any but what references and behaviors have', async () => {
    const rpcs =
      'Delete Class Default Message Stream Returns Rpc Option Typeof Arguments Length Prototype _1 Get_All'.split(' ');
    const lines = rpcs.map((name) => `rpc ${name}(M) returns (M);`);
    await scratch.put('s.proto', `${P3} service S { ${lines.join('\n')} } message M {}`);
    await scratch.generate(['s.proto']);
    const { S } = (await scratch.load('s.js')) as { S: AnyService };
    expect(Object.keys(S.methods)).to.deep.equal(rpcs.map((name) => name.charAt(0).toLowerCase() + name.slice(1)));
    expect(await compiled('gen')).to.equal('');
  });

  for (const [what, source] of Object.entries({
    message: 'message __proto__ {}',
    field: 'message M { int32 __proto__ = 1; }',
    oneof: 'message M { oneof __proto__ { int32 a = 1; } }',
    enum: 'enum __proto__ { A = 0; }',
    'enum value': 'enum E { __proto__ = 0; }',
    service: 'service __proto__ {}',
    rpc: 'service S { rpc __proto__(M) returns (M); } message M {}',
  })) {
    it(`__proto__ of a ${what} is refused by file and line`, async () => {
      await scratch.put('m.proto', `${P3}\n${source}`);
      expect(await scratch.refusal(['m.proto'])).to.match(/^m\.proto:2: .*"?__proto__"?/);
    });
  }

  it('in texts are texts: options and comments that hold group, __proto__ and code', async () => {
    await scratch.put(
      'm.proto',
      `${P3} import "google/protobuf/descriptor.proto"; // group A = 1 { __proto__
       extend google.protobuf.FieldOptions { string note = 5000; }
       /* */ message M { int32 a = 1 [(p.note) = "group Row = 1 {", json_name = "__proto__"]; /* ' */ string b = 2 [(p.note) = '__proto__ */ throw 1;']; }`,
    );
    await scratch.generate(['m.proto']);
    expect((await scratch.type('m.js', 'M')).create()).to.deep.equal({ a: 0, b: '' });
  });

  /** What tsc says of all that was generated. */
  async function compiled(folder = 'gen-*'): Promise<string> {
    await scratch.put('package.json', '{ "type": "module" }');
    await scratch.put(
      'tsconfig.json',
      JSON.stringify({
        compilerOptions: {
          strict: true,
          noEmit: true,
          skipLibCheck: false,
          target: 'es2022',
          module: 'nodenext',
          types: [],
        },
        include: [`${folder}/**/*.d.ts`],
      }),
    );
    await symlink(join(repository, 'node_modules'), join(scratch.path, 'node_modules'), 'dir').catch(() => undefined);
    const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');
    const child = spawnSync(process.execPath, [tsc, '-p', scratch.path], { encoding: 'utf8' });
    return child.stdout + child.stderr;
  }
});
