import { expect } from 'chai';
import { decode, encode, type AnyService } from '#src/protocol/index.js';
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
service Collector { rpc Collect(stream Bound) returns (Bound); }`;

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
    expect(source).to.match(/^\/\/ Left out, .*rules\.Collector\.Collect streams its requests/m);
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

  it('messages of a file with client streaming can be made without its services', async () => {
    await scratch.put(
      'up.proto',
      `${P3}\nservice Up {\n  rpc Send(stream M) returns (M);\n}\nmessage M { int32 a = 1; }`,
    );
    expect(await scratch.refusal(['up.proto'])).to.match(
      /^up\.proto:3: rpc Up\.Send streams its requests.*--no-services/,
    );
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

  describe('by path:', () => {
    for (const path of [
      '../c.proto',
      './c.proto',
      'a//c.proto',
      'a/../c.proto',
      '/c.proto',
      'a\\\\c.proto',
      'c.proto/',
      '',
      'c\\n.proto',
    ]) {
      it(`"${path}" is refused, by file and line`, async () => {
        await scratch.put('c.proto', `${P3} message C {}`);
        await scratch.put('in/a/c.proto', `${P3} message C {}`);
        await scratch.put('in/m.proto', `${P3}\nimport "${path}";\nmessage M { C c = 1; }`);
        expect(await scratch.refusal(['in/m.proto'])).to.match(
          /^m\.proto:2: import .* is no path below the proto path/,
        );
        expect(await scratch.files()).to.deep.equal(['c.proto', 'in/a/c.proto', 'in/m.proto']);
      });
    }

    it('imports that make a circle are refused with the circle', async () => {
      await scratch.put('a.proto', `${P3} import "b.proto"; message A {}`);
      await scratch.put('b.proto', `${P3}\nimport "c.proto"; message B {}`);
      await scratch.put('c.proto', `${P3}\n\nimport "b.proto"; message C {}`);
      expect(await scratch.refusal(['a.proto'])).to.match(
        /^c\.proto:3: .*b\.proto, which imports c\.proto, which imports b\.proto/,
      );
      await scratch.put('self.proto', `${P3} import "self.proto";`);
      expect(await scratch.refusal(['self.proto'])).to.include('circle');
    });

    it('two files that would become one module are refused, both named', async () => {
      await scratch.put('a/x.proto', `${P3} package a; message A {}`);
      await scratch.put('b/x.proto', `${P3} package b; message B {}`);
      const said = await scratch.refusal(['a/x.proto', 'b/x.proto']);
      expect(said).to.include('a/x.proto').and.include('b/x.proto').and.include('--proto-path');
      await scratch.generate(['a/x.proto', 'b/x.proto'], { protoPath: [scratch.path] });
      expect(await scratch.files('gen')).to.have.length(4);
      await scratch.put('Shop.proto', `${P3} package c; message C {}`);
      await scratch.put('shop.proto', `${P3} package d; message D {}`);
      expect(await scratch.refusal(['Shop.proto', 'shop.proto'])).to.include('Shop.proto and shop.proto');
      await scratch.put('plain', `${P3} package e; message E {}`);
      await scratch.put('plain.proto', `${P3} package f; message F {}`);
      expect(await scratch.refusal(['plain', 'plain.proto'])).to.include('plain and plain.proto');
    });

    it('a file that another one below the proto path hides is refused, both named', async () => {
      await scratch.put('a/x.proto', `${P3} message A {}`);
      await scratch.put('b/x.proto', `${P3} message B {}`);
      const protoPath = ['a', 'b'].map((name) => `${scratch.path}/${name}`);
      const said = await scratch.refusal(['b/x.proto'], { protoPath });
      expect(said).to.include('a/x.proto').and.include('b/x.proto');
    });

    it('one file under two paths is refused, both named', async () => {
      await scratch.put('in/x.proto', `${P3} message X {}`);
      await scratch.put('y.proto', `${P3} import "x.proto"; import "in/x.proto"; message Y { X x = 1; }`);
      const protoPath = ['', '/in'].map((name) => scratch.path + name);
      expect(await scratch.refusal(['y.proto'], { protoPath }))
        .to.include('x.proto:1')
        .and.include('in/x.proto:1');
    });

    for (const name of [
      "it's",
      'c#',
      'a b',
      '%41',
      'a?b',
      'a"b',
      'a$&b',
      'é',
      '..hidden',
      'a.b',
      'node:fs',
      '`${x}`',
      'x.d',
      'a;b',
      '*',
    ]) {
      it(`a file called ${name}.proto can be imported and generated, as either kind of module`, async () => {
        await scratch.put(`${name}.proto`, `${P3} package far; message Far { int32 a = 1; }`);
        const path = name.replaceAll('"', '\\"');
        await scratch.put('near.proto', `${P3} import "${path}.proto"; message Near { far.Far far = 1; }`);
        for (const module of ['esm', 'commonjs'] as const) {
          await scratch.put(`gen-${module}/package.json`, module === 'esm' ? '{ "type": "module" }' : '{}');
          await scratch.generate(['near.proto', `${name}.proto`], { module, out: `${scratch.path}/gen-${module}` });
          const { Near } = (await scratch.load(`../gen-${module}/near.js`)) as {
            Near: { create(init: object): unknown };
          };
          expect(Near.create({ far: {} })).to.deep.equal({ far: { a: 0 } });
        }
        expect(await scratch.files('gen-esm')).to.have.members([
          `${name}.d.ts`,
          `${name}.js`,
          'near.d.ts',
          'near.js',
          'package.json',
        ]);
      });
    }
  });
});
