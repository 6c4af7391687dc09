/** Small files that protoc accepts or refuses; the generator has to agree. */
export interface Case {
  readonly title: string;
  readonly verdict: 'accepted' | 'refused';
  /** `a.proto`, or several files by their path. */
  readonly source: string | Readonly<Record<string, string>>;
  /** What the generator's error says, among other things. */
  readonly said?: readonly string[];
  /** Whether the protoc of Debian is too old for it: it knows no editions. */
  readonly isNewer?: boolean;
}

export function sourcesOf({ source }: Case): Readonly<Record<string, string>> {
  return typeof source === 'string' ? { 'a.proto': source } : source;
}

type Row = readonly [title: string, source: Case['source'], ...said: readonly string[]];

const accepted = (rows: readonly Row[]): readonly Case[] =>
  rows.map(([title, source]) => ({ title, source, verdict: 'accepted' }));
const refused = (rows: readonly Row[]): readonly Case[] =>
  rows.map(([title, source, ...said]) => ({ title, source, said, verdict: 'refused' }));
const newer = (cases: readonly Case[]): readonly Case[] => cases.map((one) => ({ ...one, isNewer: true }));

const P3 = 'syntax = "proto3"; package p;\n';

const names: readonly Case[] = [
  ...accepted([
    [
      'a type with a leading dot, beside an rpc of that name',
      `${P3}message Q {} service S { rpc Q(.p.Q) returns (.p.Q); }`,
    ],
    ['a field whose type has the name of a field', `${P3}message Q {} message M { Q Q = 1; }`],
    [
      'a field whose type has the name of another field',
      `${P3}message Q {} message M { int32 Q = 1; .p.Q b = 2; Q c = 3; }`,
    ],
    [
      'a type in a package, beside an rpc of the name of the package',
      `${P3}message Q {} service S { rpc p(p.Q) returns (p.Q); }`,
    ],
  ]),
  ...refused([
    [
      'a response type that means the rpc',
      `${P3}message A {} message Q {}\nservice S { rpc Q(A) returns (Q); }`,
      'a.proto:3',
      'rpc p.S.Q',
      '.p.Q',
    ],
    [
      'a request type that means the rpc',
      `${P3}message A {} message Q {}\nservice S { rpc Q(Q) returns (A); }`,
      'a.proto:3',
      '.p.Q',
    ],
    [
      'a type that means another rpc of the service',
      `${P3}message Q {} message R {}\nservice S { rpc Q(R) returns (R);\nrpc Z(Q) returns (R); }`,
      'a.proto:4',
      'rpc p.S.Z',
      'the rpc p.S.Q',
      '.p.Q',
    ],
    [
      'a stream of a type that means the rpc',
      `${P3}message A {} message Q {}\nservice S { rpc Q(A) returns (stream Q); }`,
      'a.proto:3',
    ],
    [
      'an rpc type that is the package',
      `${P3}message M {} service S {\nrpc A(p) returns (M); }`,
      'a.proto:3',
      'the package p',
    ],
    [
      'an rpc type that is a service',
      `${P3}message M {} service S {\nrpc A(S) returns (M); }`,
      'a.proto:3',
      'the service p.S',
    ],
    [
      'a package that is called as a message of an import',
      {
        'a.proto': 'syntax = "proto3";\npackage a.b; import "b.proto"; message M {}',
        'b.proto': 'syntax = "proto3"; package a; message b {}',
      },
      'a.proto:2',
      'a.b',
    ],
  ]),
];

const P2 = 'syntax = "proto2"; package p;\n';
const field = (type: string, option: string) => `${P2}message M { optional ${type} a = 1 [default = ${option}]; }`;

const numbers: readonly Case[] = [
  ...newer(
    accepted([
      ['a decimal integer beyond 64 bits as the default of a double', field('double', '99999999999999999999')],
    ]),
  ),
  ...accepted([
    ['an octal default of a double', field('double', '010')],
    ['a negative hexadecimal default of a float', field('float', '-0x1F')],
    ['a float that ends in its point', field('double', '1.')],
    ['a float that begins with its point', field('double', '.5e3')],
    ['the largest uint64 in octal', field('uint64', '01777777777777777777777')],
    ['an octal field number', `${P2}message M { optional int32 a = 010; }`],
    ['a negative nan', field('double', '-nan')],
  ]),
  ...refused([
    [
      'a field number with a leading zero and an 8',
      `${P2}message M {\n optional int32 a = 08; }`,
      'a.proto:3',
      'octal',
    ],
    [
      'a field number with a leading zero and a 9',
      `${P2}message M {\n optional int32 a = 0179; }`,
      'a.proto:3',
      'octal',
    ],
    ['an enum value with a leading zero and a 9', `${P3}enum E {A = 0;\n B = 09; }`, 'a.proto:3', 'octal'],
    ['a default with a leading zero and an 8', field('int32', '08'), 'octal'],
    ['a float with a leading zero', field('double', '01.5')],
    ['a float with a leading zero and an exponent', field('double', '01e5')],
    ['a float with the suffix f', field('float', '3.5f')],
    ['an integer with the suffix f', field('float', '3f')],
    ['an exponent without digits', field('double', '1e')],
    ['a hexadecimal number without digits', field('int32', '0x')],
    ['a hexadecimal number with a point', field('double', '0x1.8')],
    ['a float as the default of an integer', field('int32', '1.0')],
    ['a hexadecimal integer beyond 64 bits', field('double', '0x10000000000000000')],
    ['an octal integer beyond 64 bits', field('uint64', '02000000000000000000000')],
    ['a number with a sign of its own kind', field('double', '+1')],
  ]),
];

const withoutDeclarations: readonly Case[] = [
  ...accepted([
    ['a file with nothing but its syntax', P3],
    ['an empty file', ''],
    ['a file with a declared option alone', `${P3}option java_package = "p";`],
  ]),
  ...refused([
    [
      'a file without declarations, and with an option that is not declared',
      `${P3}option (any) = 1;`,
      'a.proto:2',
      '(any)',
    ],
    [
      'a file of imports alone, and with an option that is not declared',
      {
        'a.proto': 'syntax = "proto3"; import "b.proto";\noption (any) = { a: 1 };',
        'b.proto': P3,
      },
      'a.proto:2',
    ],
    ['a file without declarations of an edition that does not exist', 'edition = "1999";', 'a.proto:1', '1999'],
    [
      'a file of extensions alone of an edition that is not understood',
      'edition = "2050"; import "google/protobuf/descriptor.proto"; extend google.protobuf.FileOptions { int32 a = 50001; }',
      'a.proto:1',
    ],
    [
      'a file without declarations and with a feature that does not exist',
      'edition = "2023";\noption features.field_presence = NEVER;',
      'a.proto:2',
    ],
  ]),
];

export const cases: readonly Case[] = [...names, ...numbers, ...withoutDeclarations];
