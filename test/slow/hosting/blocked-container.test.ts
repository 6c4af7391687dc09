import { expect } from 'chai';
import { componentNetwork } from '#src/actors/component/index.js';
import { govern } from '#src/actors/governor/index.js';
import { AskTimeoutError } from '#src/errors.js';
import { clerk, SPIN } from '../../actors/component/clerk.js';
import { type Cluster, describeHosted } from '../../actors/runtime/harness.js';
import { Listing } from '../../actors/transport/errands.js';
import { rejection } from '../../support/rejection.js';
import { eventually } from '../../support/until.js';

describeHosted({ title: 'a container that blocks its thread or process for ever', everywhere: true }, (newCluster) => {
  let cluster: Cluster | undefined;
  after(() => cluster?.close());

  it('is ended with its partition and replaced, while the others answer', async () => {
    cluster = newCluster();
    cluster.isShared = true;
    const runtime = await cluster.start({ system: { partitions: 3 }, kernelLimits: { stopTimeoutMs: 200 } });
    await using network = componentNetwork(runtime);
    using governor = govern(network, { limit: 2 });
    await network.serve(clerk, { containers: { min: 2, max: 2 }, wedgedMs: 200 });
    const client = await network.client(Listing);
    const before = runtime.ordinals;
    expect(await rejection(client.run({ value: SPIN }, { timeoutMs: 100 }))).to.be.instanceOf(AskTimeoutError);
    for (let count = 0; count < 5; count++) await client.run({ value: 1 });
    await eventually(async () => (await network.loads(Listing))[0]?.idle === 2);
    const replies = await Promise.all([1, 2].map(() => client.run({ value: 100 })));
    expect(new Set(replies.map(({ load }) => Buffer.from(load).toString()))).to.have.property('size', 2);
    expect(governor.explain()[0]).to.include({ containers: 2 });
    await eventually(() => runtime.ordinals.length === 3 && before.some((each) => !runtime.ordinals.includes(each)));
  });
});
