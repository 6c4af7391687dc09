import { writeFileSync } from 'node:fs';
import { expect } from 'chai';
import type { Pipeline, PipelineRun, RunOptions, Runtime } from '#src/actors/runtime/index.js';
import { v1 } from '#src/protocol/index.js';
import { errandRunner, Errands } from '../errand-runner.js';
import { rejection } from '../harness.js';
import flow, { type FarArgs } from './far-flow.js';
import { Hosting } from './hosting.js';
import { until } from './until.js';

for (const placement of ['thread', 'process'] as const) {
  describe(`what pipelines do anywhere, placement ${placement}`, function () {
    this.timeout(30_000);
    let hosting: Hosting;
    let runtime: Runtime;

    before(async () => {
      hosting = new Hosting(placement);
      runtime = await hosting.start({
        system: { partitions: 3 },
        kernelLimits: { stopTimeoutMs: 400 },
      });
    });

    beforeEach(() => writeFileSync(hosting.file('notes'), ''));

    after(() => hosting.stop());

    const run = (
      of: Pipeline<FarArgs>,
      args: Omit<FarArgs, 'notes'>,
      options: Omit<RunOptions<FarArgs>, 'args'> = {},
    ): Promise<PipelineRun> => hosting.run(runtime, of, args, options);

    it('is known to the segments manager of a partition elsewhere, which answers what it cannot do', async () => {
      const ran = await run(flow, { count: 1_000_000, sinkMs: 5 });
      await until(() => hosting.notes('start').length === 3);
      const [, ordinal = 0] = runtime.ordinals;
      const manager = await runtime.lookup(v1.SegmentsManager, `millrace/segments-manager/${ordinal}`);
      const { segments } = await manager.describe({});
      expect(segments).to.have.length(1);
      expect(String(await rejection(manager.activate({ id: 9_999 })))).to.include('Segment 9999 is not registered');
      await ran.stop();
      await until(() => runtime.metrics().segments.registered === 0);
    });

    it('serves and reads streams by name beside other runtimes', async () => {
      const other = await hosting.start({ node: 'other', controlPlane: runtime.controlPlane });
      await other.register('far', other.spawn(errandRunner()));
      const far = await runtime.lookup(Errands, 'far');
      const values: number[] = [];
      for await (const { value } of far.list({ value: 100 }, { windowItems: 7 })) values.push(value);
      expect(values).to.have.length(100);
      await other.stop();
      expect(await rejection(far.run({}))).to.be.instanceOf(Error);
      expect(runtime.ordinals).to.have.length(3);
    });
  });
}
