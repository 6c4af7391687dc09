/** Runs the tiles example in every placement, and compares its picture with one that is made without Millrace. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { importPipeline } from '#src/actors/runtime/index.js';
import { upTo } from '../support/numbers.js';
import { describePlacements } from '../actors/runtime/harness.js';

const DIST = pathToFileURL(resolve('examples/tiles/dist/')).href;
const [COLUMNS, ROWS, SEED] = [3, 2, 5];

/** What the example exports, as this test uses it. */
interface GroundModule {
  readonly SIDE: number;
  readonly GROUND_SIDE: number;
  readonly raise: (heights: Float32Array, column: number, row: number, seed: number) => void;
}
interface LightModule {
  readonly light: (heights: Float32Array, pixels: Uint8Array) => void;
}
interface PictureModule {
  readonly Picture: new (
    columns: number,
    rows: number,
  ) => {
    place(view: { readonly column: number; readonly row: number; readonly pixels: Uint8Array }): void;
    toPng(): Promise<Uint8Array>;
  };
}

/** The picture, one tile after the other. */
async function expectedPng(): Promise<Uint8Array> {
  const { SIDE, GROUND_SIDE, raise } = (await import(`${DIST}/ground.js`)) as GroundModule;
  const { light } = (await import(`${DIST}/light.js`)) as LightModule;
  const { Picture } = (await import(`${DIST}/picture.js`)) as PictureModule;
  const picture = new Picture(COLUMNS, ROWS);
  for (const tile of upTo(COLUMNS * ROWS)) {
    const [column, row] = [tile % COLUMNS, Math.floor(tile / COLUMNS)];
    const [heights, pixels] = [new Float32Array(GROUND_SIDE ** 2), new Uint8Array(3 * SIDE ** 2)];
    raise(heights, column, row, SEED);
    light(heights, pixels);
    picture.place({ column, row, pixels });
  }
  return picture.toPng();
}

let expected: Promise<Uint8Array> | undefined;

describePlacements('the tiles example', (newCluster) => {
  it('paints the picture that one loop paints, to the byte', async function () {
    this.timeout(180_000);
    const folder = mkdtempSync(join(tmpdir(), 'millrace-tiles-'));
    try {
      const cluster = newCluster();
      const runtime = await cluster.start(cluster.isVirtual ? {} : { system: { partitions: 3 } });
      const tiles = await importPipeline(`${DIST}/tiles.js`, cluster.executor.scheduler);
      const out = join(folder, 'new', 'coast.png');
      const run = await runtime.run(tiles, { args: { columns: COLUMNS, rows: ROWS, seed: SEED, out } });
      await run.done;
      const painted = readFileSync(out);
      expect(painted.subarray(1, 4).toString('latin1')).to.equal('PNG');
      expect(painted.equals(await (expected ??= expectedPng()))).to.equal(true);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
