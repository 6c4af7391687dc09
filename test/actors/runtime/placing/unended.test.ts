import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { AskTimeoutError, StoppedError } from '#src/errors.js';
import { rejection } from '../../../support/rejection.js';
import { upTo } from '../../../support/numbers.js';
import { describeHosted, describePlacements, until } from '../harness.js';
import { adder, never, patient } from './components.js';

describeHosted('a component whose module is never loaded', (newCluster) => {
  it('has no place once it was given up, and takes none of another actor', async () => {
    const cluster = newCluster();
    const runtime = await cluster.start({ system: { partitions: 2 }, maxPlacedActors: 1 });
    const [, second = 0] = runtime.ordinals;
    const on = { partition: second };
    for (let times = 0; times < 3; times++) {
      expect(await rejection(runtime.place(never, { on, timeoutMs: 300 }))).to.be.instanceOf(AskTimeoutError);
    }
    const ref = await runtime.place(adder, { on });
    expect((await ref.run({ value: 1 })).value).to.equal(1);
  });

  it('is cut off by a stop, which says so', async () => {
    const cluster = newCluster();
    const runtime = await cluster.start({ system: { partitions: 2 } });
    const place = rejection(runtime.place(never, { on: { partition: runtime.ordinals[1] ?? 0 } }));
    await until(() => runtime.metrics().partitions.every(({ links }) => links.envelopesReceived > 0));
    const report = await runtime.stop();
    expect(report.isDrained).to.equal(false);
    expect(report.cutOff.placing).to.equal(1);
    expect(report.endedPartitions).to.equal(0);
    expect(await place).to.be.instanceOf(StoppedError);
  });
});

describePlacements({ title: 'a stop without a drain', everywhere: true }, (newCluster) => {
  it('counts what actors in all partitions had not handled', async () => {
    const cluster = newCluster();
    const runtime = await cluster.start({ system: { partitions: 2 }, kernelLimits: { stopTimeoutMs: 100 } });
    const ref = await runtime.place(patient, { on: { partition: runtime.ordinals[1] ?? 0 } });
    const other = await runtime.place(adder, { on: { partition: runtime.ordinals[1] ?? 0 } });
    const read = other.list({ value: 9 }, { windowItems: 1 });
    await read.next();
    for (const value of upTo(5)) ref.push({ value });
    // It waits behind what was sent before, as one message more.
    await rejection(ref.run({}, { timeoutMs: 200 }));
    // All of it has arrived.
    await other.run({ value: 1 });
    const report = await runtime.stop();
    expect(report.isDrained).to.equal(false);
    expect(report.cutOff).to.include({ messages: 5, handlers: 1, streams: 1 });
  });
});

describe('a component of the main module of a program', () => {
  it('is placed in another partition of its event loop while the module waits for that', async function () {
    this.timeout(120_000);
    const program = fileURLToPath(new URL('./main-program.js', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [program], { timeout: 60_000 });
    expect(stdout.trim()).to.equal('42');
  });
});
