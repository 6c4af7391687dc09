import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { expect } from 'chai';
import { decode, encode, type AnyService } from '#src/protocol/index.js';
import { generate } from '#src/codegen/index.js';
import { Scratch } from './scratch.js';

const P3 = 'syntax = "proto3"; ';

/** As the options of validation libraries are: proto2 or an edition, with groups, required fields and extensions. */
const OPTIONS = `syntax = "proto2"; package rules;
import "google/protobuf/descriptor.proto";
extend google.protobuf.FieldOptions { optional Rules field = 1071; }
extend google.protobuf.MessageOptions { optional bool disabled = 1071; optional group Old = 1072 { required int32 a = 1; } }
message Rules { required int32 min = 1; optional string group = 2; extensions 1000 to max; }
message Bound { optional int32 max = 1; optional Color color = 2; }
message Holder { optional Rules rules = 1; }
enum Color { RED = 0; }
service Collector { rpc Ready(Bound) returns (Bound); }`;

describe('imports', () => {
  let scratch: Scratch;

  beforeEach(async () => {
    scratch = await Scratch.make();
  });
  afterEach(() => scratch.remove());

  it('a file that is imported for its options may be anything that protobuf allows, and no module is made of it', async () => {
    await scratch.put('rules.proto', OPTIONS);
    await scratch.put(
      'shop.proto',
      `${P3} package shop; import "rules.proto"; message M {
        option (rules.disabled) = true;
        option (.rules.old).a = 5;
        int32 a = 1 [(rules.field).min = 5, (rules.field).group = "group Row = 1 { __proto__ }"];
        string b = 2 [(rules.field) = { min: 1; [some.ext] { a: [1, 2] b < c: 'd' > } }, deprecated = true];
      }`,
    );
    await scratch.generate(['shop.proto']);
    expect(await scratch.files('gen')).to.deep.equal(['shop.d.ts', 'shop.js']);
    expect((await scratch.type('shop.js', 'M')).create()).to.deep.equal({ a: 0, b: '' });
  });

  it('of an imported file, what cannot be generated and is not needed is left out, and its module says so', async () => {
    await scratch.put('rules.proto', OPTIONS);
    await scratch.put('shop.proto', `${P3} package shop; import "rules.proto"; message M { rules.Bound bound = 1; }`);
    await scratch.generate(['shop.proto']);
    expect(Object.keys(await scratch.load('rules.js'))).to.have.members(['Bound', 'Color']);
    const source = await scratch.read('gen/rules.js');
    expect(source).to.match(/^\/\/ Left out, .*rules\.proto:5: field rules\.Rules\.min is required/m);
    expect(source).to.match(/^\/\/ Left out, .*rules\.Rules.*message rules\.Holder needs it \(rules\.proto:7\)/m);
    expect(source).to.match(/^\/\/ Left out, .*rules\.Collector\.Ready would become the member/m);
  });

  it('what is needed and cannot be generated is refused where it is declared, with who needs it', async () => {
    await scratch.put('rules.proto', OPTIONS);
    await scratch.put(
      'shop.proto',
      `${P3} package shop; import "rules.proto";\nmessage M { rules.Holder holder = 1; }`,
    );
    expect(await scratch.refusal(['shop.proto']))
      .to.match(/^rules\.proto:5: field rules\.Rules\.min is required/)
      .and.include('message rules.Holder needs it (rules.proto:7)')
      .and.include('message shop.M needs it (shop.proto:2)');
    expect(await scratch.refusal(['rules.proto'])).to.match(/^rules\.proto:4: field rules\.Old\.a is required/);
  });

  it('messages of a file with an rpc that is refused can be made without its services', async () => {
    await scratch.put('up.proto', `${P3}\nservice Up {\n  rpc Ready(M) returns (M);\n}\nmessage M { int32 a = 1; }`);
    expect(await scratch.refusal(['up.proto'])).to.match(/^up\.proto:3: rpc Up\.Ready would become the member/);
    await scratch.generate(['up.proto'], { services: false });
    expect(Object.keys(await scratch.load('up.js'))).to.deep.equal(['M']);
  });

  it('types of descriptor.proto are generated, and read what a compiler writes', async () => {
    await scratch.put(
      'image.proto',
      `${P3} import "google/protobuf/descriptor.proto"; message Image { google.protobuf.FileDescriptorSet files = 1; }`,
    );
    await scratch.generate(['image.proto']);
    const descriptor = await scratch.load('google/protobuf/descriptor.js');
    expect(descriptor['FieldDescriptorProto_Type']).to.include({ TYPE_BOOL: 8 });
    const type = await scratch.type('image.js', 'Image');
    const file = { name: 'a.proto', messageType: [{ name: 'M', field: [{ name: 'a', number: 1, type: 8 }] }] };
    const image = type.create({ files: { file: [file] } });
    expect(decode(type, encode(type, image))).to.deep.equal(image);
  });

  it('options are those of an imported descriptor.proto that is newer than that of Millrace', async () => {
    const own = await readFile(resolve('protos/google/protobuf/descriptor.proto'), 'utf8');
    const newer = own
      .replace('optional Edition edition_removed = 4;', '$& optional string removal_error = 5;')
      .replace(
        'message FileOptions {',
        '$& optional int32 newest = 990 [feature_support = { removal_error: "gone" }];',
      );
    await scratch.put('google/protobuf/descriptor.proto', newer);
    const file = (value: string) =>
      `${P3} import "google/protobuf/descriptor.proto"; option newest = ${value};\nmessage M { google.protobuf.FileOptions options = 1; }`;
    await scratch.put('new.proto', file('7'));
    await scratch.generate(['new.proto']);
    expect(await scratch.read('gen/google/protobuf/descriptor.js')).not.to.include('Left out');
    await scratch.put('wrong.proto', file('"7"'));
    expect(await scratch.refusal(['wrong.proto'])).to.include('newest takes an integer');
  });

  it('options may be written by their full names, where descriptor.proto is imported', async () => {
    const file = (text: string) => `${P3} import "google/protobuf/descriptor.proto"; ${text}`;
    const field = (options: string) => `message M { repeated uint32 many = 1 [${options}]; }`;
    await scratch.put('short.proto', file(field('packed = false, deprecated = true')));
    await scratch.put(
      'full.proto',
      file(
        `option (google.protobuf.FileOptions.java_package) = "x"; ${field('(google.protobuf.FieldOptions.packed) = false, (.google.protobuf.FieldOptions.deprecated) = true')}`,
      ),
    );
    for (const name of ['short.proto', 'full.proto']) await scratch.generate([name]);
    const code = async (name: string) => (await scratch.read(`gen/${name}.js`)).replaceAll(`${name}.proto`, '');
    expect(await code('full')).to.equal(await code('short'));
    const refused: readonly (readonly [string, string])[] = [
      [file(field('(google.protobuf.MessageOptions.deprecated) = true')), 'is an option of another place'],
      [
        file(field('(google.protobuf.FieldOptions.depracated) = true')),
        'FieldOptions of descriptor.proto has no depracated',
      ],
      [file(field('deprecated = true, (google.protobuf.FieldOptions.deprecated) = true')), 'is set twice'],
      [
        `${P3} ${field('(google.protobuf.FieldOptions.deprecated) = true')}`,
        'needs import "google/protobuf/descriptor.proto"',
      ],
    ];
    for (const [text, why] of refused) {
      await scratch.put('wrong.proto', text);
      expect(await scratch.refusal(['wrong.proto'])).to.include(why);
    }
  });

  it('an imported descriptor.proto that is older than that of Millrace takes no options away', async () => {
    await scratch.put(
      'google/protobuf/descriptor.proto',
      'syntax = "proto2"; package google.protobuf; message MessageOptions { optional bool map_entry = 7 [old = true]; } message FieldOptions { optional bool old = 900; }',
    );
    await scratch.put(
      'use.proto',
      `${P3} import "google/protobuf/descriptor.proto"; message M { option deprecated = true; google.protobuf.MessageOptions options = 1; }`,
    );
    await scratch.generate(['use.proto']);
    expect(await scratch.read('gen/google/protobuf/descriptor.js')).not.to.include('Left out');
  });

  it('a message of descriptor.proto with every option can be a field', async () => {
    const names =
      'FileOptions MessageOptions FieldOptions UninterpretedOption FeatureSetDefaults SourceCodeInfo GeneratedCodeInfo';
    const fields = names.split(' ').map((name, index) => `google.protobuf.${name} f${index} = ${index + 1};`);
    await scratch.put(
      'all.proto',
      `${P3} import "google/protobuf/descriptor.proto"; message M { ${fields.join(' ')} }`,
    );
    await scratch.generate(['all.proto']);
    expect(await scratch.read('gen/google/protobuf/descriptor.js')).not.to.include('Left out');
  });

  it('comments may be in any encoding, and strings are UTF-8', async () => {
    const latin1 = (text: string) => writeFile(join(scratch.path, 'l.proto'), Buffer.from(text, 'latin1'));
    await latin1(`${P3}\n// caf\u00e9\nmessage M { int32 a = 1; /* \u00fc */ }`);
    await scratch.generate(['l.proto']);
    expect(await scratch.read('gen/l.d.ts')).to.include('caf\u00e9');
    await latin1(`${P3}\n// caf\u00e9\noption java_package = "\u00e9";`);
    expect(await scratch.refusal(['l.proto'])).to.match(/^l\.proto:3: A string has characters that are not UTF-8/);
    await latin1(`${P3}\nmessage \u00e9 {}`);
    expect(await scratch.refusal(['l.proto'])).to.match(/^l\.proto:2: /);
  });

  it('every well-known type is there', async () => {
    const known = {
      any: 'Any',
      api: 'Api',
      duration: 'Duration',
      empty: 'Empty',
      field_mask: 'FieldMask',
      source_context: 'SourceContext',
      struct: 'Struct',
      timestamp: 'Timestamp',
      type: 'Type',
      wrappers: 'StringValue',
    };
    const entries = Object.entries(known);
    const imports = entries.map(([file]) => `import "google/protobuf/${file}.proto";`).join(' ');
    const fields = entries.map(([, type], index) => `google.protobuf.${type} a${index} = ${index + 1};`).join(' ');
    await scratch.put('all.proto', `${P3} ${imports} message M { ${fields} }`);
    await scratch.generate(['all.proto']);
    const type = await scratch.type('all.js', 'M');
    const message = type.create({
      a1: { name: 'shop', methods: [{ name: 'Buy', edition: '2023' }], edition: '2023' },
      a8: { name: 'T', fields: [{ kind: 9, number: 1 }], sourceContext: { fileName: 'a.proto' } },
    });
    expect(decode(type, encode(type, message))).to.deep.equal(message);
  });

  describe('mean what the scopes of protobuf say:', () => {
    it('the innermost scope that has the first part of a name decides', async () => {
      await scratch.put('a.proto', `${P3} package one.two; message Row { int32 outer = 1; }`);
      await scratch.put(
        'b.proto',
        `${P3} package one; message Row { int32 one = 1; } message Sub { message Row { int32 sub = 1; } }`,
      );
      await scratch.put(
        'c.proto',
        `${P3} package one.two.three; import "a.proto"; import "b.proto";
         message M { Row near = 1; one.Row far = 2; .one.Row absolute = 3; Sub.Row nested = 4; two.Row relative = 5; Inner.Row own = 6;
           message Inner { message Row { int32 inner = 1; } Row row = 1; } }`,
      );
      await scratch.generate(['c.proto']);
      const types = await scratch.read('gen/c.d.ts');
      for (const [field, keys] of Object.entries({
        near: 'outer',
        far: 'one',
        absolute: 'one',
        nested: 'sub',
        relative: 'outer',
        own: 'inner',
      })) {
        const type = await scratch.type('c.js', 'M');
        expect(type.create({ [field]: {} })[field], `${field} in ${types}`).to.have.keys(keys);
      }
    });

    it('a first part that is found decides, though the rest is not there', async () => {
      await scratch.put('a.proto', `${P3} package one.two; message Row {}`);
      await scratch.put('c.proto', `${P3} package x.one; import "a.proto";\nmessage M { one.two.Row row = 1; }`);
      expect(await scratch.refusal(['c.proto'])).to.match(
        /^c\.proto:2: field x\.one\.M\.row has the unknown type one\.two\.Row/,
      );
    });

    it('a type that another file declares is not known without its import, which the error names', async () => {
      await scratch.put('a.proto', `${P3} message Far {}`);
      await scratch.put('b.proto', `${P3} import "a.proto"; message Near { Far far = 1; }`);
      await scratch.put('c.proto', `${P3} import "b.proto";\nmessage M { Far far = 1; }`);
      expect(await scratch.refusal(['c.proto'])).to.match(/^c\.proto:2: .*unknown type Far\. a\.proto declares one/);
      await scratch.put('b.proto', `${P3} import public "a.proto"; message Near { Far far = 1; }`);
      await scratch.generate(['c.proto']);
    });

    it('a type that comes with Millrace is not known without its import either, which the error names', async () => {
      for (const [type, file] of [
        ['google.protobuf.Timestamp', 'google/protobuf/timestamp.proto'],
        ['.google.protobuf.StringValue', 'google/protobuf/wrappers.proto'],
        ['google.protobuf.FieldDescriptorProto.Type', 'google/protobuf/descriptor.proto'],
        ['millrace.v1.Ref', 'millrace/v1/ref.proto'],
      ]) {
        await scratch.put('t.proto', `${P3}\nmessage M { ${type} a = 1; }`);
        expect(await scratch.refusal(['t.proto']))
          .to.match(/^t\.proto:2: /)
          .and.include(`${file} declares one`);
      }
      await scratch.put('t.proto', `${P3}\nmessage M { google.protobuf.Nothing a = 1; }`);
      expect(await scratch.refusal(['t.proto'])).to.include('Is an import missing?');
      await scratch.put('t.proto', `${P3}\nmessage M {} service S { rpc A(M) returns (google.protobuf.Empty); }`);
      expect(await scratch.refusal(['t.proto'])).to.include('google/protobuf/empty.proto declares one');
    });

    it('the type of an rpc that means an rpc, which protoc refuses, is taken for the message, with a warning', async () => {
      const rpcs = 'rpc Q(A) returns (Q);\nrpc Z(Q) returns (stream A);';
      await scratch.put('a.proto', `${P3} package p; message A {} message Q { int32 a = 1; }\nservice S { ${rpcs} }`);
      const warnings: string[] = [];
      await generate({
        files: [join(scratch.path, 'a.proto')],
        out: join(scratch.path, 'gen'),
        warn: (text) => void warnings.push(text),
      });
      expect(warnings).to.have.length(2);
      expect(warnings[0]).to.match(/^a\.proto:2: rpc p\.S\.Q .* Write \.p\.Q instead\.$/);
      expect(warnings[1]).to.match(/^a\.proto:3: rpc p\.S\.Z /);
      expect(await scratch.read('gen/a.d.ts')).to.match(/AskMethod<[^>]*\bQ\b/);
    });

    it('an option of ours is understood however its name is written', async () => {
      for (const [index, name] of ['millrace.v1.mode', '.millrace.v1.mode', 'v1.mode', 'mode'].entries()) {
        const packages = ['shop', 'shop', 'millrace.shop', 'millrace.v1.shop'];
        const file = `s${index}.proto`;
        await scratch.put(
          file,
          `${P3} package ${packages[index]}; import "google/protobuf/empty.proto"; import "millrace/v1/annotations.proto";
           service S { rpc Tell(M) returns (google.protobuf.Empty) { option (${name}) = ASYNC; } } message M {}`,
        );
        await scratch.generate([file]);
        const { S } = (await scratch.load(file.replace('.proto', '.js'))) as { S: AnyService };
        expect(S.methods['tell']?.mode, name).to.equal('tell');
      }
    });

    const options: readonly (readonly [title: string, source: string, said: RegExp])[] = [
      [
        'without its import',
        'service S { rpc A(M) returns (M) { option (millrace.v1.mode) = ASYNC; } }',
        /^o\.proto:2: .*millrace\.v1\.mode.*annotations/,
      ],
      [
        'in a scope that hides it',
        'import "millrace/v1/annotations.proto"; service S { rpc A(M) returns (M) { option (v1.mode) = ASYNC; } }',
        /^o\.proto:2: .*\(v1\.mode\) is not declared/,
      ],
      [
        'on a message',
        'import "millrace/v1/annotations.proto"; message N { option (millrace.v1.mode) = ASYNC; }',
        /^o\.proto:2: .*MethodOptions.*MessageOptions/,
      ],
      [
        'on a field',
        'import "millrace/v1/annotations.proto"; message N { int32 a = 1 [(millrace.v1.lane) = CONTROL]; }',
        /^o\.proto:2: .*MethodOptions/,
      ],
      [
        'on a oneof',
        'import "millrace/v1/annotations.proto"; message N { oneof o { option (millrace.v1.lane) = CONTROL; int32 a = 1; } }',
        /^o\.proto:2: .*MethodOptions/,
      ],
      [
        'on a service',
        'import "millrace/v1/annotations.proto"; service S { option (millrace.v1.lane) = CONTROL; }',
        /^o\.proto:2: .*MethodOptions/,
      ],
      [
        'on a file',
        'import "millrace/v1/annotations.proto"; option (millrace.v1.lane) = CONTROL;',
        /^o\.proto:2: .*MethodOptions/,
      ],
      [
        'on an enum value',
        'import "millrace/v1/annotations.proto"; enum E { A = 0 [(millrace.v1.lane) = CONTROL]; }',
        /^o\.proto:2: .*MethodOptions/,
      ],
      [
        'twice',
        'import "millrace/v1/annotations.proto"; service S { rpc A(M) returns (M) { option (millrace.v1.mode) = SYNC; option (.millrace.v1.mode) = SYNC; } }',
        /^o\.proto:2: .*twice/,
      ],
      [
        'as a string',
        'import "millrace/v1/annotations.proto"; service S { rpc A(M) returns (M) { option (millrace.v1.mode) = "ASYNC"; } }',
        /^o\.proto:2: .*SYNC or ASYNC/,
      ],
    ];
    for (const [title, source, said] of options) {
      it(`an option of ours ${title} is refused, not dropped`, async () => {
        await scratch.put('o.proto', `${P3} package o;\n${source} message M {}`);
        expect(await scratch.refusal(['o.proto'])).to.match(said);
      });
    }
  });
});
