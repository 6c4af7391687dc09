import { accepted, type Case, field, newer, P2, P3, refused, type Row } from './protoc-case.js';

const fieldWith = (option: string, declared = 'int32 a = 1') => `${P3}message M {\n ${declared} [${option}]; }`;
const editionField = (option: string, declared = 'int32 a = 1') =>
  `edition = "2023"; package p; message N {}\nmessage M { ${declared} [${option}]; }`;

export const builtInOptions: readonly Case[] = [
  ...accepted([
    [
      'every option of a file',
      `${P3}option java_package = "p"; option java_multiple_files = true; option optimize_for = SPEED; option cc_enable_arenas = false;`,
    ],
    [
      'options of everything',
      `${P3}message M { option deprecated = true; oneof o { int32 a = 1 [deprecated = true]; } }
      enum E { option deprecated = true; A = 0 [deprecated = true]; }
      service S { option deprecated = true; rpc A(M) returns (M) { option deprecated = true; option idempotency_level = IDEMPOTENT; } }`,
    ],
    ['a name in JSON', fieldWith('json_name = "b"')],
    ['jstype of its default, on any field', fieldWith('jstype = JS_NORMAL')],
    ['jstype on a repeated 64-bit integer', fieldWith('jstype = JS_NUMBER', 'repeated int64 a = 1')],
    ['a lazy message', fieldWith('lazy = true', 'M a = 1')],
    ['packed = false on what cannot be packed', fieldWith('packed = false', 'repeated string a = 1')],
    ['an alias that is needed', `${P3}enum E { option allow_alias = true; A = 0; B = 0; }`],
  ]),
  ...refused(
    [
      'Packed = false',
      'packed = "false"',
      'packed = 1',
      'packed = False',
      'packed = false, packed = false',
      'packed = { a: 1 }',
      'nonsense = 1',
      'deprecated = maybe',
      'deprecated = true, deprecated = true',
      'deprecated.a = true',
      'lazy = 3',
      'lazy = true',
      'ctype = FOO',
      'ctype = 1',
      'jsType = JS_NUMBER',
      'jstype = JS_NUMBER',
      'json_name = 5',
      'json_name = "a", json_name = "b"',
      'features.field_presence = EXPLICIT',
      'features = { field_presence: EXPLICIT }',
      'uninterpreted_option = {}',
      'targets = [1]',
    ].map((option): Row => [`the option ${option} of a field`, fieldWith(option, 'repeated int32 a = 1'), 'a.proto:3']),
  ),
  ...refused([
    [
      'a jstype that does not exist',
      fieldWith('jstype = JS_FLOAT', 'int64 a = 1'),
      'JS_NORMAL, JS_STRING or JS_NUMBER',
    ],
    ['jstype twice', fieldWith('jstype = JS_NUMBER, jstype = JS_NUMBER', 'int64 a = 1'), 'twice'],
    ['jstype on a map', fieldWith('jstype = JS_NUMBER', 'map<string, int64> a = 1')],
    ['packed on a map', fieldWith('packed = true', 'map<string, int64> a = 1')],
    ['packed on a singular field', fieldWith('packed = true')],
    ['an option of a file that does not exist', `${P3}option nonsense = 1;`, 'a.proto:2'],
    ['an optimization that does not exist', `${P3}option optimize_for = FAST;`, 'SPEED, CODE_SIZE or LITE_RUNTIME'],
    ['a number in the place of text', `${P3}option java_package = 1;`, 'a string'],
    ['an option of a file twice', `${P3}option java_package = "a";\noption java_package = "b";`, 'a.proto:3'],
    ['an option of a message that does not exist', `${P3}message M {\n option nonsense = 1; }`, 'a.proto:3'],
    ['an option of an enum that does not exist', `${P3}enum E {\n option nonsense = 1; A = 0; }`, 'a.proto:3'],
    ['an option of an enum value that does not exist', `${P3}enum E {\n A = 0 [nonsense = 1]; }`, 'a.proto:3'],
    [
      'an option of a oneof that does not exist',
      `${P3}message M { oneof o {\n option deprecated = true; int32 a = 1; } }`,
      'a.proto:3',
    ],
    ['an option of a service that does not exist', `${P3}service S {\n option nonsense = 1; }`, 'a.proto:3'],
    [
      'an option of an rpc that does not exist',
      `${P3}message M {} service S { rpc A(M) returns (M) {\n option nonsense = 1; } }`,
      'a.proto:3',
    ],
    ['an option of a field on a message', `${P3}message M {\n option packed = true; }`, 'a.proto:3'],
    ['a default of a repeated field', `${P2}message M {\n repeated int32 a = 1 [default = 1]; }`, 'a.proto:3'],
    ['a default of a message', `${P2}message M {\n optional M a = 1 [default = 1]; }`, 'a.proto:3'],
    ['a default twice', field('int32', '1, default = 1'), 'twice'],
    ['allow_alias = false', `${P3}enum E {\n option allow_alias = false; A = 0; }`, 'a.proto:3'],
    ['an alias that is not needed', `${P3}enum E {\n option allow_alias = true; A = 0; B = 1; }`, 'a.proto:3'],
    [
      'an explicit map_entry',
      `${P3}message M { message E {
 option map_entry = true; int32 key = 1; int32 value = 2; } repeated E a = 1; }`,
      'a.proto:3',
    ],
  ]),
  ...newer([
    ...accepted([
      ['features of a field of an edition', editionField('features.field_presence = IMPLICIT')],
      [
        'features of a file of an edition, each by itself',
        'edition = "2023"; option features.field_presence = IMPLICIT; option features.utf8_validation = NONE; message M { string a = 1; repeated int32 b = 2; M c = 3; }',
      ],
    ]),
    ...refused([
      [
        'packed in an edition',
        editionField('packed = false', 'repeated int32 a = 1'),
        'a.proto:2',
        'repeated_field_encoding',
      ],
      ['presence of a repeated field', editionField('features.field_presence = EXPLICIT', 'repeated int32 a = 1')],
      [
        'presence of a case',
        'edition = "2023"; message M { oneof o {\n int32 a = 1 [features.field_presence = EXPLICIT]; } }',
        'a.proto:2',
      ],
      ['implicit presence of a message', editionField('features.field_presence = IMPLICIT', 'N a = 1')],
      ['the feature of another kind of declaration', editionField('features.enum_type = CLOSED'), 'enum, file'],
      [
        'the encoding of repeated fields on a singular field',
        editionField('features.repeated_field_encoding = PACKED'),
      ],
      ['packed text', editionField('features.repeated_field_encoding = PACKED', 'repeated string a = 1')],
      ['the encoding of messages on a number', editionField('features.message_encoding = DELIMITED')],
      ['the validation of text on a number', editionField('features.utf8_validation = NONE')],
      [
        'a feature twice',
        editionField('features.field_presence = IMPLICIT, features.field_presence = IMPLICIT'),
        'twice',
      ],
      [
        'a feature twice, once in braces',
        editionField('features = { field_presence: IMPLICIT }, features.field_presence = IMPLICIT'),
        'twice',
      ],
      ['a feature that does not exist', editionField('features.nonsense = IMPLICIT'), 'nonsense'],
      [
        'a feature of a later edition',
        'edition = "2023";\noption features.enforce_naming_style = STYLE2024;',
        'a.proto:2',
        '2024',
      ],
      [
        'a closed enum in a field without presence',
        'edition = "2023"; enum E { option features.enum_type = CLOSED; A = 0; } message M {\n E a = 1 [features.field_presence = IMPLICIT]; }',
        'a.proto:2',
        'closed',
      ],
    ]),
  ]),
];

