import { expect } from 'chai';
import { rejection } from '../../support/rejection.js';
import { errandRunner, Errands } from './errand-runner.js';
import { describeRuntime, startFlow, TWO_PARTITIONS, until } from './harness.js';
import flow from './pipelines/flow.js';

describeRuntime({ title: 'the metrics of a runtime', linked: true }, (start) => {
  it('count messages, asks, failures and dead letters', async () => {
    const { runtime } = await start();
    const before = runtime.metrics();
    const ref = runtime.spawn(
      errandRunner({
        run: (_state, { value }) => {
          if (value === 13) throw new RangeError('unlucky');
          return { value };
        },
        supervision: 'restart',
      }),
    );
    for (let count = 0; count < 10; count++) ref.push({});
    for (const value of [1, 2]) await ref.run({ value });
    await rejection(ref.run({ value: 13 }));
    await runtime.stopActor(ref);
    ref.push({});
    const after = runtime.metrics();
    expect(after.messagesHandled - before.messagesHandled).to.be.at.least(13);
    expect(after.asks.started - before.asks.started).to.be.at.least(3);
    expect(after.asks.failed['HANDLER']).to.equal(1);
    expect(after.asks.latency.count).to.be.at.least(3);
    expect(after).to.include({ failures: 1, restarts: 1 });
    expect(after.deadLetters).to.deep.equal({ stopped: 1 });
    expect(after.mailboxes).to.deep.equal({ queued: 0, bytes: 0, pastMark: 0 });
  });

  it('count what goes over links, and keep counting when a link has ended', async () => {
    const { runtime, cluster } = await start();
    const other = await cluster.start();
    await other.register('far', other.spawn(errandRunner()));
    const far = await runtime.lookup(Errands, 'far');
    const before = runtime.metrics().links;
    await far.run({ value: 1, load: new Uint8Array(10_000) });
    const during = runtime.metrics().links;
    expect(during.bytesSent - before.bytesSent).to.be.within(10_000, 11_000);
    expect(during.envelopesSent).to.be.greaterThan(before.envelopesSent);
    expect(during.framesReceived).to.be.greaterThan(before.framesReceived);
    expect(during).to.include({ protocolErrors: 0, waitingBytes: 0 });
    await other.stop();
    await until(() => runtime.metrics().links.count < during.count);
    const after = runtime.metrics().links;
    expect(after.bytesSent).to.be.at.least(during.bytesSent);
    expect(after.envelopesReceived).to.be.at.least(during.envelopesReceived);
  });

  it('count asks of actors that are gone, and of processes that cannot be reached', async () => {
    const { runtime, cluster } = await start();
    const other = await cluster.start();
    const ref = other.spawn(errandRunner());
    await other.register('far', ref);
    await other.register('lasting', other.spawn(errandRunner()));
    const [far, lasting] = [await runtime.lookup(Errands, 'far'), await runtime.lookup(Errands, 'lasting')];
    await far.run({});
    await other.stopActor(ref);
    const before = runtime.metrics().asks;
    expect(await rejection(far.run({}))).to.include({ code: 'STOPPED' });
    await other.stop();
    expect(await rejection(lasting.run({}, { timeoutMs: 50_000 }))).to.include({ code: 'UNREACHABLE' });
    const { started, failed } = runtime.metrics().asks;
    expect(failed['STOPPED']).to.equal((before.failed['STOPPED'] ?? 0) + 1);
    expect(failed['UNREACHABLE']).to.be.at.least(1);
    expect(started - before.started).to.be.at.least(2);
  });

  it('count what each partition does, and all of them together', async () => {
    const { runtime } = await start(TWO_PARTITIONS);
    runtime.spawn(errandRunner());
    const { partitions, ...total } = runtime.metrics();
    expect(partitions.map(({ ordinal }) => ordinal)).to.deep.equal(runtime.ordinals);
    const sum = (count: (partition: (typeof partitions)[number]) => number): number =>
      partitions.reduce((before, partition) => before + count(partition), 0);
    expect(total.actors).to.equal(sum(({ actors }) => actors));
    expect(total.messagesHandled).to.equal(sum(({ messagesHandled }) => messagesHandled));
    expect(total.asks.started).to.equal(sum(({ asks }) => asks.started));
    expect(total.asks.latency.count).to.equal(sum(({ asks }) => asks.latency.count));
    expect(total.links.framesSent).to.equal(sum(({ links }) => links.framesSent));
    expect(total.asks.latency.buckets.reduce((before, { count }) => before + count, 0)).to.equal(
      total.asks.latency.count,
    );
  });

  it('count the elements of pipelines, and how pipelines end', async () => {
    const { runtime, control } = await start(TWO_PARTITIONS);
    const completed = await startFlow(runtime, flow, { count: 100 });
    await completed.run.done;
    const stopped = await startFlow(runtime, flow, { count: 1_000_000 });
    await until(() => stopped.board.sunk.length > 0);
    expect(runtime.metrics().pipelines).to.include({ running: 1, completed: 1 });
    await stopped.run.stop();
    const failing = await startFlow(
      runtime,
      flow,
      { count: 100 },
      {
        board: (on) => {
          on.sink = () => Promise.reject(new Error('the sink is broken'));
        },
      },
    );
    await rejection(failing.run.done);
    expect(runtime.metrics().pipelines).to.deep.equal({
      running: 0,
      completed: 1,
      stopped: 1,
      failed: 1,
      restarts: 0,
    });
    await until(() => [runtime, control].every((each) => each.metrics().segments.registered === 0));
    const read = new Set([runtime, control]);
    const sunk = () => [...read].reduce((sum, each) => sum + each.metrics().segments.read, 0);
    // Each row of the first run is read by the stage and by the sink. A hosted partition says so within a second.
    await until(() => sunk() >= 200);
  });

  it('are measured on the event loop by real time only', async () => {
    const { runtime, cluster } = await start();
    const { eventLoop } = runtime.metrics();
    if (cluster.isVirtual) {
      const delayMs = { mean: 0, p99: 0, max: 0 };
      expect(eventLoop).to.deep.equal({ utilization: 0, activeMs: 0, idleMs: 0, delayMs });
    } else {
      expect(eventLoop.utilization).to.be.within(0, 1);
      expect(eventLoop.activeMs + eventLoop.idleMs).to.be.greaterThan(0);
    }
  });
});
