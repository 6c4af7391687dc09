import { writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { Registry } from 'prom-client';
import { AskTimeoutError, PipelineError, UnreachableError } from '#src/errors.js';
import type { Runtime } from '#src/actors/runtime/index.js';
import { collectMetrics } from '#src/prometheus/index.js';
import { v1 } from '#src/protocol/index.js';
import { sorted, upTo } from '../../../support/numbers.js';
import { rejection } from '../../../support/rejection.js';
import { eventually } from '../../../support/until.js';
import flow from './far-flow.js';
import { hookNotes, hooks } from './hooks.js';
import { describeHosting, type Hosting } from './hosting.js';
import { childrenOf } from './processes.js';

const NOTHING = {
  messages: 0,
  handlers: 0,
  asks: 0,
  streams: 0,
  pipelines: 0,
  segments: 0,
  placing: 0,
  unsentBytes: 0,
};

/** Has the second partition end by itself, by a stage that runs there. */
async function fell(hosting: Hosting, runtime: Runtime): Promise<void> {
  writeFileSync(hosting.file('once'), '');
  const run = await hosting.run(runtime, flow, { count: 5, deed: 'exit', at: 2, once: hosting.file('once') });
  expect(await rejection(run.done)).to.be.instanceOf(PipelineError);
}

describeHosting('a hosted partition', (hosting) => {
  it('is in what the runtime says of itself, and has its names', async () => {
    const runtime = await hosting().start();
    await (await hosting().run(runtime, flow, { count: 100, stages: 2 })).done;
    const { partitions = [] } = runtime.describe();
    expect(partitions.map(({ ordinal }) => ordinal)).to.deep.equal(runtime.ordinals);
    expect(new Set(partitions.map(({ address }) => address)).size).to.equal(2);
    for (const { thread, actors } of partitions.slice(1)) {
      expect(thread).to.be.greaterThan(0);
      expect(actors).to.be.greaterThan(2);
    }
    const read = (): number[] => runtime.metrics().partitions.map(({ segments }) => segments.read);
    await eventually(() => read().reduce((sum, each) => sum + each) === 200);
    expect(read().filter((count) => count > 0)).to.have.length(2);
    const { links } = runtime.metrics().partitions[1] ?? {};
    expect(links?.envelopesReceived).to.be.greaterThan(0);
    const health = runtime.health();
    expect(health).to.include({ isReady: true, isAlive: true });
    expect(health.partitions.map(({ ordinal }) => ordinal)).to.deep.equal(runtime.ordinals);
    for (const ordinal of runtime.ordinals) {
      const carriers = health.links.filter(({ partition }) => partition === ordinal);
      expect(carriers.length).to.be.greaterThan(0);
      const partition = await runtime.lookup(v1.PartitionRuntime, `millrace/partition/${ordinal}`);
      expect(await partition.describe({})).to.deep.include({ ordinal });
      await runtime.lookup(v1.SegmentsManager, `millrace/segments-manager/${ordinal}`);
    }
    const register = new Registry();
    collectMetrics(runtime, register);
    const exposition = await register.metrics();
    for (const index of runtime.ordinals.keys()) expect(exposition).to.include(`partition="${index}"`);
  });

  it('that has ended is missed by health, gives its names back, and begins anew under others', async () => {
    const runtime = await hosting().start();
    const [, before = 0] = runtime.ordinals;
    await fell(hosting(), runtime);
    await eventually(() => runtime.health().problems.includes('Partition 1 of this process is gone, and begins anew.'));
    expect(runtime.health()).to.include({ isReady: false, isAlive: true });
    await eventually(() => runtime.ordinals.length === 2);
    const [, after = 0] = runtime.ordinals;
    expect(after).to.be.greaterThan(before);
    expect(runtime.health()).to.deep.include({ isReady: true, problems: [] });
    for (const service of [v1.PartitionRuntime, v1.SegmentsManager]) {
      const kind = service === v1.PartitionRuntime ? 'partition' : 'segments-manager';
      const gone = runtime.lookup(service, `millrace/${kind}/${before}`, { timeoutMs: 50 });
      expect(await rejection(gone)).to.be.instanceOf(AskTimeoutError);
      await runtime.lookup(service, `millrace/${kind}/${after}`, { timeoutMs: 30_000 });
    }
    const ended = hosting().log.find(({ message }) => message === 'a partition has ended by itself');
    expect(ended).to.deep.include({ level: 'error' });
    expect(ended?.fields).to.include({ partition: 1, cause: 'it ended with exit code 3' });
  });

  for (const [deed, cause] of [
    ['throws later', 'it threw RangeError: a cannot initialize'],
    ['exits later', 'it ended with exit code 9'],
  ] as const) {
    it(`whose initializer ${deed} is given up in the end, and the rest goes on`, async () => {
      const initializers = [hooks(hosting().file('hooks'), { deed })];
      const runtime = await hosting().start({ initializers, kernelLimits: { restarts: 1 } });
      const failures: string[] = [];
      runtime.failures.subscribe(({ path, error }) => failures.push(`${path} ${error.message}`));
      await fell(hosting(), runtime);
      await eventually(() => failures.length > 0);
      expect(failures).to.have.length(1);
      expect(failures[0]).to.match(/partition-host-1 Partition 1 \((?:thread|process) \d+\) is gone: /);
      expect(failures[0]).to.include(cause);
      expect(runtime.ordinals).to.have.length(1);
      expect(runtime.health()).to.deep.include({
        isReady: false,
        isAlive: false,
        problems: ['Partition 1 of this process is gone for good: it has failed too often.'],
      });
      writeFileSync(hosting().file('notes'), '');
      await (await hosting().run(runtime, flow, { count: 20 })).done;
      expect(hosting().ids('sunk')).to.deep.equal(upTo(20));
      expect(hookNotes(hosting().file('hooks')).map(({ what }) => what)).to.deep.equal(
        Array.from({ length: 2 }, () => 'initialize'),
      );
    });
  }

  it('that cannot come up fails the start with the cause, and leaves nothing', async () => {
    const nowhere = new URL('./nowhere.js', import.meta.url).href;
    const without = new URL('../row.js', import.meta.url).href;
    for (const [partitions, initializer, cause] of [
      [3, hooks(hosting().file('hooks'), { deed: 'throws' }), 'it threw RangeError: a cannot initialize'],
      [2, nowhere, `it threw ConfigError: The initializer ${nowhere} cannot be loaded: Cannot find module`],
      [2, without, `it threw ConfigError: The initializer ${without} exports neither a function initialize nor`],
    ] as const) {
      const error = await rejection(hosting().start({ system: { partitions }, initializers: [initializer] }));
      expect(error, initializer).to.be.instanceOf(UnreachableError);
      expect(String(error)).to.match(/Partition [12] \((?:thread|process) \d+\) is gone: /);
      expect(String(error)).to.include(cause);
      expect(hosting().executor.runtimes).to.have.length(0);
      expect(childrenOf(process.pid)).to.deep.equal([]);
    }
  });

  it('runs initializers in order before it, and finalizers in the reverse order after it', async () => {
    const file = hosting().file('hooks');
    const initializers = ['a', 'b', 'c'].map((name) => hooks(file, { name }));
    const runtime = await hosting().start({ initializers });
    expect(hookNotes(file)).to.have.length(3);
    await runtime.stop();
    const own = hookNotes(file).filter((note) => note.index === 1);
    expect(own.map(({ what, name }) => `${what} ${name}`)).to.deep.equal([
      'initialize a',
      'initialize b',
      'initialize c',
      'finalize c',
      'finalize b',
      'finalize a',
    ]);
    expect(new Set(own.map(({ pid, thread }) => `${pid} ${thread}`)).size).to.equal(1);
    expect(hookNotes(file).some(({ index }) => index === 0)).to.equal(false);
  });

  it('undoes the initializers before one that throws, and says which finalizer threw', async () => {
    const file = hosting().file('hooks');
    const failing = [hooks(file, { name: 'a' }), hooks(file, { name: 'b', deed: 'throws' })];
    await rejection(hosting().start({ initializers: failing }));
    expect(hookNotes(file).map(({ what, name }) => `${what} ${name}`)).to.deep.equal([
      'initialize a',
      'initialize b',
      'finalize a',
    ]);
    const runtime = await hosting().start({ initializers: [hooks(file, { name: 'a', deed: 'throws at the end' })] });
    await runtime.stop();
    const said = hosting().log.find(({ message }) => message === 'a partition did not stop in order');
    expect(said?.fields).to.include({ partition: 1, cause: 'it threw RangeError: a cannot finalize' });
  });

  it('drains: pipelines end, and what had not by the deadline is told', async () => {
    const runtime = await hosting().start();
    const run = await hosting().run(runtime, flow, { count: 300, stages: 2, sinkMs: 1 });
    await eventually(() => hosting().notes('sunk').length > 0);
    const report = await runtime.stop({ drainTimeoutMs: 60_000 });
    await run.done;
    expect(report).to.deep.include({ isDrained: true, cutOff: NOTHING });
    expect(sorted(hosting().ids('sunk'))).to.deep.equal(upTo(300));

    const second = await hosting().start();
    const endless = await hosting().run(second, flow, { count: 1_000_000, sinkMs: 5 });
    await eventually(() => hosting().notes('start').length === 7);
    const cut = await second.stop({ drainTimeoutMs: 500 });
    expect(cut.isDrained).to.equal(false);
    expect(cut.cutOff).to.include({ pipelines: 1 });
    expect(cut.cutOff.segments).to.be.within(1, 3);
    expect(await rejection(endless.done)).to.be.instanceOf(Error);
  });

  it('has its log written here, with the fields of its segments', async () => {
    const runtime = await hosting().start();
    await (await hosting().run(runtime, flow, { count: 3, deed: 'log', at: 1 })).done;
    await eventually(() => hosting().log.some(({ message }) => message === 'a word of the stage'));
    const said = hosting().log.find(({ message }) => message === 'a word of the stage');
    expect(said).to.include({ level: 'warn' });
    expect(said?.fields).to.deep.include({ weight: 7, segment: 'stage', partition: 1, node: 'node-0' });
  });

  it('works beside those of another runtime, which waits for it before it stops', async () => {
    const first = await hosting().start({ node: 'left' });
    const second = await hosting().start({ node: 'right', controlPlane: first.controlPlane });
    const run = await hosting().run(first, flow, { count: 400, stages: 4, sinkMs: 1 });
    await eventually(() => hosting().notes('start').length === 6);
    const used = new Set(
      hosting()
        .notes('start')
        .map(({ partition }) => partition),
    );
    expect(sorted(used)).to.deep.equal(sorted([...first.ordinals, ...second.ordinals]));
    const report = await second.stop({ drainTimeoutMs: 60_000 });
    expect(report).to.deep.include({ isDrained: true, cutOff: NOTHING });
    await run.done;
    expect(sorted(hosting().ids('sunk'))).to.deep.equal(upTo(400));
  });

  it('is ended when the runtime is stopped while it starts, whenever that is', async () => {
    for (const moment of ['made', 'initializing']) {
      const file = hosting().file(`hooks-${moment}`);
      const starting = hosting().start({ name: moment, initializers: [hooks(file)] });
      starting.catch(() => {});
      const { executor } = hosting();
      const mine = () => executor.started.find(({ name }) => name === moment);
      await eventually(() => mine() !== undefined);
      if (moment === 'initializing') await eventually(() => hookNotes(file).length > 0);
      await mine()?.stop();
      await starting.catch(() => {});
      expect(executor.runtimes, moment).to.deep.equal([]);
      expect(childrenOf(process.pid), moment).to.deep.equal([]);
    }
  });

  it('that hangs is ended with the runtime, in bounded time', async () => {
    const runtime = await hosting().start({ kernelLimits: { stopTimeoutMs: 300 } });
    const run = await hosting().run(runtime, flow, { count: 1_000, deed: 'hang', at: 5 });
    run.done.catch(() => {});
    await eventually(() => hosting().notes('staged').length === 5);
    const { tookMs } = await runtime.stop();
    // To stop segments it had 300 and 1 000 ms, then 1 000 to end. A slow machine takes longer for the rest, and none takes for ever.
    expect(tookMs).to.be.lessThan(30_000);
    const said = hosting().log.map(({ message }) => message);
    expect(said).to.include('a partition does not respond, and is terminated');
    expect(childrenOf(process.pid)).to.deep.equal([]);
  });

  it('goes with a process that crashes', async () => {
    const runtime = await hosting().start({ node: 'doomed' });
    const run = await hosting().run(runtime, flow, { count: 100_000, sinkMs: 1 });
    run.done.catch(() => {});
    await eventually(() => hosting().notes('sunk').length > 0);
    hosting().executor.crash('doomed');
    await runtime.stop();
    expect(childrenOf(process.pid)).to.deep.equal([]);
    expect(runtime.health()).to.include({ phase: 'stopped' });
  });
});

describeHosting(
  'a hosted partition in a process',
  (hosting) => {
    it('that is killed is gone, and begins anew', async () => {
      const runtime = await hosting().start();
      const [, hosted] = runtime.describe().partitions ?? [];
      process.kill(hosted?.thread ?? 0, 'SIGKILL');
      await eventually(() => runtime.health().problems.length > 0);
      await eventually(() => runtime.ordinals.length === 2);
      const ended = hosting().log.find(({ message }) => message === 'a partition has ended by itself');
      expect(ended?.fields).to.include({ cause: 'it was ended by SIGKILL', place: `process ${hosted?.thread}` });
      await (await hosting().run(runtime, flow, { count: 20 })).done;
      expect(hosting().ids('sunk')).to.deep.equal(upTo(20));
    });

    it('ends in order where its runtime stops, and at once where that crashes', async () => {
      for (const { crashes, exits } of [
        { crashes: false, exits: 1 },
        { crashes: true, exits: 0 },
      ]) {
        const runtime = await hosting().start({ node: `node-${exits}` });
        const staged = hosting().notes('staged').length;
        const run = await hosting().run(runtime, flow, { count: 1e9, deed: 'note exit', at: 0 });
        run.done.catch(() => {});
        await eventually(() => hosting().notes('staged').length > staged);
        const before = hosting().notes('exit').length;
        if (crashes) hosting().executor.crash(`node-${exits}`);
        await runtime.stop();
        expect(hosting().notes('exit').length - before, `crashes: ${crashes}`).to.equal(exits);
      }
    });
  },
  { only: 'process' },
);
