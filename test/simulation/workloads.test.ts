import { expect } from 'chai';
import { drawPlan, simulate } from '#src/simulation/index.js';
import actors from './workloads/actors.js';
import flights from './workloads/flights.js';
import streams from './workloads/streams.js';
import wiring from './workloads/wiring.js';

/** `npm run sim` runs more. */
const SEEDS = 15;

for (const workload of [actors, flights, streams, wiring]) {
  describe(`the workload ${workload.name}`, function () {
    this.timeout(30_000);

    it(`holds for seeds 1 to ${SEEDS}`, async () => {
      for (let seed = 1; seed <= SEEDS; seed++) {
        const { violations } = await simulate(workload, drawPlan(workload, seed));
        expect(violations, `seed ${seed}`).to.deep.equal([]);
      }
    });
  });
}
