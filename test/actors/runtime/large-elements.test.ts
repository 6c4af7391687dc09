import { expect } from 'chai';
import { limits } from '#src/limits.js';
import { settled } from '../values/harness.js';
import { describePlacements } from './harness.js';
import frames from './pipelines/frames.js';

const MIB = 1024 * 1024;

describePlacements('large elements of pipelines', (newCluster) => {
  it('with borrowed fields are valid until the next one is asked for, and nothing is left of them', async () => {
    const cluster = newCluster();
    const runtime = await cluster.start();
    const other = await cluster.start();
    const run = await runtime.run(frames, { args: { count: cluster.many(10, 20), sizeBytes: MIB } });
    await run.done;
    await settled(runtime, other);
    const { violations } = runtime.metrics().values;
    expect(violations).to.equal(0);
  });

  it('may be larger than a message, as their fields travel beside it', async () => {
    const cluster = newCluster();
    const runtime = await cluster.start();
    const other = await cluster.start();
    const sizeBytes = limits.maxMessageBytes + MIB;
    const run = await runtime.run(frames, { args: { count: 1, sizeBytes } });
    await run.done;
    await settled(runtime, other);
  });
});
