import { pipeline } from '#src/actors/runtime/index.js';
import { jsonCodable } from '#src/descriptors/index.js';
import { upTo } from '../../../support/numbers.js';

interface Tile {
  readonly number: number;
  readonly pixels: Uint8Array;
}

const tiles = jsonCodable<Tile>('test.Tile');
/** The tiles that were made in this process. */
const made = new WeakSet<Tile>();

/** Values that stay in one partition: the reader gets the very objects. */
export default pipeline('objects', import.meta.url, (p, { count }: { readonly count: number }) => {
  const born = p.source('make', tiles, async (output) => {
    for (const number of upTo(count)) {
      const tile = { number, pixels: new Uint8Array(100_000) };
      made.add(tile);
      await output.write(tile);
    }
  });
  p.sink('check', born, { with: 'make' }, async (input) => {
    let next = 0;
    for await (const tile of input) {
      if (!made.has(tile) || tile.number !== next) throw new Error(`tile ${tile.number} is not what was written`);
      next += 1;
    }
    if (next !== count) throw new Error(`${next} of ${count} tiles came`);
  });
});
