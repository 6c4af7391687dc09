import { expect } from 'chai';
import { ConfigError, HandlerError, UnreachableError, WaitTimeoutError } from '#src/errors.js';
import { RuntimeDescription } from '#src/protocol/generated/millrace/v1/services.js';
import { v1 } from '#src/protocol/index.js';
import { createProbe, ManualScheduler, until, virtualCluster } from '#src/testing/index.js';
import { rejection } from '../support/rejection.js';

describe('a virtual cluster', () => {
  it('runs actors on several nodes, reached by links', async () => {
    const cluster = await virtualCluster({ nodes: 2, latencyMs: 5 });
    const [first, second] = cluster.runtimes;
    const probe = createProbe(v1.Runtime, cluster.scheduler, { describe: () => ({ name: 'probe' }) });
    second?.spawn(probe.behavior, { name: 'probe', register: true });
    const ref = await first.lookup(v1.Runtime, 'probe');
    const askedAt = cluster.scheduler.now();
    expect(await ref.describe({})).to.deep.equal(RuntimeDescription.create({ name: 'probe' }));
    expect(cluster.scheduler.now() - askedAt).to.be.at.least(10);
    expect(await probe.next()).to.include({ method: 'describe' });
    await cluster.stop();
  });

  it('is the same run for the same seed', async () => {
    const run = async (): Promise<number> => {
      const cluster = await virtualCluster({ nodes: 3, seed: 11, latencyMs: 1, jitterMs: 3, loss: 0.05 });
      const endedAt = cluster.scheduler.now();
      await cluster.stop();
      return endedAt;
    };
    expect(await run()).to.equal(await run());
  });

  it('crashes a node, which its peers learn', async () => {
    const cluster = await virtualCluster({ nodes: 2, latencyMs: 1 });
    const [first, second] = cluster.runtimes;
    const probe = createProbe(v1.Runtime, cluster.scheduler);
    second?.spawn(probe.behavior, { name: 'probe', register: true });
    const ref = await first.lookup(v1.Runtime, 'probe');
    cluster.executor.crash('node-1');
    expect(await rejection(ref.describe({}))).to.be.instanceOf(UnreachableError);
    await cluster.stop();
  });

  it('waits for a condition, an hour in a moment, and names the seed when it never holds', async () => {
    const cluster = await virtualCluster({ seed: 23 });
    let hasRung = false;
    cluster.scheduler.setTimer(3_600_000, () => {
      hasRung = true;
    });
    await cluster.until(() => hasRung, { timeoutMs: 4_000_000, everyMs: 1_000 });
    const late = await rejection(cluster.until(() => expect(1).to.equal(2), { timeoutMs: 50 }));
    expect(late).to.be.instanceOf(WaitTimeoutError).with.property('message').that.includes('seed 23');
    expect(late).to.have.property('cause').that.has.property('message', 'expected 1 to equal 2');
    await cluster.stop();
  });

  it('stops, and leaves nothing behind', async () => {
    const cluster = await virtualCluster({ seed: 5 });
    await cluster.pass(10);
    expect(cluster.scheduler.now()).to.be.at.least(10);
    await cluster.stop();
    expect(cluster.runtimes[0].leftovers).to.deep.equal({
      actors: 0,
      pendingAsks: 0,
      links: 0,
      linkAsks: 0,
      mailboxBytes: 0,
      openStreams: 0,
    });
  });

  it('refuses a number of nodes that is none', async () => {
    expect(await rejection(virtualCluster({ nodes: 0 }))).to.be.instanceOf(ConfigError);
  });
});

describe('a probe', () => {
  it('refuses asks that it has no answer to, and goes on', async () => {
    const cluster = await virtualCluster();
    const probe = createProbe(v1.Runtime, cluster.scheduler);
    const ref = cluster.runtimes[0].spawn(probe.behavior);
    expect(await rejection(ref.describe({}))).to.be.instanceOf(HandlerError);
    expect(await rejection(ref.describe({}))).to.be.instanceOf(HandlerError);
    expect(probe.takeAll()).to.have.length(2);
    expect(probe.takeAll()).to.have.length(0);
    await cluster.stop();
  });

  it('waits for the next message, up to a deadline', async () => {
    const cluster = await virtualCluster();
    const probe = createProbe(v1.Publisher, cluster.scheduler);
    const ref = cluster.runtimes[0].spawn(probe.behavior);
    const next = probe.next();
    ref.grant({ items: 3 });
    expect((await next).message).to.include({ items: 3 });
    expect(await rejection(probe.next({ timeoutMs: 10 }))).to.be.instanceOf(WaitTimeoutError);
    ref.grant({ items: 4 });
    expect((await probe.next()).message, 'not taken by the one that gave up').to.include({ items: 4 });
    await cluster.stop();
  });
});

describe('the manual scheduler', () => {
  it('fires timers in the order of their times, at their times, when told', () => {
    const scheduler = new ManualScheduler({ seed: 1 });
    const fired: number[] = [];
    for (const delayMs of [30, 10, 20]) scheduler.setTimer(delayMs, () => fired.push(scheduler.now()));
    const cleared = scheduler.setTimer(15, () => fired.push(-1));
    scheduler.clearTimer(cleared);
    scheduler.advance(20);
    expect(fired).to.deep.equal([10, 20]);
    expect(scheduler.now()).to.equal(20);
    expect(scheduler.pendingTimers).to.equal(1);
  });

  it('runs turns before timers, and those that turns schedule', () => {
    const scheduler = new ManualScheduler({ seed: 1 });
    const ran: string[] = [];
    scheduler.setTimer(0, () => ran.push('timer'));
    scheduler.schedule(() => {
      ran.push('turn');
      scheduler.scheduleYield(() => ran.push('next'));
    });
    scheduler.advance(0);
    expect(ran).to.deep.equal(['turn', 'next', 'timer']);
  });

  it('waits for conditions on its own time', async () => {
    const scheduler = new ManualScheduler({ seed: 1 });
    const waiting = until(scheduler, () => scheduler.now() >= 5);
    scheduler.advance(5);
    await waiting;
  });
});
