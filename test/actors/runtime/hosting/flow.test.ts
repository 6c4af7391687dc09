import { writeFileSync } from 'node:fs';
import { threadId } from 'node:worker_threads';
import { expect } from 'chai';
import { ConfigError } from '#src/errors.js';
import { Executor } from '#src/actors/runtime/index.js';
import { idsBelow, rejection } from '../harness.js';
import flow from './far-flow.js';
import restarting from './far-flow-restart.js';
import { describeHosting } from './hosting.js';
import { until } from './until.js';

describeHosting('a pipeline over hosted partitions', (hosting) => {
  it('runs its segments there, and hands every row on once', async () => {
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

  it('fails when the partition of a segment ends, and begins anew where it says so', async () => {
    const runtime = await hosting().start();
    for (const deed of ['throw outside', 'exit'] as const) {
      writeFileSync(hosting().file('once'), '');
      const failing = await hosting().run(runtime, flow, { count: 50, deed, at: 20, once: hosting().file('once') });
      expect(String(await rejection(failing.done))).to.match(/partition \d+ is gone|reader \d+ ended/);
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

  it('cannot be on virtual time, nor recorded', async () => {
    const virtual = new Executor({ seed: 1 });
    expect(await rejection(virtual.start({ placement: hosting().placement }))).to.be.instanceOf(ConfigError);
    await virtual.stop();
  });
});
