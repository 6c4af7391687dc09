import { expect } from 'chai';
import { AttachedFields, attachFields, decode, detachFields, encode, type MessageType } from '#src/protocol/index.js';
import { Scratch } from './scratch.js';

type Row = Readonly<Record<string, unknown>>;
type AnyType = MessageType<Row, Row>;

const HEAD = 'syntax = "proto3"; package shop; import "millrace/v1/annotations.proto";';
const OPTION = '[(millrace.v1.borrow) = true]';
const PROTO = `${HEAD}
import "parts.proto";
message Frame {
  bytes pixels = 1 ${OPTION};
  bytes label = 2;
  repeated bytes tiles = 3 ${OPTION};
  map<string, bytes> by_name = 4 ${OPTION};
  oneof other { bytes spare = 5 ${OPTION}; string none = 6; }
  optional bytes extra = 7 ${OPTION};
  bytes plain = 8 [(millrace.v1.borrow) = false];
}
message Album { repeated Frame frames = 1; Album next = 2; }
message Page { map<int32, Part> parts = 1; }
message Plain { bytes pixels = 1; Plain next = 2; }
`;
const PARTS = `${HEAD} message Part { bytes content = 1 ${OPTION}; }`;

const bytes = (mark: number): Uint8Array => new Uint8Array(10).fill(mark);

describe('bytes with the option borrow', () => {
  let scratch: Scratch;
  let made: Readonly<Record<string, unknown>>;
  const typeOf = (name: string): AnyType => made[name] as AnyType;

  beforeEach(async () => {
    scratch = await Scratch.make();
    await scratch.put('parts.proto', PARTS);
    await scratch.put('frame.proto', PROTO);
    await scratch.generate(['frame.proto']);
    made = await scratch.load('frame.js');
  });

  afterEach(() => scratch.remove());

  const frame = {
    pixels: bytes(1),
    label: bytes(2),
    tiles: [bytes(3), bytes(4)],
    byName: { a: bytes(5) },
    other: { case: 'spare', value: bytes(6) },
    extra: bytes(7),
    plain: bytes(8),
  };

  it('are on the wire what other bytes are', () => {
    const Frame = typeOf('Frame');
    expect(decode(Frame, encode(Frame, Frame.create(frame)))).to.deep.equal(frame);
  });

  it('are lent in each shape where they came beside the message, and other bytes are copied', () => {
    const Frame = typeOf('Frame');
    const { encoded, fields } = detachFields(Frame, Frame.create(frame), 0);
    expect(fields).to.have.length(8);
    const read = (attaching: 'lent' | 'copied'): { readonly message: Row; readonly attached: AttachedFields } => {
      const attached = new AttachedFields(new Map(fields.map((field) => [field.position, field.bytes])), attaching);
      return { message: attachFields(Frame, encoded, attached), attached };
    };
    const lent = read('lent');
    expect(lent.message).to.deep.equal(frame);
    expect(lent.message['pixels']).to.equal(frame.pixels);
    expect(lent.message['label']).not.to.equal(frame.label);
    const { pixels, tiles, byName, other, extra } = frame;
    expect([...lent.attached.lent]).to.have.ordered.members([pixels, ...tiles, byName.a, other.value, extra]);
    const copied = read('copied');
    expect(copied.message).to.deep.equal(frame);
    expect(copied.message['pixels']).not.to.equal(frame.pixels);
    expect(copied.attached.lent).to.have.length(0);
  });

  it('mark the messages that have them, also those of other files, and no others', () => {
    const marks = ['Frame', 'Album', 'Page', 'Plain'].map((name) => typeOf(name).borrows);
    expect(marks).to.deep.equal([true, true, true, undefined]);
  });

  it('have a type of their own for readers, and any Uint8Array for creators', async () => {
    const types = await scratch.read('gen/frame.d.ts');
    expect(types).to.include('readonly pixels: BorrowedBytes;');
    expect(types).to.include('readonly pixels?: Uint8Array | undefined;');
    expect(types).to.include('readonly tiles: readonly BorrowedBytes[];');
    expect(types).to.include('readonly label: Uint8Array;');
    expect(types).to.include('readonly plain: Uint8Array;');
  });

  for (const [what, field] of Object.entries({
    'of text': `string pixels = 1 ${OPTION};`,
    'of a message': `M pixels = 1 ${OPTION};`,
  })) {
    it(`are refused for a field ${what}`, async () => {
      await scratch.put('wrong.proto', `${HEAD} message M { ${field} }`);
      expect(await scratch.refusal(['wrong.proto'])).to.include('is for fields of bytes');
    });
  }
});
