import { pipeline } from '#src/actors/runtime/index.js';
import { bytesCodable, jsonCodable } from '#src/descriptors/index.js';
import { upTo } from '../../../support/numbers.js';
import { isPatterned, patterned } from '../../values/harness.js';

export interface ValuesArgs {
  readonly count: number;
  readonly sizeBytes: number;
}

interface Tile {
  readonly number: number;
  readonly pixels: Uint8Array;
}

const tiles = jsonCodable<Tile>('test.Tile');
const later = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** One in two is in its message. */
function sizeOf(number: number, { sizeBytes }: ValuesArgs): number {
  return number % 2 === 0 ? sizeBytes : 1_000;
}

function numberOf(bytes: Uint8Array, args: ValuesArgs): number {
  const number = bytes[0] ?? -1;
  if (bytes.length !== sizeOf(number, args) || !isPatterned(bytes, number)) throw new Error(`value ${number} is wrong`);
  return number;
}

/** Values through segments in several partitions: copied, passed on as they were read, sent on by their descriptors, and handed over as objects. */
export default pipeline('values', import.meta.url, (p, args: ValuesArgs) => {
  const born = p.source('make', bytesCodable, async (output) => {
    for (const number of upTo(args.count)) await output.write(patterned(sizeOf(number, args), number));
  });
  const passed = p.segment('pass', born, bytesCodable, { instances: 2 }, async (input, output) => {
    const writes: Promise<void>[] = [];
    for await (const bytes of input) {
      await later();
      numberOf(bytes, args);
      writes.push(output.write(bytes));
      // The memory of what was read is given back when the next one is asked for.
      await writes.at(-1);
    }
    await Promise.all(writes);
  });
  const sent = p.segment('send', passed, bytesCodable, { policy: 'least-loaded' }, async (input, output) => {
    for await (const descriptor of input.descriptors()) await output.write(descriptor);
  });
  const tagged = p.segment('tag', sent, tiles, async (input, output) => {
    for await (const bytes of input) {
      await output.write({ number: numberOf(bytes, args), pixels: bytes.slice() });
    }
  });
  p.sink('check', tagged, { with: 'tag' }, async (input) => {
    const seen = new Set<number>();
    for await (const tile of input) {
      await later();
      if (numberOf(tile.pixels, args) !== tile.number) throw new Error(`tile ${tile.number} is wrong`);
      seen.add(tile.number);
    }
    if (seen.size !== args.count) throw new Error(`${seen.size} of ${args.count} values came`);
  });
});
