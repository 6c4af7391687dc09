import { expect } from 'chai';
import { StoppedError } from '#src/errors.js';
import type { PipelineRun, Runtime } from '#src/actors/runtime/index.js';
import { upTo } from '../../support/numbers.js';
import { rejection } from '../../support/rejection.js';
import { eventually } from '../../support/until.js';
import flow, { type Deed } from '../../actors/runtime/hosting/far-flow.js';
import { describeHosting, type Hosting } from '../../actors/runtime/hosting/hosting.js';
import { childrenOf } from '../../actors/runtime/hosting/processes.js';

const stopTimeoutMs = 500;

/** Has a stage block the event loop of the second partition, for good. */
async function hung(hosting: Hosting, runtime: Runtime, deed: Deed = 'hang'): Promise<PipelineRun> {
  const [, ordinal = 0] = runtime.ordinals;
  const staged = hosting.notes('staged').length;
  const run = await hosting.run(runtime, flow, { count: 1_000, deed, at: 5 }, { partitions: { stage: [ordinal] } });
  run.done.catch(() => {});
  await eventually(() => hosting.notes('staged').length === staged + 5);
  return run;
}

const problemOf = (runtime: Runtime, word: string): boolean =>
  runtime.health().problems.some((problem) => problem.startsWith(`Partition 1 of this process is ${word}`));

describeHosting(
  'a hosted partition whose event loop is blocked',
  (hosting) => {
    it('is busy, then wedged, and takes no further pipeline', async () => {
      const runtime = await hosting().start({ kernelLimits: { stopTimeoutMs } });
      const [, ordinal] = runtime.ordinals;
      const state = () => runtime.health().partitions.find((each) => each.ordinal === ordinal)?.state;
      expect(state()).to.equal('responsive');
      await hung(hosting(), runtime);
      await eventually(() => problemOf(runtime, 'busy'));
      expect(state()).to.equal('busy');
      expect(runtime.health()).to.include({ isReady: false, isAlive: true });
      await eventually(() => problemOf(runtime, 'wedged'));
      expect(state()).to.equal('wedged');
      await (await hosting().run(runtime, flow, { count: 20 })).done;
      expect(hosting().ids('sunk').slice(-20)).to.deep.equal(upTo(20));
      expect(runtime.health()).to.include({ isReady: false, isAlive: true });
    });

    for (const deed of ['hang', 'hang asleep'] as const) {
      it(`is ended when its pipeline is stopped, says what was given up, and begins anew (${deed})`, async () => {
        const runtime = await hosting().start({ kernelLimits: { stopTimeoutMs } });
        const [, partition = 0] = runtime.ordinals;
        const run = await hung(hosting(), runtime, deed);
        const startedAt = performance.now();
        const { givenUp } = await run.stop();
        expect(performance.now() - startedAt).to.be.lessThan(stopTimeoutMs + 7_000);
        expect(givenUp).to.deep.include({ segment: 'stage', instance: 0, partition });
        expect(await rejection(run.done)).to.be.instanceOf(StoppedError);
        expect(await run.stop()).to.deep.equal({ givenUp });
        await (await hosting().run(runtime, flow, { count: 20 })).done;
        await eventually(() => runtime.health().isReady);
        expect(runtime.ordinals).to.have.length(2).and.not.include(partition);
        await runtime.stop();
        expect(childrenOf(process.pid)).to.deep.equal([]);
      });
    }

    it('that answers again is left alone', async () => {
      const runtime = await hosting().start({ kernelLimits: { stopTimeoutMs: 10_000 } });
      const [, partition] = runtime.ordinals;
      const run = await hung(hosting(), runtime, 'compute');
      await eventually(() => problemOf(runtime, 'busy'));
      expect(await run.stop()).to.deep.equal({ givenUp: [] });
      await eventually(() => runtime.health().isReady);
      expect(runtime.ordinals).to.include(partition);
    });
  },
  { linkDeadMs: 3_000, everywhere: true },
);
