import { expect } from 'chai';
import { componentNetwork } from '#src/actors/component/index.js';
import type { Cluster } from '../runtime/harness.js';
import { Listing } from '../transport/errands.js';
import { till } from './till.js';
import { till as next } from './till-next.js';

/**
 * Replaces the containers of a component again and again, while callers ask without a pause. Every request adds 0 or 1 to a sum that the versions pass on: so a request that is
 * lost or handled twice shows in the sum.
 */
export async function deployUnderLoad(cluster: Cluster, deployments: number): Promise<void> {
  const runtime = await cluster.start(cluster.isVirtual ? {} : { system: { partitions: 3 } });
  await using network = componentNetwork(runtime);
  const served = await network.serve(till);
  const client = await network.client(Listing);
  const versions = new Set<number | undefined>();
  const end = new AbortController();
  let [answered, added] = [0, 0];
  const callers = Array.from({ length: 8 }, async (_, index) => {
    while (!end.signal.aborted) {
      // The state is one byte.
      const value = index === 0 && added < 250 ? 1 : 0;
      added += value;
      const { load } = await client.run({ value }, { timeoutMs: 20_000 });
      versions.add(load[0]);
      answered++;
    }
  });
  for (let count = 0; count < deployments; count++) {
    const before = answered;
    await served.replace(count % 2 === 0 ? next : till);
    expect(served.load()).to.include({ containers: 1 });
    while (answered < before + 8) await cluster.pass(1);
  }
  end.abort();
  await Promise.all(callers);
  expect((await client.run({ value: 0 })).value).to.equal(added);
  expect([...versions]).to.have.members([1, 2]);
}
