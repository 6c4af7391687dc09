import protobuf from 'protobufjs';
import { expect } from 'chai';
import { decode, encode, type MessageType } from '#src/protocol/index.js';
import type { AnyMessage } from './everything.js';
import { Scratch } from './scratch.js';

const FIELDS = (label: string) => `
  ${label} int32 number = 1;
  ${label} string text = 2;
  ${label} Color color = 3;
  ${label} Inner inner = 4;
  repeated int32 numbers = 5;
  repeated Color colors = 6;
  repeated string texts = 7;
  map<string, Color> byName = 8;
  oneof choice { int32 left = 9; Inner right = 10; }
`;
const TYPES = 'enum Color { RED = 0; BLUE = 2; } message Inner { repeated int64 deep = 1; }';
const PROTO2 = `syntax = "proto2"; package p; message M { ${FIELDS('optional')} } ${TYPES}`;
const EDITION = `edition = "2023"; package p; option features.enum_type = CLOSED; message M { ${FIELDS('')} } ${TYPES}`;

const INIT = {
  number: 0,
  text: '',
  color: 2,
  inner: { deep: [1n, -1n] },
  numbers: [0, -1, 300],
  colors: [0, 2, 0],
  texts: ['a', ''],
  byName: { a: 2 },
  choice: { case: 'right', value: { deep: [5n] } },
} as const;

/** What INIT is for protobufjs. */
const THEIRS = {
  number: 0,
  text: '',
  color: 2,
  inner: { deep: [1, -1] },
  numbers: [0, -1, 300],
  colors: [0, 2, 0],
  texts: ['a', ''],
  byName: { a: 2 },
  right: { deep: [5] },
};

