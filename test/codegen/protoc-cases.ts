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

export const cases: readonly Case[] = [...names];
