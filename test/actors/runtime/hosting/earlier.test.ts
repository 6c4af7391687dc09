import { writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { ConfigError, PipelineError, StoppedError } from '#src/errors.js';
import { type Pipeline, pipeline, type PipelineRun, type RunOptions, type Runtime } from '#src/actors/runtime/index.js';
import { v1 } from '#src/protocol/index.js';
import { errandRunner, Errands } from '../errand-runner.js';
import { idsBelow, rejection, sorted } from '../harness.js';
import { Row } from '../row.js';
import flow, { type FarArgs } from './far-flow.js';
import restarting from './far-flow-restart.js';
import { Hosting, until } from './hosting.js';

const WINDOW = 16;

/** What a reader that has taken `read` elements of one writer has granted it in all: steps of a quarter of the window. */
const granted = (read: number): number => WINDOW + (WINDOW >> 2) * Math.floor(read / (WINDOW >> 2));

// What the tests of pipelines hold on virtual time, where partitions are here, on threads and in processes, in real time.
for (const placement of ['thread', 'process'] as const) {
  describe(`what pipelines do anywhere, placement ${placement}`, function () {
    this.timeout(30_000);
    let hosting: Hosting;
    let runtime: Runtime;

    before(async () => {
      hosting = new Hosting(placement);
      runtime = await hosting.start({
        system: { partitions: 3 },
        streamWindow: { items: WINDOW },
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
    const sunk = (): number[] => sorted(hosting.ids('sunk'));

    it('ends at once when its source has nothing to say', async () => {
      await (await run(flow, { count: 0, stages: 3, sinks: 2 })).done;
      expect(sunk()).to.deep.equal([]);
      expect(new Set(hosting.notes('start').map(({ partition }) => partition)).size).to.equal(3);
    });

    it('divides rows in turn, and tells how far it is', async () => {
      const ran = await run(flow, { count: 30, stages: 3 });
      await ran.done;
      const by = [0, 1, 2].map((stage) => hosting.notes('staged').filter(({ instance }) => instance === stage).length);
      expect(by).to.deep.equal([10, 10, 10]);
      const progress = new Map(ran.progress().map((each) => [each.segment, each]));
      expect(progress.get('source')).to.include({ instances: 1, written: 30, done: 1 });
      expect(progress.get('stage')).to.include({ instances: 3, read: 30, written: 30, done: 3 });
      expect(progress.get('sink')).to.include({ instances: 1, read: 30, done: 1 });
    });

    it('ends well when its reader ends early', async () => {
      await (await run(flow, { count: 1_000_000, sinkStopsAfter: 3 })).done;
      expect(hosting.ids('sunk')).to.deep.equal([0, 1, 2]);
    });

    it('stops when it has hardly begun', async () => {
      for (const ms of [0, 1, 2, 4, 8, 16]) {
        const ran = await run(flow, { count: 1_000_000, stages: 2 });
        await new Promise((resolve) => void setTimeout(resolve, ms));
        await ran.stop();
        expect(await rejection(ran.done), `after ${ms} ms`).to.be.instanceOf(StoppedError);
      }
    });

    it('gives up code that does not settle after stopTimeoutMs', async () => {
      const ran = await run(flow, { count: 10, sinkHolds: 'for ever' });
      await until(() => sunk().length === 1);
      const before = performance.now();
      await ran.stop();
      expect(performance.now() - before).to.be.greaterThan(390);
      await until(() => hosting.log.some(({ message }) => message.includes('was given up')));
      expect(await rejection(ran.done)).to.be.instanceOf(StoppedError);
    });

    for (const [stages, sinks] of [
      [1, 1],
      [3, 2],
    ] as const) {
      it(`accepts writes up to the sum of the limits where ${sinks} sinks behind ${stages} stages are held`, async () => {
        const ran = await run(flow, { count: 100_000, stages, sinks, sinkHolds: 'until it is aborted' });
        const counts = (): number => hosting.allNotes().length;
        await until(() => sunk().length === sinks);
        let last = -1;
        for (let looks = 0; looks < 20; looks = counts() === last ? looks + 1 : 0) {
          last = counts();
          await new Promise((resolve) => void setTimeout(resolve, 10));
        }
        // Each sink has taken one row, of one of its writers; each stage holds one that it cannot hand on.
        const staged = idsBelow(stages).map(
          (stage) => hosting.notes('staged').filter(({ instance }) => instance === stage).length,
        );
        expect(staged.reduce((sum, count) => sum + count)).to.equal(
          sinks * (granted(1) + (stages - 1) * WINDOW) + stages,
        );
        const accepted = staged.reduce((sum, read) => sum + granted(read), 0);
        expect(hosting.ids('written')).to.have.length(accepted);
        await ran.stop();
      });
    }

    it('fails in the end when starting anew does not help, and stops while it starts anew', async () => {
      const failing = await run(restarting, { count: 3, deed: 'throw', at: 1 });
      const error = await rejection(failing.done);
      expect(error).to.be.instanceOf(PipelineError);
      expect(String(error)).to.match(/segment "stage" \(instance 0\) in partition \d+ failed: the stage threw/);
      expect(failing.restarts).to.equal(5);
      expect(hosting.notes('start').filter(({ segment }) => segment === 'source')).to.have.length(6);
      const stopped = await run(restarting, { count: 3, deed: 'throw', at: 1, stageMs: 300 });
      await until(() => stopped.restarts > 0);
      await stopped.stop();
      expect(await rejection(stopped.done)).to.be.instanceOf(StoppedError);
    });

    it('takes instances in and out while rows flow: nothing is lost, nothing comes twice', async () => {
      const ran = await run(flow, { count: 800, stages: 2, stageMs: 1 });
      await until(() => sunk().length > 50);
      const added = await ran.addInstance('stage');
      const stages = (): number => new Set(hosting.notes('staged').map(({ instance }) => instance)).size;
      await until(() => stages() === 3);
      const [first] = ran.instances('stage');
      if (first === undefined) throw new Error('no instance is known');
      await ran.drainInstance(first);
      await until(() => !ran.instances('stage').includes(first));
      await ran.addInstance('stage');
      await ran.drainInstance(added);
      await ran.done;
      expect(sunk()).to.deep.equal(idsBelow(800));
      expect(stages()).to.equal(4);
    });

    it('takes an instance in at any moment of the end', async () => {
      for (let ms = 0; ms < 40; ms += 5) {
        writeFileSync(hosting.file('notes'), '');
        const ran = await run(flow, { count: 20, stageMs: 1 });
        await until(() => hosting.notes('written').length === 20);
        await new Promise((resolve) => void setTimeout(resolve, ms));
        // It is refused once the segment has begun to end.
        await ran.addInstance('stage').catch(() => 0);
        await ran.done;
        expect(sunk(), `after ${ms} ms`).to.deep.equal(idsBelow(20));
      }
    });

    it('is refused before anything starts when others cannot build it', async () => {
      const folder = new URL('../pipelines/', import.meta.url);
      for (const [url, message] of [
        [new URL('missing.js', folder).href, /missing.js cannot be loaded/],
        [new URL('bad/no-pipeline.js', folder).href, /no pipeline as its default export/],
        [new URL('./far-flow.js', import.meta.url).href, /is built differently here|there is no/],
      ] as const) {
        const bad = pipeline('travels', url, (builder) => {
          builder.sink(
            'sink',
            builder.source('source', Row, () => {}),
            async (input) => {
              for await (const _row of input);
            },
          );
        });
        const error = await rejection(runtime.run(bad));
        expect(error, url).to.be.instanceOf(ConfigError);
        expect(String(error)).to.match(message);
      }
    });

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
