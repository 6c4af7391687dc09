import { expect } from 'chai';
import fc from 'fast-check';
import type protobuf from 'protobufjs';
import { ProtocolError } from '#src/errors.js';
import { decode, encode, type MessageType } from '#src/protocol/index.js';
import { type AnyMessage, compileEverything, type Everything } from './everything.js';
import { initOf, toOurs, toTheirs } from './mirror.js';

const MESSAGES = [
  'Scalars',
  'Optionals',
  'Lists',
  'Maps',
  'Choice',
  'Tree',
  'Tree.Leaf',
  'Numbers',
  'Words',
  'Borrowed',
  'Nothing',
];
const RUNS = { numRuns: 25 };

describe('a generated message', () => {
  let everything: Everything;

  before(async () => {
    everything = await compileEverything();
  });
  after(() => everything.remove());

  for (const name of MESSAGES) {
    it(`${name} is read by protobufjs as it was written`, () => {
      forAll(name, (ours, theirs, message) => {
        const read = theirs.decode(encode(ours, message));
        expect(toOurs(theirs, asRecord(read))).to.deep.equal(message);
      });
    });

    it(`${name} is read as protobufjs wrote it`, () => {
      forAll(name, (ours, theirs, message) => {
        const bytes = theirs.encode(toTheirs(theirs, message)).finish();
        expect(decode(ours, bytes)).to.deep.equal(message);
      });
    });

    it(`${name} is the same bytes as protobufjs's`, () => {
      forAll(name, (ours, theirs, message) => {
        // protobufjs orders number keys as properties of objects are.
        if (Object.values(message).some((value) => value instanceof Map && value.size > 1)) return;
        expect([...encode(ours, message)]).to.deep.equal([...theirs.encode(toTheirs(theirs, message)).finish()]);
      });
    });

    it(`${name} with bytes missing, changed or made up is refused with a ProtocolError or read, and nothing else`, () => {
      forAll(name, (ours, _, message) => {
        const bytes = encode(ours, message);
        for (let length = 0; length < Math.min(bytes.length, 300); length++) attempt(ours, bytes.subarray(0, length));
      });
      const { ours, init } = pair(name);
      const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
      fc.assert(
        fc.property(init, changes, (value, places) => {
          const bytes = encode(ours, ours.create(value));
          for (const [place, byte] of places) if (bytes.length > 0) bytes[place % bytes.length] = byte;
          attempt(ours, bytes);
        }),
        RUNS,
      );
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => attempt(ours, bytes)),
        { numRuns: 100 },
      );
    });
  }

  it('survives creation from itself', () => {
    forAll('Optionals', (ours, _, message) => expect(ours.create(message)).to.deep.equal(message));
  });

  it('fills every field that is left out, at every depth', () => {
    const tree = everything.ours('Tree').create({ leaf: {}, children: [{}] });
    expect(tree).to.deep.equal({
      name: '',
      children: [{ name: '', children: [], left: undefined, leaf: undefined }],
      left: undefined,
      leaf: { side: 0, inner: undefined },
    });
  });

  it('shares no memory with the bytes it was read from', () => {
    const type = everything.ours('Scalars');
    const bytes = encode(type, type.create({ aBytes: Uint8Array.of(1, 2, 3), aString: 'abc' }));
    for (const input of [bytes, Buffer.from(bytes)]) {
      const copy = Buffer.isBuffer(input) ? Buffer.from(input) : input.slice();
      const message = decode(type, copy);
      copy.fill(0xff);
      expect(message['aBytes']).to.deep.equal(Uint8Array.of(1, 2, 3));
      expect(message['aString']).to.equal('abc');
    }
  });

  it('reads repeated numbers packed or not, whichever was written', () => {
    const [packed, loose] = [{ aInt32: [1, -2, 300] }, { looseInt32: [1, -2, 300] }];
    const type = everything.ours('Lists');
    const swap = (bytes: Uint8Array, from: number, to: number) => decodeMoved(type, bytes, from, to);
    expect(swap(encode(type, type.create(packed)), 3, 2002)['looseInt32']).to.deep.equal([1, -2, 300]);
    expect(swap(encode(type, type.create(loose)), 2002, 3)['aInt32']).to.deep.equal([1, -2, 300]);
  });

  it('skips fields that it does not know, groups of old peers included', () => {
    const nothing = everything.ours('Nothing');
    forAll('Scalars', (ours, _, message) => expect(decode(nothing, encode(ours, message))).to.deep.equal({}));
    expect(decode(nothing, Uint8Array.of(0x0b, 0x10, 1, 0x13, 0x14, 0x0c))).to.deep.equal({});
    expect(() => decode(nothing, Uint8Array.of(0x0b, 0x10, 1))).to.throw(ProtocolError);
    expect(() => decode(nothing, Uint8Array.of(0x0b, 0x14))).to.throw(ProtocolError);
  });

  it('keeps enum numbers that it does not know', () => {
    const type = everything.ours('Scalars');
    expect(decode(type, encode(type, type.create({ color: 77 })))['color']).to.equal(77);
  });

  it('refuses a known field of a wrong wire type', () => {
    const type = everything.ours('Scalars');
    expect(() => decode(type, Uint8Array.of(0x08, 0x01))).to.throw(
      ProtocolError,
      'everything.Scalars cannot be decoded',
    );
    expect(() => decode(type, Uint8Array.of(0x08, 0x01))).to.throw(
      ProtocolError,
      'Field 1 at offset 1 has the wrong wire type 0',
    );
  });

  it('refuses text that is not UTF-8', () => {
    const type = everything.ours('Words');
    for (const bytes of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0x61, 0xe2, 0x82]]) {
      expect(() => decode(type, Uint8Array.of(0x0a, bytes.length, ...bytes))).to.throw(
        ProtocolError,
        'not valid UTF-8',
      );
    }
  });

  it('refuses numbers that are not exact as a JavaScript number', () => {
    const { ours } = pair('Numbers');
    const bytes = encode(everything.ours('Scalars'), everything.ours('Scalars').create({ aUint64: 2n ** 53n }));
    expect(() => decode(ours, Uint8Array.of(0x10, ...bytes.subarray(1)))).to.throw(
      ProtocolError,
      'does not fit into a number',
    );
  });

  it('bounds nesting in both directions', () => {
    const type = everything.ours('Tree');
    const nested = (depth: number): AnyMessage => (depth === 0 ? {} : { left: nested(depth - 1) });
    const allowed = type.create(nested(64));
    expect(decode(type, encode(type, allowed))).to.deep.equal(allowed);
    expect(() => encode(type, type.create(nested(65)))).to.throw(ProtocolError, 'nested deeper than 64');
    let bytes: number[] = [];
    for (let depth = 0; depth < 40; depth++) bytes = [0x1a, bytes.length, ...bytes];
    // Inside a group or not, deep is deep.
    const groups = Uint8Array.from([...Array<number>(65).fill(0x2b), ...Array<number>(65).fill(0x2c)]);
    expect(decode(type, Uint8Array.from(bytes))).to.have.property('left');
    expect(() => decode(type, groups)).to.throw(ProtocolError, 'nested deeper than 64');
  });

  it('refuses values of a wrong type or out of range when it is written', () => {
    const wrong: AnyMessage[] = [
      { aInt32: 1.5 },
      { aInt32: 2 ** 31 },
      { aUint32: -1 },
      { aFixed32: '7' },
      { aUint64: 5 },
      { aInt64: 2n ** 63n },
      { aBool: 1 },
      { aString: 7 },
      { aBytes: [1] },
      { aDouble: 'x' },
      { aFloat: 'x' },
      { aString: Symbol('x') },
      { color: 0.5 },
    ];
    const type = everything.ours('Scalars');
    for (const init of wrong) {
      const message = { ...type.create(), ...init };
      expect(() => encode(type, message), JSON.stringify(Object.keys(init))).to.throw(
        ProtocolError,
        'Scalars cannot be encoded. everything.Scalars.',
      );
    }
  });

  it('writes a lone surrogate as the replacement character', () => {
    const type = everything.ours('Words');
    const long = 'x'.repeat(120);
    for (const [text, written] of [
      ['a\ud800b', 'a\ufffdb'],
      ['\udc00', '\ufffd'],
      [`${long}\ud83d`, `${long}\ufffd`],
    ]) {
      expect(decode(type, encode(type, type.create({ class: text })))['class']).to.equal(written);
    }
  });

  function pair(name: string) {
    const theirs = everything.theirs(name);
    return { ours: everything.ours(name), theirs, init: initOf(theirs) };
  }

  function forAll(
    name: string,
    check: (ours: MessageType<AnyMessage, AnyMessage>, theirs: protobuf.Type, message: AnyMessage) => void,
  ) {
    const { ours, theirs, init } = pair(name);
    fc.assert(
      fc.property(init, (value) => {
        check(ours, theirs, ours.create(value));
      }),
      RUNS,
    );
  }
});

function attempt(type: MessageType<AnyMessage, AnyMessage>, bytes: Uint8Array): void {
  try {
    decode(type, bytes);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
  }
}

/** Decodes `bytes`, every field numbered `from` moved to `to`. Both numbers' keys are rebuilt; values are copied. */
function decodeMoved(
  type: MessageType<AnyMessage, AnyMessage>,
  bytes: Uint8Array,
  from: number,
  to: number,
): AnyMessage {
  const varint = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)]);
  const text = Buffer.from(bytes).toString('latin1');
  let moved = text;
  for (const wire of [0, 2]) {
    const key = (number: number) => Buffer.from(varint(number * 8 + wire)).toString('latin1');
    if (text.startsWith(key(from))) moved = text.replaceAll(key(from), key(to));
  }
  return decode(type, Uint8Array.from(Buffer.from(moved, 'latin1')));
}

function asRecord(message: protobuf.Message): AnyMessage {
  return message as unknown as AnyMessage;
}
