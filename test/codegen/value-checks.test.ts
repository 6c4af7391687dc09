import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import { ProtocolError } from '#src/errors.js';
import { encode, type MessageType } from '#src/protocol/index.js';
import { Scratch } from './scratch.js';

const SCALARS =
  'double float int32 uint32 sint32 fixed32 sfixed32 int64 uint64 sint64 fixed64 sfixed64 bool string bytes'.split(' ');
const LONG = SCALARS.filter((scalar) => scalar.includes('64'));

type Row = Readonly<Record<string, unknown>>;

/** One message for each scalar, with a field of each shape. */
function rowOf(scalar: string, options = '', name = scalar): string {
  return `message Of_${name} {
  ${scalar} plain = 1${options}; optional ${scalar} maybe = 2${options}; repeated ${scalar} many = 3${options};
  map<string, ${scalar}> byName = 4; map<int32, ${scalar}> byNumber = 5;
  oneof either { ${scalar} one = 6${options}; Inner other = 7; }
}`;
}

const PROTO = `syntax = "proto3"; package check;
enum Color { BLACK = 0; RED = 1; }
message Inner { int32 n = 1; }
message Outer { Inner inner = 1; repeated Inner many = 2; map<string, Inner> byName = 3; map<int32, Inner> byNumber = 4; oneof either { Inner one = 5; string other = 6; } }
${SCALARS.map((scalar) => rowOf(scalar)).join('\n')}
${LONG.map((scalar) => rowOf(scalar, ' [jstype = JS_NUMBER]', `${scalar}_number`)).join('\n')}
${rowOf('Color')}
`;

/** Values of every type, near the bounds of every range. */
const VALUES: readonly unknown[] = [
  0,
  -1,
  1.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  2 ** 31 - 1,
  2 ** 31,
  -(2 ** 31),
  -(2 ** 31) - 1,
  2 ** 32 - 1,
  2 ** 32,
  Number.MAX_SAFE_INTEGER,
  2 ** 53,
  0n,
  -1n,
  2n ** 63n - 1n,
  2n ** 63n,
  -(2n ** 63n),
  -(2n ** 63n) - 1n,
  2n ** 64n - 1n,
  2n ** 64n,
  true,
  '',
  'abc',
  '5',
  new Uint8Array(2),
  Buffer.from('x'),
  runInNewContext('new Uint8Array(3)'),
  new Uint16Array(2),
  new ArrayBuffer(2),
  [],
  {},
  new Date(0),
  Symbol('x'),
  () => {},
];

describe('create of a generated message', () => {
  let scratch: Scratch;
  let types: Readonly<Record<string, MessageType<Row, Row>>> = {};

  before(async () => {
    scratch = await Scratch.make();
    await scratch.put('check.proto', PROTO);
    await scratch.generate(['check.proto']);
    types = (await scratch.load('check.js')) as typeof types;
  });
  after(() => scratch.remove());

  const typeOf = (name: string): MessageType<Row, Row> => {
    const type = types[name];
    if (type === undefined) throw new Error(`no message ${name}`);
    return type;
  };

  /** Whether bytes can be made of a message as it is. */
  function canBeWritten(type: MessageType<Row, Row>, message: Row): boolean {
    try {
      encode(type, message);
      return true;
    } catch {
      return false;
    }
  }

  const shapes: Readonly<Record<string, (value: unknown) => Row>> = {
    plain: (plain) => ({ plain }),
    maybe: (maybe) => ({ maybe }),
    many: (value) => ({ many: [value] }),
    byName: (value) => ({ byName: { a: value } }),
    byNumber: (value) => ({ byNumber: new Map([[5, value]]) }),
    one: (value) => ({ either: { case: 'one', value } }),
  };

  for (const name of [...SCALARS, ...LONG.map((scalar) => `${scalar}_number`), 'Color']) {
    it(`refuses for ${name} what write refuses, and names the field`, () => {
      const type = typeOf(`Of_${name}`);
      let refused = 0;
      for (const [field, shape] of Object.entries(shapes)) {
        if (name.endsWith('_number') && field.startsWith('by')) continue;
        for (const value of VALUES) {
          const given = shape(value);
          // An optional field is written whatever its value is.
          const isGood = canBeWritten(type, { ...type.create(), maybe: value });
          const what = `${field} ${typeof value === 'symbol' ? 'a symbol' : String(value)}`;
          if (isGood) expect(() => type.create(given), what).to.not.throw();
          else expect(() => type.create(given), what).to.throw(ProtocolError, `check.Of_${name}.${field} must be `);
          if (!isGood) refused++;
        }
      }
      expect(refused).to.be.above(50);
    });
  }

  it('refuses what is no array, no object and no Map where those belong, a key of a wrong type, and a case that there is not', () => {
    const type = typeOf('Of_int32');
    const given: readonly (readonly [string, Row])[] = [
      ['many', { many: 5 }],
      ['many', { many: {} }],
      ['many', { many: 'abc' }],
      ['byName', { byName: 5 }],
      ['byNumber', { byNumber: { 5: 5 } }],
      ['byNumber', { byNumber: new Map([['a', 5]]) }],
      ['either', { either: { case: 'nothing', value: 5 } }],
    ];
    for (const [field, init] of given) {
      expect(() => type.create(init)).to.throw(ProtocolError, `check.Of_int32.${field} must be `);
    }
    expect(type.create({ many: null, byName: null, byNumber: null, either: undefined })).to.deep.equal(type.create());
  });

  it('refuses what is no message where one belongs, and looks into those that are', () => {
    const type = typeOf('Outer');
    for (const value of [5, 'abc', true, null, 5n]) {
      const given: readonly (readonly [string, Row])[] = [
        ['inner', { inner: value }],
        ['many', { many: [value] }],
        ['many', { many: value === null ? [null] : value }],
        ...(value === null
          ? []
          : ([
              ['byName', { byName: { a: value } }],
              ['byNumber', { byNumber: new Map([[1, value]]) }],
              ['one', { either: { case: 'one', value } }],
            ] as const)),
      ];
      for (const [field, init] of given) {
        expect(() => type.create(init), `${field} ${value}`).to.throw(ProtocolError, `check.Outer.${field} must be `);
      }
    }
    const deep: readonly Row[] = [
      { inner: { n: 'x' } },
      { many: [{ n: 'x' }] },
      { byName: { a: { n: 'x' } } },
      { byNumber: new Map([[1, { n: 'x' }]]) },
      { either: { case: 'one', value: { n: 'x' } } },
    ];
    for (const init of deep)
      expect(() => type.create(init)).to.throw(ProtocolError, 'check.Inner.n must be an integer');
  });
});
