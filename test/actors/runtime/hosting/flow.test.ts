import { writeFileSync } from 'node:fs';
import { threadId } from 'node:worker_threads';
import { expect } from 'chai';
import { ConfigError, PipelineError, StoppedError } from '#src/errors.js';
import { Executor, pipeline } from '#src/actors/runtime/index.js';
import { idsBelow, rejection, sorted } from '../harness.js';
import flow from './far-flow.js';
import restarting from './far-flow-restart.js';
import { describeHosting } from './hosting.js';
import { until } from './until.js';

describeHosting('a pipeline over hosted partitions', (hosting) => {
  it('hands every row on once, in order where there is one instance of each segment', async () => {
    const runtime = await hosting().start();
    const run = await hosting().run(runtime, flow, { count: 500 });
    await run.done;
    expect(hosting().ids('sunk')).to.deep.equal(idsBelow(500));
    const [stage] = hosting().notes('staged');
    expect(stage?.partition).to.equal(runtime.ordinals[1]);
    const isHere = stage?.pid === process.pid && stage.thread === threadId;
    expect(isHere).to.equal(false);
    expect(stage?.pid === process.pid).to.equal(hosting().placement === 'thread');
  });

  it('divides, broadcasts, and keeps keys together', async () => {
    const runtime = await hosting().start({ system: { partitions: 3 } });
    for (const policy of ['round-robin', 'broadcast', 'hash'] as const) {
      writeFileSync(hosting().file('notes'), '');
      const run = await hosting().run(runtime, flow, { count: 140, stages: 4, policy });
      await run.done;
      const copies = policy === 'broadcast' ? 4 : 1;
      const expected = idsBelow(140).flatMap((id) => Array.from({ length: copies }, () => id));
      expect(sorted(hosting().ids('sunk')), policy).to.deep.equal(expected);
      const owners = new Map<number, Set<number>>();
      for (const { id = 0, instance } of hosting().notes('staged')) {
        owners.set(id % 7, (owners.get(id % 7) ?? new Set()).add(instance));
      }
      if (policy === 'hash') expect([...owners.values()].every(({ size }) => size === 1)).to.equal(true);
    }
  });

  it('fails with the segment and the partition when its code throws far away', async () => {
    const runtime = await hosting().start();
    const run = await hosting().run(runtime, flow, { count: 50, deed: 'throw', at: 20 });
    const error = await rejection(run.done);
    expect(error).to.be.instanceOf(PipelineError);
    expect(String(error)).to.match(/segment "stage".*partition 2.*the stage threw/);
  });

  it('is told to stop wherever it runs', async () => {
    const runtime = await hosting().start();
    const run = await hosting().run(runtime, flow, { count: 100_000, sinkMs: 1 });
    await until(() => hosting().notes('sunk').length > 3);
    await run.stop();
    expect(await rejection(run.done)).to.be.instanceOf(StoppedError);
    expect(
      hosting()
        .notes('aborted')
        .map(({ segment }) => segment),
    ).to.include('stage');
  });

  it('holds its source back when its sink is slow', async () => {
    const runtime = await hosting().start({ streamWindow: { items: 8 } });
    const run = await hosting().run(runtime, flow, { count: 200, sinkMs: 2 });
    await run.done;
    let ahead = 0;
    let balance = 0;
    for (const { what } of hosting().allNotes()) {
      balance += what === 'written' ? 1 : what === 'sunk' ? -1 : 0;
      ahead = Math.max(ahead, balance);
    }
    expect(ahead).to.be.within(1, 60);
  });

  it('fails when the partition of a segment ends, and begins anew where it says so', async () => {
    const runtime = await hosting().start();
    for (const deed of ['throw outside', 'exit'] as const) {
      writeFileSync(hosting().file('once'), '');
      const failing = await hosting().run(runtime, flow, { count: 50, deed, at: 20, once: hosting().file('once') });
      expect(String(await rejection(failing.done))).to.match(/partition \d is gone|reader \d+ ended/);
      await until(() => runtime.ordinals.length === 2);
      expect(runtime.health().problems).to.deep.equal([]);
    }
    writeFileSync(hosting().file('notes'), '');
    writeFileSync(hosting().file('once'), '');
    const run = await hosting().run(runtime, restarting, {
      count: 50,
      deed: 'exit',
      at: 20,
      once: hosting().file('once'),
    });
    await run.done;
    expect(run.restarts).to.be.greaterThan(0);
    expect(new Set(hosting().ids('sunk'))).to.deep.equal(new Set(idsBelow(50)));
  });

  it('needs a module that others can load', async () => {
    const runtime = await hosting().start();
    const local = pipeline('local', undefined, () => {});
    expect(await rejection(runtime.run(local))).to.be.instanceOf(ConfigError);
  });

  it('cannot be on virtual time, nor recorded', async () => {
    const virtual = new Executor({ seed: 1 });
    expect(await rejection(virtual.start({ placement: hosting().placement }))).to.be.instanceOf(ConfigError);
    await virtual.stop();
  });
});
