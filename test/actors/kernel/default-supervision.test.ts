import { expect } from 'chai';
import type { ActorRef } from '#src/actors/kernel/index.js';
import { HandlerError, UnreachableError } from '#src/errors.js';
import { readAll } from '../../support/read-all.js';
import { rejection } from '../../support/rejection.js';
import { until } from '../../support/until.js';
import { closeSystems, counter, testSystem, worker } from './harness.js';
import type { Worker } from './shop.js';

const boom = (): never => {
  throw new RangeError('broken');
};

describe('supervision by default', () => {
  afterEach(closeSystems);

  it('lets an actor go on with its state when an ask fails, however often, and each actor that awaits it', async () => {
    const { system } = testSystem();
    let starts = 0;
    const store = system.spawn(
      worker({
        state: () => ++starts,
        work: (_state, { value }) => (value === 0 ? boom() : { value }),
      }),
    );
    const front = system.spawn(
      worker({
        state: () => ++starts,
        work: async (_state, message, ctx) => {
          await Promise.resolve();
          return store.work(message, ctx.options());
        },
      }),
    );
    for (let count = 0; count < 30; count++) {
      expect(await rejection(front.work({ value: 0 }))).to.be.instanceOf(HandlerError);
    }
    expect(await front.work({ value: 7 })).to.deep.equal({ value: 7 });
    expect(starts).to.equal(2);
    expect(system.statistics).to.include({ restarts: 0, failures: 60 });
  });

  it('lets it go on when a stream fails, and its other streams', async () => {
    const { system } = testSystem();
    const ref = system.spawn(
      counter({
        count: async function* (_state, { value }) {
          yield { value };
          if (value === 0) boom();
          yield { value };
        },
      }),
    );
    const other = ref.count({ value: 2 }, { windowItems: 1 });
    await other.next();
    for (let count = 0; count < 20; count++) {
      const { error } = await readAll(ref.count({ value: 0 }));
      expect(error).to.be.instanceOf(HandlerError);
    }
    expect(await readAll(other)).to.deep.equal({ values: [2] });
    expect(system.statistics.restarts).to.equal(0);
  });

  it('lets a teller go on that does not catch BackpressureError or how its ask ended', async () => {
    const { system } = testSystem();
    let starts = 0;
    let release = (): void => {};
    const slow = system.spawn(
      worker({
        mailbox: { capacity: 2 },
        push: () => new Promise<void>((resolve) => (release = resolve)),
        work: boom,
      }),
    );
    const teller = system.spawn(
      worker({
        state: () => ++starts,
        push: async (_state, { value }) => {
          if (value === 0) for (let count = 0; count < 5; count++) slow.push({});
          else await slow.work({}, { timeoutMs: 5 });
        },
      }),
    );
    teller.push({ value: 0 });
    teller.push({ value: 1 });
    expect(await teller.work({ value: 3 })).to.deep.equal({ value: 3 });
    expect(starts).to.equal(1);
    expect(system.statistics).to.include({ restarts: 0, failures: 2 });
    release();
    await until(() => {
      release();
      return system.mailboxes().queued === 0;
    });
  });

  it('restarts an actor for any other error of a tell, and whenever its start or ctx.fail fails', async () => {
    const { system } = testSystem();
    let starts = 0;
    const ref: ActorRef<typeof Worker> = system.spawn(
      worker({
        state: () => {
          if (++starts === 2) throw new UnreachableError('no peer yet');
        },
        push: (_state, { value }, ctx) => (value === 0 ? boom() : ctx.fail(new UnreachableError('lost'))),
      }),
    );
    ref.push({ value: 0 });
    expect(await ref.work({ value: 1 })).to.deep.equal({ value: 1 });
    expect(starts).to.equal(3);
    ref.push({ value: 1 });
    await until(() => starts === 4);
    expect(system.statistics.restarts).to.equal(3);
  });

  it('yields to a directive that a behavior gives: restart counts asks, too', async () => {
    const { system } = testSystem();
    const ref = system.spawn(worker({ supervision: { onFailure: 'restart', maxRestarts: 1 }, work: boom }));
    for (let count = 0; count < 2; count++) expect(await rejection(ref.work({}))).to.be.instanceOf(HandlerError);
    await until(() => system.statistics.actors === 0);
    const limited = system.spawn(worker({ supervision: { maxRestarts: 0 }, work: boom }));
    for (let count = 0; count < 2; count++) expect(await rejection(limited.work({}))).to.be.instanceOf(HandlerError);
    expect(system.statistics.actors).to.equal(1);
  });

  it('is in what the system says of its troubles: who restarts again and again, and who ended by a failure', async () => {
    const { system } = testSystem();
    const fragile = worker({ supervision: { maxRestarts: 4 }, push: boom });
    const ref = system.spawn(fragile, { name: 'fragile' });
    for (let count = 0; count < 3; count++) ref.push({});
    await ref.work({}, { timeoutMs: 1_000 });
    expect(system.troubles).to.deep.equal([
      { actor: 'test/fragile', state: 'restarting', isRoot: true, restarts: 3, error: 'broken' },
    ]);
    for (let count = 0; count < 2; count++) ref.push({});
    await until(() => system.statistics.actors === 0);
    expect(system.troubles).to.deep.equal([
      { actor: 'test/fragile', state: 'ended', isRoot: true, restarts: 0, error: 'broken' },
    ]);
    system.spawn(fragile, { name: 'fragile' });
    expect(system.troubles).to.deep.equal([]);
  });

  it('forgets the restarts of an actor when the window has passed', async () => {
    const { system, scheduler } = testSystem();
    const ref = system.spawn(worker({ push: boom }), { name: 'fragile' });
    for (let count = 0; count < 3; count++) ref.push({});
    await ref.work({}, { timeoutMs: 1_000 });
    expect(system.troubles).to.have.length(1);
    let hasPassed = false;
    scheduler.setTimer(61_000, () => (hasPassed = true));
    await until(() => hasPassed);
    expect(system.troubles).to.deep.equal([]);
  });
});
