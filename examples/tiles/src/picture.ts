import { promisify } from 'node:util';
import { crc32, deflate } from 'node:zlib';
import { SIDE } from './ground.js';

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
const COLOR_BYTES = 3;

/** A picture that is put together from tiles, in any order. */
export class Picture {
  readonly #width: number;
  readonly #height: number;
  /** Each line begins with the number of its filter: 0, none. */
  readonly #lines: Uint8Array;

  /** `columns` and `rows` count tiles. */
  constructor(columns: number, rows: number) {
    this.#width = columns * SIDE;
    this.#height = rows * SIDE;
    this.#lines = new Uint8Array(this.#height * this.#lineBytes);
  }

  get #lineBytes(): number {
    return 1 + this.#width * COLOR_BYTES;
  }

  place({ column, row, pixels }: { readonly column: number; readonly row: number; readonly pixels: Uint8Array }): void {
    for (let line = 0; line < SIDE; line++) {
      const from = pixels.subarray(line * SIDE * COLOR_BYTES, (line + 1) * SIDE * COLOR_BYTES);
      this.#lines.set(from, (row * SIDE + line) * this.#lineBytes + 1 + column * SIDE * COLOR_BYTES);
    }
  }

  /** The picture as a PNG file. */
  async toPng(): Promise<Uint8Array> {
    const header = Buffer.alloc(13);
    header.writeUInt32BE(this.#width, 0);
    header.writeUInt32BE(this.#height, 4);
    // Eight bits each of red, green and blue.
    header.set([8, 2], 8);
    const data = await promisify(deflate)(this.#lines, { level: 3 });
    return Buffer.concat([SIGNATURE, chunk('IHDR', header), chunk('IDAT', data), chunk('IEND', new Uint8Array(0))]);
  }
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const [length, name, sum] = [Buffer.alloc(4), Buffer.from(type, 'latin1'), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(data, crc32(name)));
  return Buffer.concat([length, name, data, sum]);
}