describe('proto2 and editions', () => {
  let scratch: Scratch;

  beforeEach(async () => {
    scratch = await Scratch.make();
  });
  afterEach(() => scratch.remove());

  for (const [title, source] of [
    ['proto2', PROTO2],
    ['edition 2023', EDITION],
  ] as const) {
    it(`${title} becomes messages whose bytes are those of protobufjs, in both directions`, async () => {
      const { ours, theirs } = await both(source);
      for (const [init, plain] of [
        [INIT, THEIRS],
        [{}, {}],
      ] as const) {
        const bytes = encode(ours, ours.create(init));
        const expected = theirs.encode(theirs.fromObject(plain)).finish();
        expect(Buffer.from(bytes).toString('hex')).to.equal(Buffer.from(expected).toString('hex'));
        expect(decode(ours, expected)).to.deep.equal(ours.create(init));
        expect(theirs.toObject(theirs.decode(bytes), { longs: Number })).to.deep.equal(plain);
      }
    });

    it(`${title} tells an absent field from one that is set to its default`, async () => {
      const { ours } = await both(source);
      expect(ours.create()).to.include({ number: undefined, text: undefined, color: undefined });
      expect(encode(ours, ours.create())).to.have.length(0);
      const set = decode(ours, encode(ours, ours.create({ number: 0, text: '' })));
      expect(set).to.include({ number: 0, text: '' });
    });
  }

  it('repeated numbers of proto2 are written one by one, unless packed; those of 2023 packed, unless expanded', async () => {
    const body = (label: string, option: string) =>
      `message M { ${label} int32 a = 1; ${label} int32 b = 2 [${option}]; }`;
    const proto2 = await both(`syntax = "proto2"; package p; ${body('repeated', 'packed = true')}`);
    const edition = await both(
      `edition = "2023"; package p; ${body('repeated', 'features.repeated_field_encoding = EXPANDED')}`,
    );
    const message = { a: [1, 2], b: [3, 4] };
    expect([...encode(proto2.ours, proto2.ours.create(message))]).to.deep.equal([8, 1, 8, 2, 18, 2, 3, 4]);
    expect([...encode(edition.ours, edition.ours.create(message))]).to.deep.equal([10, 2, 1, 2, 16, 3, 16, 4]);
    for (const { ours } of [proto2, edition]) {
      expect(decode(ours, Uint8Array.of(8, 1, 10, 1, 2, 18, 1, 3, 16, 4))).to.deep.equal(message);
    }
  });

  it('features of the file and of the field itself hold, the nearest first', async () => {
    const { ours } = await both(`edition = "2023"; package p;
      option features.field_presence = IMPLICIT;
      option features.repeated_field_encoding = EXPANDED;
      message M {
        int32 implicit = 1;
        int32 explicit = 2 [features = { field_presence: EXPLICIT }];
        repeated int32 loose = 3;
        message N { repeated int32 inner = 1; repeated int32 packed = 2 [features.repeated_field_encoding = PACKED]; }
        N n = 4;
      }`);
    expect(ours.create()).to.deep.equal({ implicit: 0, explicit: undefined, loose: [], n: undefined });
    const bytes = encode(
      ours,
      ours.create({ implicit: 0, explicit: 0, loose: [1, 2], n: { inner: [3, 4], packed: [5] } }),
    );
    expect([...bytes]).to.deep.equal([16, 0, 24, 1, 24, 2, 34, 7, 8, 3, 8, 4, 18, 1, 5]);
  });

  it('a number is worth the same in every default: octal with a leading zero, hexadecimal, or decimal', async () => {
    const { ours } = await both(`syntax = "proto2"; package p; message M {
      optional double a = 1 [default = 010];
      optional double b = 2 [default = 0777];
      optional float c = 3 [default = -010];
      optional double d = 4 [default = 0x1F];
      optional double e = 5 [default = -0];
      optional double f = 6 [default = 99999999999999999999];
      optional int64 g = 7 [default = -010];
      optional float h = 8 [default = .5e1];
    }`);
    expect(ours.create()).to.deep.equal({ a: 8, b: 511, c: -8, d: 31, e: -0, f: 1e20, g: -8n, h: 5 });
  });

  it('a declared default is what an absent field is, and is written as any value', async () => {
    const { ours, theirs } = await both(`syntax = "proto2"; package p; enum E { A = 3; B = 7; } message M {
      optional int32 i = 1 [default = -0x10];
      optional uint64 u = 2 [default = 18446744073709551615];
      optional int64 n = 3 [default = -5, jstype = JS_NUMBER];
      optional string s = 4 [default = "it's \\"x\\" \\n\\u00e9" " and more"];
      optional bytes b = 5 [default = "\\001\\xff"];
      optional bool t = 6 [default = true];
      optional double d = 7 [default = -inf];
      optional float f = 8 [default = 1.5e3];
      optional double q = 9 [default = nan];
      optional E e = 10 [default = B];
      optional int32 octal = 11 [default = 010];
      optional int32 plain = 12;
    }`);
    const expected = {
      i: -16,
      u: 2n ** 64n - 1n,
      n: -5,
      s: 'it\'s "x" \né and more',
      b: Uint8Array.of(1, 255),
      t: true,
      d: Number.NEGATIVE_INFINITY,
      f: 1500,
      q: Number.NaN,
      e: 7,
      octal: 8,
      plain: undefined,
    };
    expect(ours.create()).to.deep.equal(expected);
    expect(decode(ours, new Uint8Array(0))).to.deep.equal(expected);
    expect(theirs.toObject(theirs.decode(encode(ours, ours.create())))).to.include({ i: -16, t: true, e: 7, octal: 8 });
    expect(decode(ours, encode(ours, ours.create({ i: 0, t: false, s: '' })))).to.include({ i: 0, t: false, s: '' });
    // No two messages share the bytes of a default.
    expect(ours.create()['b']).not.to.equal(ours.create()['b']);
  });

  it('a closed enum is read as an open one, and 0 stands for a missing one of a map', async () => {
    const { ours } = await both(
      'syntax = "proto2"; package p; enum E { A = 0; B = 3; } message M { optional E e = 1; map<int32, E> m = 2; }',
    );
    expect(decode(ours, Uint8Array.of(8, 99, 18, 2, 8, 1))).to.deep.equal({ e: 99, m: new Map([[1, 0]]) });
  });

  it('a range of extensions is ignored, and extensions are skipped', async () => {
    const { ours } = await both(
      'syntax = "proto2"; package p; message M { optional int32 a = 1; extensions 4 to max; }',
    );
    expect(decode(ours, Uint8Array.of(8, 5, 32, 7))).to.deep.equal({ a: 5 });
  });

  const refused: readonly (readonly [title: string, source: string, said: RegExp])[] = [
    [
      'a required field',
      'syntax = "proto2";\nmessage M {\n  required int32 a = 1;\n}',
      /^m\.proto:3: field M\.a is required/,
    ],
    [
      'a group',
      'syntax = "proto2";\nmessage M {\n optional group G = 1 { optional int32 a = 1; }\n}',
      /^m\.proto:3: .*M\.g is a group/,
    ],
    [
      'an extension',
      'syntax = "proto2";\nmessage M {}\nextend M {\n  optional int32 a = 1;\n}',
      /^m\.proto:4: a extends M/,
    ],
    [
      'an extension within a message',
      'syntax = "proto3"; message M { message N {}\nextend N { int32 a = 1; } }',
      /^m\.proto:2: a extends M\.N/,
    ],
    [
      'a field that features make required',
      'edition = "2023";\nmessage M {\n  int32 a = 1 [features.field_presence = LEGACY_REQUIRED];\n}',
      /^m\.proto:3: .*required/,
    ],
    [
      'a field that features make a group',
      'edition = "2023";\nmessage M {\n  M a = 1 [features.message_encoding = DELIMITED];\n}',
      /^m\.proto:3: .*group/,
    ],
    [
      'features that make all groups',
      'edition = "2023"; option features.message_encoding = DELIMITED;\nmessage M { M a = 1; }',
      /^m\.proto:2: .*group/,
    ],
    [
      'a feature that is not known',
      'edition = "2023";\noption features.colour = RED;\nmessage M {}',
      /^m\.proto:2: The option features\.colour/,
    ],
    [
      'a value of a feature that is not known',
      'edition = "2023"; message M {\nint32 a = 1 [features.field_presence = MAYBE];}',
      /^m\.proto:2: .*EXPLICIT.*MAYBE/,
    ],
    ['a later edition', '\nedition = "2024";\nmessage M {}', /^m\.proto:2: edition "2024" is not understood/],
    [
      'an edition that does not exist',
      'syntax = "proto4"; message M {}',
      /^m\.proto:1: syntax "proto4" does not exist/,
    ],
    [
      'a field of proto2 without a label',
      'message M {\n  int32 a = 1;\n}',
      /^m\.proto:2: .*optional, required or repeated.*syntax = "proto3"/,
    ],
    [
      'the word optional in an edition',
      'edition = "2023"; message M {\n optional int32 a = 1; }',
      /^m\.proto:2: .*"optional"/,
    ],
    [
      'the word required in proto3',
      'syntax = "proto3"; message M {\n required int32 a = 1; }',
      /^m\.proto:2: .*required/,
    ],
    ['a default in proto3', 'syntax = "proto3"; message M {\n int32 a = 1 [default = 5]; }', /^m\.proto:2: .*default/],
    [
      'a default out of range',
      'message M {\n optional int32 a = 1 [default = 2147483648]; }',
      /^m\.proto:2: field M\.a has a default/,
    ],
    [
      'a default of another type',
      'message M {\n optional bool a = 1 [default = 1]; }',
      /^m\.proto:2: field M\.a has a default/,
    ],
    [
      'a default that an enum does not have',
      'enum E { A = 0; } message M {\n optional E a = 1 [default = B]; }',
      /^m\.proto:2: field M\.a/,
    ],
    [
      'an implicit field of a closed enum',
      'edition = "2023"; option features.field_presence = IMPLICIT; enum E { option features.enum_type = CLOSED; A = 1; }\nmessage M { E e = 1; }',
      /^m\.proto:2: .*closed enum E/,
    ],
    ['packed text', 'message M {\n repeated string a = 1 [packed = true]; }', /^m\.proto:2: .*packed/],
  ];
  for (const [title, source, said] of refused) {
    it(`${title} is refused, by file, line and name`, async () => {
      await scratch.put('m.proto', source);
      expect(await scratch.refusal(['m.proto'])).to.match(said);
      expect(await scratch.files()).to.deep.equal(['m.proto']);
    });
  }

  /** The message `M` of package `p`, by us and by protobufjs. */
  async function both(
    source: string,
  ): Promise<{ readonly ours: MessageType<AnyMessage, AnyMessage>; readonly theirs: protobuf.Type }> {
    await scratch.put(`m${++count}.proto`, source);
    await scratch.generate([`m${count}.proto`]);
    const { root } = protobuf.parse(source, { keepCase: true });
    return { ours: await scratch.type(`m${count}.js`, 'M'), theirs: root.resolveAll().lookupType('p.M') };
  }
});

let count = 0;
