import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import fc from 'fast-check';
import { folderOfTests, parsed, plainResult, type Row, rowsFrom, runFlights, SAMPLE } from './flights.js';

const ROWS = rowsFrom(1, 3_000);

describe('the flights example', function () {
  this.timeout(120_000);
  const folder = folderOfTests();
  const input = folder.input(JSON.stringify(ROWS));
  const expected = plainResult(ROWS);
  after(() => folder.remove());

  it('finds in the 200,000 flights what a plain computation finds', async () => {
    const rows = JSON.parse(readFileSync(SAMPLE, 'utf8')) as Row[];
    expect(rows).to.have.length(200_000);
    expect(parsed(await runFlights(SAMPLE, folder.path, { partitions: 2 }))).to.deep.equal(plainResult(rows));
  });

  for (const tally of [1, 3, 8]) {
    it(`finds the same with ${tally} instances`, async () => {
      const ran = await runFlights(input, folder.path, { instances: { tally }, partitions: 2 });
      expect(parsed(ran)).to.deep.equal(expected);
    });
  }

  for (const partitions of [1, 4]) {
    it(`finds the same on ${partitions} partitions, with several instances of each segment between`, async () => {
      const ran = await runFlights(input, folder.path, { partitions, instances: { parse: 3 } });
      expect(parsed(ran)).to.deep.equal(expected);
    });
  }

  for (const [placement, ucx] of [
    ['thread', 'off'],
    ['process', 'auto'],
  ] as const) {
    it(`finds the same on partitions of placement ${placement}, with UCX ${ucx}`, async () => {
      const far = { partitions: 3, placement, net: { ucx, socketFolder: folder.path } };
      const ran = await runFlights(input, folder.path, { ...far, instances: { parse: 2, tally: 3 } });
      expect(parsed(ran)).to.deep.equal(expected);
    });
  }

  for (const nodes of [1, 2, 3]) {
    for (const seed of [1, 2]) {
      it(`finds the same on ${nodes} virtual nodes with seed ${seed}`, async () => {
        const ran = await runFlights(input, folder.path, { nodes, seed, latencyMs: 1, partitions: (seed % 2) + 1 });
        expect(parsed(ran)).to.deep.equal(expected);
      });
    }
  }

  it('finds the same, bit for bit, in whatever order fractions of minutes are added', async () => {
    const rows = ROWS.slice(0, 500).map((row, index) => ({
      ...row,
      delay: row.delay / 7 + (index % 50 === 0 ? 1e17 : 0),
    }));
    const results = await Promise.all(
      [rows, rows.toReversed()].flatMap((ordered) => {
        const file = folder.input(JSON.stringify(ordered));
        return [1, 4].map(async (tally) => (await runFlights(file, folder.path, { instances: { tally } })).json);
      }),
    );
    expect(new Set(results).size).to.equal(1);
  });

  it('rounds the exact sum once, however the delays cancel or overflow', async () => {
    const delay = fc.double({ noNaN: true, noDefaultInfinity: true });
    await fc.assert(
      fc.asyncProperty(fc.array(delay, { minLength: 1, maxLength: 12 }), async (delays) => {
        const file = folder.input(JSON.stringify(delays.map((each) => ({ delay: each, distance: 1, time: 1 }))));
        const result = parsed(await runFlights(file, folder.path));
        expect(result)
          .to.have.nested.property('byHour[0].meanDelayMinutes')
          .closeTo(...exactMean(delays));
      }),
      { numRuns: 15 },
    );
  });
});

/** The mean, by whole numbers of any size, and how far from it another may be: two roundings. */
function exactMean(delays: readonly number[]): [number, number] {
  const scaled = delays.reduce((sum, delay) => sum + scaledUp(delay), 0n);
  const mean = scaledDown(scaled / BigInt(delays.length));
  return [mean, Math.abs(mean) * 2 ** -51 + Number.MIN_VALUE * 2 ** 70];
}

/** In units of 2^-1074, the smallest there is. */
function scaledUp(value: number): bigint {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, Math.abs(value));
  const bits = view.getBigUint64(0);
  const exponent = bits >> 52n;
  const fraction = bits & ((1n << 52n) - 1n);
  const magnitude = exponent === 0n ? fraction : (fraction | (1n << 52n)) << (exponent - 1n);
  return value < 0 ? -magnitude : magnitude;
}

function scaledDown(value: bigint): number {
  const digits = (value < 0n ? -value : value).toString(2);
  const kept = digits.slice(0, 64);
  const exponent = digits.length - kept.length - 1_074;
  // In two steps: 2 to this power alone may be too small for a number.
  const half = Math.trunc(exponent / 2);
  const magnitude = Number(BigInt(`0b${kept}`)) * 2 ** half * 2 ** (exponent - half);
  return value < 0n ? -magnitude : magnitude;
}