const RULES = `syntax = "proto2"; package rules; import "google/protobuf/descriptor.proto";
message Rule { optional int32 min = 1; repeated string tags = 2; optional Color color = 3; optional Rule inner = 4; map<string, int32> counts = 5;
  oneof o { bool a = 6; bool b = 7; } repeated Rule rules = 8; optional double ratio = 9; optional group Old = 10 { optional int32 x = 1; } optional bytes raw = 11; }
enum Color { RED = 0; BLUE = 1; }
extend google.protobuf.MessageOptions { optional Rule rule = 50001; optional int32 number = 50002; optional Color color = 50003; repeated int32 many = 50004;
  optional string text = 50005; optional bool flag = 50006; optional float ratio = 50007; optional uint64 big = 50008; optional bytes raw = 50009; repeated Rule rules = 50010; }`;
const ruled = (options: string): Case['source'] => ({
  'a.proto': `syntax = "proto3"; package p; import "rules.proto"; message M {\n${options} }`,
  'rules.proto': RULES,
});

export const customOptions: readonly Case[] = [
  ...accepted(
    [
      'option (rules.number) = -5;',
      'option (rules.color) = BLUE;',
      'option (rules.many) = 1; option (rules.many) = 2;',
      'option (rules.text) = "a" "b";',
      'option (rules.ratio) = 1;',
      'option (rules.ratio) = -1.5e3;',
      'option (rules.big) = 18446744073709551615;',
      'option (rules.raw) = "\\xff";',
      'option (rules.rule).min = 1; option (rules.rule).color = RED; option (rules.rule).tags = "a"; option (rules.rule).tags = "b";',
      'option (rules.rule).inner.inner.min = 1; option (rules.rule).inner.min = 2;',
      'option (rules.rule) = { min: 1, tags: ["a", "b"] tags: "c"; color: BLUE inner { min: 2 } };',
      'option (rules.rule) = { counts { key: "a" value: 1 } counts: [{ key: "b", value: 2 }] rules: [{ min: 1 }, < min: 2 >] };',
      'option (rules.rule) = { color: 1 a: True ratio: inf raw: "x" Old { x: 1 } };',
      'option (rules.rule) = { ratio: -nan };',
      'option (rules.rule) = {};',
      'option (rules.rule) = { # c\n min: 1 # of { braces }\n };',
      'option (rules.rules) = { min: 1 }; option (rules.rules) = { min: 2 };',
      'option (rules.rule) = { min: 1 }; option (rules.rule).inner.min = 2;',
    ].map((options): Row => [options, ruled(options)]),
  ),
  ...refused(
    [
      'option (rules.number) = 1.5;',
      'option (rules.number) = "1";',
      'option (rules.number) = 2147483648;',
      'option (rules.number) = one;',
      'option (rules.big) = -1;',
      'option (rules.number) = 1; option (rules.number) = 1;',
      'option (rules.number).a = 1;',
      'option (rules.color) = GREEN;',
      'option (rules.color) = 1;',
      'option (rules.text) = 5;',
      'option (rules.text) = yes;',
      'option (rules.flag) = 1;',
      'option (rules.flag) = True;',
      'option (rules.ratio) = "1";',
      'option (rules.many) = [1, 2];',
      'option (rules.rule) = 1;',
      'option (rules.rule) = "a";',
      'option (rules.rule).none = 1;',
      'option (rules.rule) = { none: 1 };',
      'option (rules.rule) = { min: "a" };',
      'option (rules.rule) = { min: 1 min: 2 };',
      'option (rules.rule) = { min: [1, 2] };',
      'option (rules.rule) = { min: 3000000000 };',
      'option (rules.rule) = { color: GREEN };',
      'option (rules.rule) = { a: true b: true };',
      'option (rules.rule) = { inner: 1 };',
      'option (rules.rule) = { inner { none: 1 } };',
      'option (rules.rule) = { min: 1 }; option (rules.rule).min = 2;',
      'option (rules.rule).min = 2; option (rules.rule) = { min: 1 };',
      'option (rules.rule) = {}; option (rules.rule) = {};',
      'option (rules.rule) = { counts { none: 1 } };',
      'option (rules.rule) = { counts { key: 1 } };',
      'option (rules.rules).min = 1;',
      'option (rules.rule) = { ratio: { } };',
    ].map((options): Row => [options, ruled(options), 'a.proto:2']),
  ),
  ...refused([
    [
      'a custom option that the message declares inside of itself',
      'syntax = "proto2"; import "google/protobuf/descriptor.proto"; message M { extend google.protobuf.MessageOptions { optional int32 x = 50001; }\n option (x) = 1; }',
      'a.proto:2',
    ],
  ]),
];
