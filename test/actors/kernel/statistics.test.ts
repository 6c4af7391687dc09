import { expect } from 'chai';
import type { ActorSystem, AskStatistics } from '#src/actors/kernel/index.js';
import { BackpressureError } from '#src/index.js';
import { deferred } from '../../support/deferred.js';
import { readAll } from '../../support/read-all.js';
import { rejection } from '../../support/rejection.js';
import { turn, until } from '../../support/until.js';
import { closeSystems, counter, testSystem, worker } from './harness.js';

/** Asks measured up to `seconds`. */
function upTo({ latency }: AskStatistics, seconds: number): number {
  return latency.buckets.filter(({ upToSeconds }) => upToSeconds <= seconds).reduce((sum, { count }) => sum + count, 0);
}

describe('what a system counts', () => {
  afterEach(closeSystems);

  it('is asks, and their failures by the code of their error', async () => {
    const { system } = testSystem();
    const ref = system.spawn(
      worker({
        supervision: 'resume',
        work: (_state, { value }) => {
          if (value === 1) throw new RangeError('one is too many');
          return value === 2 ? new Promise(() => {}) : { value };
        },
      }),
    );
    await ref.work({ value: 0 });
    await rejection(ref.work({ value: 1 }));
    await rejection(ref.work({ value: 2 }, { timeoutMs: 10 }));
    await system.stop(ref);
    await rejection(ref.work({ value: 3 }));
    const { asks } = system.statistics;
    expect(asks).to.include({ started: 4, pending: 0 });
    expect(asks.failed).to.deep.equal({ HANDLER: 1, ASK_TIMEOUT: 1, STOPPED: 1 });
  }).timeout(120_000);

  it('is failures of actors, and their restarts', async () => {
    const { system } = testSystem();
    const fails = (): never => {
      throw new Error('as told');
    };
    const restarting = system.spawn(worker({ push: fails }));
    const resuming = system.spawn(worker({ supervision: 'resume', push: fails }));
    restarting.push({});
    resuming.push({});
    await until(() => system.statistics.failures === 2);
    expect(system.statistics.restarts).to.equal(1);
  });

  it('is dead letters by their reason', async () => {
    const { system } = testSystem();
    const held = deferred();
    const full = system.spawn(worker({ mailbox: { capacity: 1, overflow: 'drop-newest' }, push: () => held.promise }));
    full.push({});
    await turn();
    for (let count = 0; count < 4; count++) full.push({});
    held.resolve();
    await until(() => system.mailboxes().queued === 0);
    await system.stop(full);
    full.push({});
    expect(system.statistics.deadLettersByReason).to.deep.equal({ overflow: 3, stopped: 1 });
    expect(system.statistics.deadLetters).to.equal(4);
  });

  it('is how full mailboxes are, those of children too', async () => {
    const { system } = testSystem();
    const held = deferred();
    const parent = system.spawn(
      worker({
        on: {
          started: (_state, ctx) => {
            const child = ctx.spawn(worker({ mailbox: { capacity: 8 }, push: () => held.promise }), { name: 'child' });
            for (let count = 0; count < 8; count++) child.push({});
          },
        },
      }),
      { name: 'parent' },
    );
    await until(() => system.mailboxes().queued === 7);
    expect(system.mailboxes()).to.deep.equal({
      queued: 7,
      pastMark: 1,
      fullest: { actor: 'test/parent/child', queued: 7, capacity: 8 },
    });
    held.resolve();
    await until(() => system.mailboxes().queued === 0);
    expect(system.mailboxes()).to.deep.equal({ queued: 0, pastMark: 0, fullest: undefined });
    await system.stop(parent);
  });

  it('does not call a mailbox full that is meant to drop messages', async () => {
    const { system } = testSystem();
    const ref = system.spawn(worker({ mailbox: { capacity: 8, overflow: 'drop-oldest' } }));
    for (let count = 0; count < 9; count++) ref.push({});
    expect(system.mailboxes()).to.include({ queued: 8, pastMark: 0 });
    const strict = system.spawn(worker({ mailbox: { capacity: 8 } }));
    expect(() => {
      for (let count = 0; count < 9; count++) strict.push({});
    }).to.throw(BackpressureError);
    expect(system.mailboxes()).to.include({ queued: 16, pastMark: 1 });
  });
});

describe('the time that asks take', () => {
  afterEach(closeSystems);

  /** A system whose asks take as many ms as they say. */
  function slow(): { readonly system: ActorSystem; readonly take: (ms: number) => Promise<unknown> } {
    const { system, scheduler } = testSystem();
    const ref = system.spawn(
      worker({
        work: (_state, { value }) => new Promise((resolve) => scheduler.setTimer(value, () => resolve({ value }))),
      }),
    );
    return { system, take: (ms) => ref.work({ value: ms }, { timeoutMs: 20_000 }) };
  }

  it('is measured for each, while they are few', async () => {
    const { system, take } = slow();
    for (const ms of [1, 20, 20, 300]) await take(ms);
    const { asks } = system.statistics;
    expect(asks.latency.count).to.equal(4);
    expect(asks.latency.sumSeconds).to.be.closeTo(0.341, 1e-9);
    expect([0.0005, 0.001, 0.01, 0.025, 0.25, 0.5].map((seconds) => upTo(asks, seconds))).to.deep.equal([
      0, 1, 1, 3, 3, 4,
    ]);
  });

  it('counts what lasts longer than every bound', async () => {
    const { system, take } = slow();
    await take(12_000);
    const { latency } = system.statistics.asks;
    expect(latency.buckets.at(-1)).to.deep.equal({ upToSeconds: Number.POSITIVE_INFINITY, count: 1 });
    expect(latency).to.include({ count: 1, sumSeconds: 12 });
  });

  it('is measured for some of many, which stand for the others', async () => {
    const { system, scheduler } = testSystem();
    const ref = system.spawn(worker());
    const many = async (): Promise<void> => {
      await Promise.all(Array.from({ length: 10_000 }, () => ref.work({})));
      await new Promise<void>((resolve) => scheduler.setTimer(20, resolve));
    };
    await many();
    await many();
    const { started, latency } = system.statistics.asks;
    expect(started).to.equal(20_000);
    // The last samples' followers have nobody to stand for them yet.
    expect(latency.count).to.be.within(19_000, 20_000);
    await ref.work({});
    await ref.work({});
    expect(system.statistics.asks.latency.count).to.be.within(20_001, 20_002);
  });

  it('is not mixed with the waits of streams', async () => {
    const { system } = testSystem();
    const ref = system.spawn(counter());
    await ref.work({});
    await readAll(ref.count({ value: 100 }));
    await ref.work({});
    expect(system.statistics).to.include({ openStreams: 0, pendingAsks: 0 });
    expect(system.statistics.asks.started).to.equal(2);
    expect(system.statistics.asks.latency.count).to.equal(2);
  });
});
