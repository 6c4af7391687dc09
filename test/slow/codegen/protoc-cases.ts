import { accepted, type Case, field, newer, P2, P3, refused } from './protoc-case.js';
import { builtInOptions, customOptions } from './protoc-option-cases.js';

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

const nested = (depth: number) =>
  `${P3}${Array.from({ length: depth }, (_, index) => `message M${index} {`).join(' ')} ${'}'.repeat(depth)}`;
const message = (body: string, head = P3) => `${head}message M {\n${body} }`;
const enumOf = (body: string, name = 'Foo', head = P3) => `${head}enum ${name} {\n${body} }`;
const extend = (body: string, extendee = 'google.protobuf.FileOptions', syntax = 'proto3') =>
  `syntax = "${syntax}"; package p; import "google/protobuf/descriptor.proto"; enum E { A = 0; } message R {}\nextend ${extendee} { ${body} }`;

const legality: readonly Case[] = [
  ...accepted([
    ['a closed enum in proto2', `${P2}enum E { A = 1; } message M { optional E a = 1; repeated E b = 2; }`],
    [
      'an open enum of an import',
      { 'a.proto': `${P3}import "b.proto"; message M { E a = 1; }`, 'b.proto': `${P3}enum E { A = 0; }` },
    ],
    ['an enum of proto2 whose values are one name without prefix', enumOf('FOO_A = 0; A = 1;', 'Foo', P2)],
    ['values that differ in their underscores', enumOf('A_B = 0; AB = 1;')],
    ['an alias that is one name without prefix', enumOf('option allow_alias = true; FOO_A = 0; A = 0;')],
    ['a value that is the prefix', enumOf('FOO = 0; FOO_1 = 2;')],
    ['adjacent reserved ranges', message('reserved 1 to 4, 5, 6 to max; reserved "a", "b";')],
    ['negative reserved enum values', enumOf('reserved -5 to -1, -9; A = 0;')],
    ['extension ranges beside fields', message('optional int32 a = 4; extensions 5 to 9; reserved 10;', P2)],
    ['messages in 31 levels', nested(31)],
    ['extensions of options', extend('int32 a = 50001; repeated E b = 50002; R c = 50003;')],
    [
      'one number for extensions of two kinds of options',
      `${extend('int32 a = 50001;')} extend google.protobuf.FieldOptions { int32 b = 50001; }`,
    ],
    [
      'a map whose entry has the name of no other message',
      message('map<string, int32> foo_bar = 1; message FooBar {}'),
    ],
  ]),
  ...refused([
    [
      'a closed enum in proto3',
      { 'a.proto': `${P3}import "b.proto"; message M {\n E a = 1; }`, 'b.proto': `${P2}enum E { A = 0; }` },
      'a.proto:3',
      'p.E',
    ],
    [
      'a repeated closed enum in proto3',
      { 'a.proto': `${P3}import "b.proto"; message M {\n repeated E a = 1; }`, 'b.proto': `${P2}enum E { A = 0; }` },
      'a.proto:3',
    ],
    [
      'a map of closed enums in proto3',
      {
        'a.proto': `${P3}import "b.proto"; message M {\n map<string, E> a = 1; }`,
        'b.proto': `${P2}enum E { A = 0; }`,
      },
      'a.proto:3',
    ],
    ['a map of an enum without 0 first', `${P2}enum E { A = 1; } message M {\n map<string, E> a = 1; }`, 'a.proto:3'],
    ['values that are one name without prefix', enumOf('FOO_A = 0;\nA = 1;'), 'a.proto:4', 'FOO_A'],
    ['values that are one name without case', enumOf('FOO_A = 0;\nfoo_a = 1;'), 'a.proto:4'],
    [
      'values that are one name without a prefix of several words',
      enumOf('FOO_BAR_A = 0;\nFOOBAR_a = 1;', 'FooBar'),
      'a.proto:4',
    ],
    [
      'a map whose entry has the name of a message',
      message('map<string, int32> foo_bar = 1; message FooBarEntry {}'),
      'FooBarEntry',
    ],
    [
      'a map whose entry has the name of a message, with digits',
      message('map<string, int32> foo1_bar = 1; message Foo1BarEntry {}'),
    ],
    ['maps whose entries have one name', message('map<string, int32> foo_bar = 1; map<string, int32> fooBar = 2;')],
    ['a field of the entry of a map', message('map<string, int32> foo_bar = 1; FooBarEntry a = 2;')],
    ['overlapping reserved ranges', message('reserved 1 to 5, 5;'), 'a.proto:3', '1 to 5 and 5'],
    ['overlapping reserved ranges in two lines', message('reserved 1 to max;\nreserved 7;'), 'a.proto:4'],
    ['reserved 0', message('reserved 0;'), 'a.proto:3'],
    ['reserved -1', message('reserved -1;'), 'a.proto:3'],
    ['a reserved name twice', message('reserved "a";\nreserved "a";'), 'a.proto:4'],
    ['a reserved name without quotes', message('reserved a;'), 'a.proto:3', 'in quotes'],
    ['a reserved name of an enum without quotes', enumOf('reserved B; A = 0;'), 'a.proto:3'],
    ['a reserved name of an enum twice', enumOf('reserved "B", "B"; A = 0;'), 'a.proto:3'],
    ['overlapping reserved ranges of an enum', enumOf('reserved 1 to 5, 3; A = 0;'), 'a.proto:3'],
    ['a reserved range of an enum that ends before it begins', enumOf('reserved 5 to 1; A = 0;'), 'a.proto:3'],
    ['extensions in proto3', message('extensions 5;'), 'a.proto:3'],
    ['a field with the number of an extension', message('extensions 5;\noptional int32 a = 5;', P2), 'a.proto:4'],
    ['overlapping extension ranges', message('extensions 5 to 9;\nextensions 9;', P2), 'a.proto:4'],
    ['extension and reserved ranges that overlap', message('extensions 5 to 9;\nreserved 7;', P2), 'a.proto:4'],
    ['extension 0', message('extensions 0;', P2), 'a.proto:3'],
    ['an extension range that ends before it begins', message('extensions 9 to 5;', P2), 'a.proto:3'],
    ['messages in 32 levels', nested(32), '31 levels'],
    [
      'an import twice',
      `${P3}import "google/protobuf/empty.proto";\nimport "google/protobuf/empty.proto";`,
      'a.proto:3',
      'line 2',
    ],
    ['a package with a leading dot', 'syntax = "proto3";\npackage .a;', 'a.proto:2'],
    ['an extension number twice', extend('int32 a = 5000; int32 b = 5000;'), 'a.proto:2', 'p.'],
    ['extension number 1 of options', extend('int32 a = 1;'), 'a.proto:2'],
    ['extension number 999 of options', extend('int32 a = 999;'), 'a.proto:2'],
    ['extension number 19500 of options', extend('int32 a = 19500;'), 'a.proto:2'],
    ['a required extension', extend('required int32 a = 5000;', 'google.protobuf.FileOptions', 'proto2'), 'a.proto:2'],
    ['a map as an extension', extend('map<string, int32> a = 5000;'), 'a.proto:2'],
    ['an extension of an unknown type', extend('X a = 5000;'), 'a.proto:2', 'X'],
    ['an extension with an unknown option', extend('int32 a = 5000 [nonsense = 1];'), 'a.proto:2'],
    ['an extension with a json_name', extend('int32 a = 5000 [json_name = "b"];'), 'a.proto:2'],
    ['a comment with # outside of the value of an option', `${P3}# c\nmessage M {}`, 'a.proto:2'],
    ['an empty extend', extend(''), 'a.proto:2'],
    ['an extend with a semicolon alone', extend(';'), 'a.proto:2'],
    ['an extension of a field', extend('int32 a = 5000;', 'R.x'), 'a.proto:2'],
  ]),
  ...newer([
    ...accepted([['a reserved name without quotes in an edition', message('reserved a, b;', 'edition = "2023";\n')]]),
    ...refused([
      [
        'a reserved name in quotes in an edition',
        message('reserved "a";', 'edition = "2023";\n'),
        'a.proto:3',
        'without quotes',
      ],
    ]),
    ...refused([['a reserved range that ends before it begins', message('reserved 5 to 3;'), 'a.proto:3']]),
  ]),
];

export const cases: readonly Case[] = [
  ...names,
  ...numbers,
  ...withoutDeclarations,
  ...builtInOptions,
  ...customOptions,
  ...legality,
];
