import { expect } from 'chai';
import { PipelineError } from '#src/errors.js';
import { rejection } from '../../support/rejection.js';
import { settled } from '../values/harness.js';
import { describePlacements } from './harness.js';
import objects from './pipelines/objects.js';
import refused from './pipelines/refused-values.js';
import values from './pipelines/values.js';

const KIB = 1024;

describePlacements('values of pipelines', (newCluster) => {
  it('arrive as they were, whatever their size, and nothing is left of them', async () => {
    const cluster = newCluster();
    const runtime = await cluster.start();
    const other = await cluster.start();
    const run = await runtime.run(values, { args: { count: 20, sizeBytes: 300 * KIB } });
    await run.done;
    await settled(runtime, other);
    expect(runtime.metrics().values.violations).to.equal(0);
  });

  it('are handed over as they are within a partition, without a copy', async () => {
    const runtime = await newCluster().start();
    const run = await runtime.run(objects, { args: { count: 20 } });
    await run.done;
    expect(runtime.metrics().values).to.include({ bytesCopied: 0, blocks: 0, owned: 0, held: 0 });
  });

  it('fail the run with what their codable throws', async () => {
    const runtime = await newCluster().start();
    const run = await runtime.run(refused);
    const error = await rejection(run.done);
    expect(error).to.be.instanceOf(PipelineError);
    expect(String(error)).to.include('This is no value.');
  });
});
