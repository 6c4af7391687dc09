/**
 * A picture of a coast: tiles of its ground are raised, lit, and painted into one picture. Each tile is a message of about a megabyte.
 *
 *     raise (2 instances) --Ground--> light (2 instances) --View--> paint --> out/coast.png
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Output, pipeline, type SegmentContext } from 'millrace';
import { Ground, type GroundInit, View, type ViewInit } from '../gen/tiles.js';
import { GROUND_SIDE, raise, SIDE } from './ground.js';
import { light } from './light.js';
import { Picture } from './picture.js';

export interface Args {
  /** Tiles of the picture. */
  readonly columns: number;
  readonly rows: number;
  readonly seed: number;
  /** File of the picture. */
  readonly out: string;
}

const RAISING = 2;

export default pipeline(
  'tiles',
  import.meta.url,
  (p, args: Args) => {
    const ground = p.source('raise', Ground, { instances: RAISING }, (output, { instance }) =>
      raiseAll(args, output, instance),
    );
    const views = p.segment('light', ground, View, { instances: 2 }, lightAll);
    p.sink('paint', views, (input, context) => paint(args, input, context));
  },
  {
    onFailure: 'restart',
    args: {
      columns: { type: 'number', default: 8, help: `tiles from west to east, ${SIDE} pixels each` },
      rows: { type: 'number', default: 4, help: 'tiles from north to south' },
      seed: { type: 'number', default: 1, help: 'another number gives another coast' },
      out: { default: 'out/coast.png', help: 'file of the picture' },
    },
  },
);

/** Source: each instance raises its share of the tiles. A tile is written when `light` has room for it. */
async function raiseAll({ columns, rows, seed }: Args, output: Output<GroundInit>, instance: number): Promise<void> {
  for (let tile = instance; tile < columns * rows; tile += RAISING) {
    const [column, row] = [tile % columns, Math.floor(tile / columns)];
    const heights = new Float32Array(GROUND_SIDE * GROUND_SIDE);
    raise(heights, column, row, seed);
    await output.write({ column, row, heights: new Uint8Array(heights.buffer) });
  }
}

/** Segment: a tile of ground becomes a tile of the picture. */
async function lightAll(input: AsyncIterable<Ground>, output: Output<ViewInit>): Promise<void> {
  for await (const { column, row, heights } of input) {
    const pixels = new Uint8Array(SIDE * SIDE * 3);
    light(floatsOf(heights), pixels);
    await output.write({ column, row, pixels });
  }
}

/** Sink: writes the picture when all its tiles are there. */
async function paint({ columns, rows, out }: Args, input: AsyncIterable<View>, context: SegmentContext): Promise<void> {
  const picture = new Picture(columns, rows);
  for await (const view of input) picture.place(view);
  await context.outside(mkdir(dirname(out), { recursive: true }));
  await context.outside(picture.toPng().then((png) => writeFile(out, png)));
}

/** Floats need an address that is a multiple of four, and bytes of a message may begin anywhere. */
function floatsOf(bytes: Uint8Array): Float32Array {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  return new Float32Array(aligned.buffer, aligned.byteOffset, aligned.length / 4);
}
