import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import { ProtocolError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import { decode, type MessageType, WireReader } from '#src/protocol/index.js';
import { type AnyMessage, compileEverything, type Everything } from '../../codegen/everything.js';

const MIB = 1024 * 1024;

/** The same few bytes, again and again. */
function repeated(bytes: readonly number[], sizeBytes: number): Uint8Array {
  const count = Math.floor(sizeBytes / bytes.length);
  const all = new Uint8Array(count * bytes.length);
  for (let index = 0; index < all.length; index++) all[index] = bytes[index % bytes.length] ?? 0;
  return all;
}

/** Few bytes on the wire that are many in memory: the type of a message, the key of its field, and what is repeated there. */
const HOSTILE: readonly (readonly [what: string, type: string, key: number, value: readonly number[]])[] = [
  ['empty nested messages', 'Lists', 17, [0]],
  ['empty texts', 'Lists', 14, [0]],
  ['short texts', 'Lists', 14, [2, 0x61, 0x62]],
  ['empty bytes', 'Lists', 15, [0]],
  ['short bytes', 'Lists', 15, [1, 7]],
];

describe('the memory of a decoded message', function () {
  this.timeout(120_000);
  let everything: Everything;
  let collect: () => void;
  before(async () => {
    everything = await compileEverything();
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
  });
  after(() => everything.remove());

  /** Bytes that the message takes, and those that its reader counted. */
  function measure(type: MessageType<AnyMessage, AnyMessage>, bytes: Uint8Array): { took: number; counted: number } {
    const reader = new WireReader();
    collect();
    const before = process.memoryUsage();
    const message = type.read(reader.reset(bytes), bytes.length);
    collect();
    const after = process.memoryUsage();
    expect(Object.keys(message)).to.not.have.length(0);
    const took = after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers;
    return { took, counted: reader.allocatedBytes };
  }

  for (const [what, name, number, value] of HOSTILE) {
    it(`is counted for ${what}`, () => {
      const key = number * 8 + 2;
      const tag = key < 128 ? [key] : [(key & 127) | 128, key >> 7];
      const { took, counted } = measure(everything.ours(name), repeated([...tag, ...value], MIB / 8));
      expect(counted).to.be.greaterThan(took * 0.7);
    });
  }

  it('is counted for maps', () => {
    const entries: number[] = [];
    for (let key = 0; key < 50_000; key++) {
      entries.push(0xb2, 1, 4, 8, (key & 127) | 128, ((key >> 7) & 127) | 128, key >> 14);
    }
    const { took, counted } = measure(everything.ours('Maps'), Uint8Array.from(entries));
    expect(counted).to.be.greaterThan(took * 0.7);
  });

  it('is counted for packed numbers', () => {
    const packed = repeated([1], MIB);
    const length = [0x80, 0x80, 0x40];
    for (const number of [3, 9, 13]) {
      const key = number * 8 + 2;
      const { took, counted } = measure(everything.ours('Lists'), Uint8Array.from([key, ...length, ...packed]));
      expect(counted, `field ${number}`).to.be.greaterThan(took * 0.7);
    }
  });

  it('is bounded: what would need more is refused', () => {
    const key = [((17 * 8 + 2) & 127) | 128, (17 * 8 + 2) >> 7];
    const bytes = repeated([...key, 0], limits.maxMessageBytes);
    expect(() => decode(everything.ours('Lists'), bytes)).to.throw(ProtocolError, 'Send it in parts');
  });
});
