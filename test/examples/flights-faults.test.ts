import { expect } from 'chai';
import { folderOfTests, parsed, plainResult, rowsFrom, runFlights } from './flights.js';

const ROWS = rowsFrom(11, 6_000);
const SEEDS = [1, 2];

describe('the flights example on a network with faults', function () {
  this.timeout(120_000);
  const folder = folderOfTests();
  const input = folder.input(JSON.stringify(ROWS));
  const expected = plainResult(ROWS);
  after(() => folder.remove());

  for (const seed of SEEDS) {
    it(`finds the same when frames are lost and doubled, with seed ${seed}`, async () => {
      const ran = await runFlights(input, folder.path, { nodes: 3, seed, latencyMs: 1, loss: 0.05, duplicate: 0.05 });
      expect(parsed(ran)).to.deep.equal(expected);
    });

    for (const node of [1, 2]) {
      for (const atMs of [0, 6, 12]) {
        it(`finds the same when node ${node} crashes after ${atMs} ms, with seed ${seed}`, async () => {
          const crash = { node, atMs };
          const ran = await runFlights(input, folder.path, { nodes: 3, seed, latencyMs: 1, loss: 0.01, crash });
          expect(parsed(ran)).to.deep.equal(expected);
        });
      }
    }

    it(`fails, names what ended, and leaves no result when the control plane crashes, with seed ${seed}`, async () => {
      const ran = await runFlights(input, folder.path, { nodes: 3, seed, latencyMs: 1, crash: { node: 0, atMs: 6 } });
      expect(ran.error?.message).to.include('node-0');
      expect(ran.json).to.equal(undefined);
    });
  }

  it('was started anew by at least one of those crashes', async () => {
    const ran = await runFlights(input, folder.path, { nodes: 3, seed: 1, latencyMs: 1, crash: { node: 1, atMs: 6 } });
    expect(ran.restarts).to.equal(1);
  });
});
