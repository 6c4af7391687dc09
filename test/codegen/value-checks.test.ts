import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import fc from 'fast-check';
import { ProtocolError } from '#src/errors.js';
import { decode, encode, type MessageType } from '#src/protocol/index.js';
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
message Tree { Tree next = 1; repeated Outer many = 2; }
${SCALARS.map((scalar) => rowOf(scalar)).join('\n')}
${LONG.map((scalar) => rowOf(scalar, ' [jstype = JS_NUMBER]', `${scalar}_number`)).join('\n')}
${rowOf('Color')}
${rowOf('Outer').replace('optional ', '')}
`;

/** What `attempt` returns, or the text of the error that it throws. */
function outcome<T>(attempt: () => T): { readonly value?: T; readonly refused?: string } {
  try {
    return { value: attempt() };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { refused: error.message };
  }
}

/** Values of every type, near the bounds of every range. */
const VALUES: readonly unknown[] = [
  0,
  -1,
  1.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  1e39,
  -3.5e38,
  0.1,
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

  /** Where a wrong value is, for the shapes that hold several. */
  const PLACES: Readonly<Record<string, (name: string) => string>> = {
    many: (name) => `check.Of_${name}.many[0] must be `,
    byName: (name) => `check.Of_${name}.byName["a"] must be `,
    byNumber: (name) => `check.Of_${name}.byNumber[5] must be `,
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
          else
            expect(() => type.create(given), what).to.throw(
              ProtocolError,
              PLACES[field]?.(name) ?? `check.Of_${name}.${field} must be `,
            );
          if (!isGood) refused++;
        }
      }
      expect(refused).to.be.above(50);
    });
  }

  it('refuses what is no array, no plain object and no Map where those belong, a key of a wrong type, and a case that there is not', () => {
    class OwnList extends Array<number> {}
    const given: Readonly<Record<string, readonly unknown[]>> = {
      many: [5, {}, 'abc', new Set([5]), new Map([[0, 5]]), new Int32Array(2), [5].values()],
      byName: [5, 'abc', [5], new Map([['a', 5]]), new Set([5]), new Error('x'), Promise.resolve({ a: 5 })],
      byNumber: [{ 5: 5 }, [[5, 5]], new Set([[5, 5]]), new Map([['a', 5]]), new Map([[5, 5]]).entries()],
      either: [
        5,
        'one',
        ['one', 5],
        new Map([['case', 'one']]),
        { case: 'nothing', value: 5 },
        { one: 5 },
        { value: 5 },
        { case: undefined, value: 5 },
      ],
    };
    for (const [field, values] of Object.entries(given)) {
      for (const value of values) {
        for (const type of [typeOf('Of_int32'), typeOf('Of_Outer')]) {
          const create = (): unknown => type.create({ [field]: value });
          const write = (): unknown => encode(type, { ...type.create(), [field]: value });
          for (const attempt of [create, write]) {
            expect(attempt, `${field} ${String(value)}`).to.throw(ProtocolError, `${type.typeName}.${field} must be `);
          }
        }
      }
    }
    const type = typeOf('Of_int32');
    expect(type.create({ many: null, byName: null, byNumber: null, either: undefined })).to.deep.equal(type.create());
    expect(type.create({ either: {} })).to.deep.equal(type.create());
    expect(type.create({ many: OwnList.of(5) })['many']).to.have.length(1);
    expect(type.create({ byNumber: runInNewContext('new Map([[5, 5]])') })['byNumber']).to.have.property('size', 1);
    expect(type.create({ many: runInNewContext('[5]') })['many']).to.have.length(1);
  });

  it('refuses what is no message where one belongs, and names the path to what is wrong in one', () => {
    const type = typeOf('Outer');
    const inOuter = (value: unknown): Readonly<Record<string, Row>> => ({
      inner: { inner: value },
      'many[1]': { many: [{}, value] },
      'byName["a"]': { byName: { a: value } },
      'byNumber[1]': { byNumber: new Map([[1, value]]) },
      one: { either: { case: 'one', value } },
    });
    const wrong = [5, 'abc', true, null, 5n, [], new Map(), new Error('x'), Promise.resolve({}), () => {}];
    for (const value of wrong) {
      for (const [path, init] of Object.entries(inOuter(value))) {
        const text = `check.Outer.${path} must be a message, an object with the fields of check.Inner, not `;
        expect(() => type.create(init), path).to.throw(ProtocolError, text);
        expect(() => encode(type, { ...type.create(), ...init }), path).to.throw(ProtocolError, text);
      }
      expect(() => type.create(value as unknown as Row)).to.throw(ProtocolError, 'check.Outer must be a message');
    }
    for (const value of [undefined, null]) {
      expect(() => type.create({ many: [value] })).to.throw(ProtocolError, 'check.Outer.many[0] must be ');
      expect(() => type.create({ byName: { a: value } })).to.throw(ProtocolError, 'check.Outer.byName["a"] must be ');
    }
    for (const [path, init] of Object.entries(inOuter({ n: 'x' }))) {
      const text = `check.Outer.${path}.n must be an integer from -2147483648 to 2147483647, not "x"`;
      expect(() => type.create(init)).to.throw(ProtocolError, text);
      expect(() => encode(type, { ...type.create(), ...init })).to.throw(ProtocolError, text);
    }
    const deep = { next: { many: [{}, { byName: { a: { n: 1n } } }] } };
    expect(() => typeOf('Tree').create(deep)).to.throw(
      ProtocolError,
      'check.Tree.next.many[1].byName["a"].n must be an integer from -2147483648 to 2147483647, not 1n',
    );
  });

  it('takes what write takes, and refuses what that refuses, in the same words', () => {
    const value = fc.oneof(fc.constantFrom(...VALUES, undefined, null), fc.integer(), fc.bigInt(), fc.string());
    const entries = fc.oneof(fc.dictionary(fc.string(), value), value);
    const messages = (name: string): fc.Arbitrary<Row> => {
      const good = fc.constantFrom<unknown>(...VALUES.filter((given) => canBeWritten(typeOf(name), { maybe: given })));
      const some = fc.oneof(good, good, good, value);
      return fc.record(
        {
          plain: some,
          maybe: some,
          many: fc.oneof(fc.array(some), value),
          byName: fc.oneof(fc.dictionary(fc.string(), some), entries),
          byNumber: fc.oneof(
            fc.array(fc.tuple(fc.integer(), some)).map((list) => new Map(list)),
            value,
          ),
          either: fc.oneof(fc.record({ case: fc.constantFrom('one', 'other', 'x', undefined), value: some }), value),
        },
        { requiredKeys: [] },
      );
    };
    for (const name of [...SCALARS, 'Color', 'Outer']) {
      const type = typeOf(`Of_${name}`);
      const property = fc.property(messages(`Of_${name}`), (init) => {
        const created = outcome(() => type.create(init));
        const written = outcome(() => decode(type, encode(type, init)));
        if (created.refused === undefined) {
          // A float too small for 32 bits is left out once it was rounded.
          const text = encode(type, type.create(init));
          expect(written).to.deep.equal({ value: decode(type, text) });
        } else expect(written.refused).to.equal(`check.Of_${name} cannot be encoded. ${created.refused}`);
      });
      fc.assert(property, { numRuns: 100 });
    }
  });

  it('refuses an empty text and an empty list where bytes belong, as any other', () => {
    const type = typeOf('Of_bytes');
    for (const plain of ['', []]) {
      expect(() => type.create({ plain })).to.throw(ProtocolError, 'check.Of_bytes.plain must be ');
      expect(() => encode(type, { ...type.create(), plain })).to.throw(ProtocolError, 'check.Of_bytes.plain must be ');
    }
  });

  it("takes an instance of a class of one's own, and an object of another realm, as a message", () => {
    class Point {
      n = 5;
    }
    const inners = [
      new Point(),
      Object.assign(Object.create(null), { n: 5 }),
      runInNewContext('({ n: 5 })'),
    ] as readonly Row[];
    for (const inner of inners) {
      expect(typeOf('Outer').create({ inner })['inner']).to.deep.equal({ n: 5 });
      expect(typeOf('Inner').create(inner)).to.deep.equal({ n: 5 });
    }
  });

  it('rounds a float of every shape as its encoding does, and leaves the given values as they are', () => {
    const type = typeOf('Of_float');
    const given = {
      plain: 0.1,
      maybe: 0.1,
      many: [0.5, 0.1],
      byName: { a: 0.1 },
      byNumber: new Map([[5, 0.1]]),
      either: { case: 'one', value: 0.1 },
    };
    const message = type.create(given);
    expect(message).to.deep.equal(decode(type, encode(type, message)));
    expect(message['plain']).to.equal(Math.fround(0.1));
    expect(given.many).to.deep.equal([0.5, 0.1]);
    expect(given.byName).to.deep.equal({ a: 0.1 });
    expect(type.create({ plain: Number.NaN, maybe: Number.NEGATIVE_INFINITY })).to.include({
      maybe: Number.NEGATIVE_INFINITY,
    });
  });
});
