import { expect } from 'chai';
import { drawPlan, parsePlan, simulate, type Workload } from '#src/simulation/index.js';
import actors from './workloads/actors.js';
import components from './workloads/components.js';
import contexts from './workloads/contexts.js';
import cuts from './workloads/cuts.js';
import descriptors from './workloads/descriptors.js';
import flights from './workloads/flights.js';
import flow from './workloads/flow.js';
import gateways from './workloads/gateways.js';
import group from './workloads/group.js';
import hostile from './workloads/hostile.js';
import membership from './workloads/membership.js';
import placement from './workloads/placement.js';
import overload from './workloads/overload.js';
import rejoin from './workloads/rejoin.js';
import steadyFlow from './workloads/steady-flow.js';
import streams from './workloads/streams.js';
import wiring from './workloads/wiring.js';

/** `npm run sim` runs more. A run of the others sends much. */
const SEEDS = 4;
const FEW = 2;

for (const workload of [
  actors,
  components,
  contexts,
  cuts,
  descriptors,
  flights,
  flow,
  gateways,
  group,
  membership,
  placement,
  rejoin,
  steadyFlow,
  streams,
  wiring,
  hostile,
  overload,
]) {
  const seeds = [components, contexts, gateways, hostile, membership, overload, steadyFlow].includes(workload)
    ? FEW
    : SEEDS;

  describe(`the workload ${workload.name}`, function () {
    this.timeout(120_000);

    it(`holds for seeds 1 to ${seeds}`, async () => {
      for (let seed = 1; seed <= seeds; seed++) {
        const { violations } = await simulate(workload, drawPlan(workload, seed));
        expect(violations, `seed ${seed}`).to.deep.equal([]);
      }
    });
  });
}

/** Plans that failed once, by what they found. */
const FOUND: readonly (readonly [Workload, string, string])[] = [
  [
    flow,
    'messages were lost whose large fields could not be fetched, because the mailboxes of their sender were out of bytes',
    '{"seed":85,"sizes":{"nodes":2,"stores":3,"senders":8,"parcels":148,"capacity":7,"mailboxKiB":16},"network":{"latencyMs":2,"jitterMs":0,"loss":0,"duplicate":0,"reorder":0,"linkDeadMs":1000},"faults":[]}',
  ],
  [
    descriptors,
    'an object was charged to a peer whose hello had not come yet, and its next holder waited for ever',
    '{"seed":130,"sizes":{"nodes":3,"publishers":1,"subscribers":5,"relays":2,"values":24,"largestBytes":4506},"network":{"latencyMs":1,"jitterMs":0,"loss":0.027,"duplicate":0,"reorder":0.037,"linkDeadMs":1000},"faults":[]}',
  ],
  [
    wiring,
    'a reader behind a link that could not be opened was taken for one that had ended',
    '{"seed":1937,"sizes":{"nodes":3,"partitions":2,"runs":3,"rows":1,"instances":3,"changes":0,"processes":2},"network":{"latencyMs":3,"jitterMs":9.2,"loss":0.112,"duplicate":0,"reorder":0,"linkDeadMs":1000},"faults":[]}',
  ],
  [
    wiring,
    'an instance was drained while its readers knew of no other yet, who took its end for the end of all',
    '{"seed":6561,"sizes":{"nodes":4,"partitions":2,"runs":3,"rows":6,"instances":1,"changes":5,"processes":3},"network":{"latencyMs":2,"jitterMs":0,"loss":0.071,"duplicate":0,"reorder":0,"linkDeadMs":1000},"faults":[]}',
  ],
];

describe('a workload, replayed', () => {
  for (const [workload, found, plan] of FOUND) {
    it(`does not find any more that ${found}: ${workload.name}`, async () => {
      expect((await simulate(workload, parsePlan(plan))).violations).to.deep.equal([]);
    });
  }
});
