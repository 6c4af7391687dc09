import { expect } from 'chai';
import { componentNetwork } from '#src/actors/component/index.js';
import { govern, utilisation } from '#src/actors/governor/index.js';
import { adder } from '../../actors/component/adder.js';
import { closeAfterEach, describeHosted, until } from '../../actors/runtime/harness.js';
import { Listing } from '../../actors/transport/errands.js';

const COMPUTES = Uint8Array.of(1);

/** Requests that wait leave the event loop idle, however many there are; those that compute do not. */
describeHosted(
  { title: 'the strategy utilisation, with the event loops of partitions', everywhere: true },
  (newCluster) => {
    closeAfterEach();

    it('adds containers for requests that compute, and none for those that wait', async () => {
      const cluster = newCluster();
      const runtime = await cluster.start({ system: { partitions: 3 } });
      await using network = componentNetwork(runtime);
      using _governor = govern(network, { limit: 4, strategy: utilisation({ windowMs: 1_000 }) });
      const served = await network.serve(adder, { containers: { min: 1, max: 4 } });
      const client = await network.client(Listing);
      // Its container has a request all the time, for seconds.
      await Promise.all(Array.from({ length: 200 }, () => client.run({ value: 20 }, { timeoutMs: 20_000 })));
      expect(served.containers).to.equal(1);
      const grown = new AbortController();
      const computing = [1, 2].map(async () => {
        while (!grown.signal.aborted) await client.run({ value: 20, load: COMPUTES });
      });
      await until(() => served.containers > 1);
      grown.abort();
      await Promise.all(computing);
    });
  },
);
