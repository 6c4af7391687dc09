import { expect } from 'chai';
import { AskAbortedError, BackpressureError, ConfigError, ReentrantAskError, StoppedError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import type { ReadyOptions } from '#src/actors/kernel/index.js';
import { deferred } from '../../support/deferred.js';
import { millraceRejection, rejection } from '../../support/rejection.js';
import { Arrivals, NUMBERS, send } from '../../support/senders.js';
import { until } from '../../support/until.js';
import { closeSystems, testSystem, worker, type WorkerRef } from './harness.js';

describe('those who wait for a mailbox', () => {
  afterEach(closeSystems);

  it('share its room: eight senders that await ready() are handled alike, and lose nothing', async () => {
    const { system, scheduler } = testSystem();
    const arrivals = new Arrivals();
    const ref = system.spawn(
      worker({
        mailbox: { capacity: 32 },
        push: (_state, { value }) => {
          arrivals.add(value);
          return new Promise((resolve) => void scheduler.setTimer(1, () => resolve(undefined)));
        },
      }),
    );
    const isOver = (): boolean => scheduler.now() >= 2_000;
    const pause = (): Promise<void> => new Promise((resolve) => void scheduler.setTimer(1, resolve));
    const senders = Array.from({ length: 8 }, (_, index) =>
      send(ref, { first: index * NUMBERS, isPolite: true, isOver, pause }),
    );
    const sent = await Promise.all(senders);
    const fairness = arrivals.fairness(8);
    const accepted = sent.reduce((sum, each) => sum + each.accepted, 0);
    await until(() => arrivals.total === accepted);
    expect(fairness).to.be.at.least(0.9);
    expect(sent.map(({ refused }) => refused)).to.deep.equal(sent.map(() => 0));
    expect(arrivals.disordered).to.deep.equal([]);
    expect(system.statistics.deadLetters).to.equal(0);
  });

  it('are all woken, in their order, although none of them sends anything', async () => {
    const { system } = testSystem();
    const held = deferred();
    const ref = system.spawn(worker({ mailbox: { capacity: 8 }, push: () => held.promise }));
    for (let value = 0; value < 8; value++) ref.push({ value });
    const woken: number[] = [];
    const waiting = Array.from({ length: 5 }, (_, index) => ref.ready().then(() => woken.push(index)));
    held.resolve();
    await Promise.all(waiting);
    expect(woken).to.deep.equal([0, 1, 2, 3, 4]);
  });

  it('are rejected when the actor stops, also those behind one that was woken', async () => {
    const { system } = testSystem();
    const gates = Array.from({ length: 8 }, () => deferred());
    let handled = 0;
    const ref = system.spawn(worker({ mailbox: { capacity: 4 }, push: () => gates[handled++]?.promise }));
    for (let value = 0; value < 4; value++) ref.push({ value });
    await until(() => handled === 1);
    const first = ref.ready().then(() => {
      // It takes the room that the other waits for.
      for (let value = 0; value < 2; value++) ref.push({ value });
    });
    const second = rejection(ref.ready());
    gates[0]?.resolve();
    await first;
    const stopped = system.stop(ref);
    for (const gate of gates) gate.resolve();
    expect(await second).to.be.instanceOf(StoppedError);
    await stopped;
  });

  it('get BackpressureError at their deadline, and wait no longer', async () => {
    const { system, scheduler } = testSystem();
    const held = deferred();
    const ref = system.spawn(worker({ mailbox: { capacity: 4 }, push: () => held.promise }), { name: 'full' });
    for (let value = 0; value < 4; value++) ref.push({ value });
    for (const options of [undefined, { timeoutMs: 300 }]) {
      const from = scheduler.now();
      const error = await millraceRejection(ref.ready(options));
      expect(error).to.be.instanceOf(BackpressureError);
      expect(error.message).to.contain('test/full');
      expect(scheduler.now() - from).to.be.closeTo(options?.timeoutMs ?? limits.readyTimeoutMs, 1);
    }
    let isReady = false;
    const patient = ref.ready({ timeoutMs: Number.POSITIVE_INFINITY }).then(() => (isReady = true));
    await new Promise<void>((resolve) => void scheduler.setTimer(3_600_000, resolve));
    expect(isReady).to.equal(false);
    held.resolve();
    await patient;
    await ref.ready();
  });

  it('wait without a deadline for as long as the actor handles messages, however slowly', async () => {
    const { system, scheduler } = testSystem();
    let isStuck = false;
    const pause = (): Promise<void> =>
      isStuck ? new Promise(() => {}) : new Promise((resolve) => void scheduler.setTimer(50_000, resolve));
    const ref = system.spawn(worker({ mailbox: { capacity: 16 }, push: pause }), { name: 'slow' });
    for (let value = 0; value < 16; value++) ref.push({ value });
    const from = scheduler.now();
    await ref.ready();
    expect(scheduler.now() - from).to.be.at.least(200_000);
    while (ref.push({ value: 0 }));
    isStuck = true;
    const since = scheduler.now();
    const error = await millraceRejection(ref.ready());
    expect(error).to.be.instanceOf(BackpressureError);
    expect(error.message).to.contain('test/slow').and.contain('has handled none for 60000 ms');
    expect(scheduler.now() - since).to.be.at.most(50_000 + limits.readyTimeoutMs + 1);
  });

  it('end with the signal of their caller', async () => {
    const { system } = testSystem();
    const ref = system.spawn(worker({ mailbox: { capacity: 4 }, push: () => new Promise(() => {}) }));
    for (let value = 0; value < 4; value++) ref.push({ value });
    const controller = new AbortController();
    const reason = new Error('the user has left');
    const waiting = millraceRejection(ref.ready({ signal: controller.signal }));
    controller.abort(reason);
    const error = await waiting;
    expect(error).to.be.instanceOf(AskAbortedError).and.to.have.property('cause', reason);
    expect(await millraceRejection(ref.ready({ signal: controller.signal }))).to.be.instanceOf(AskAbortedError);
  });

  it('wait no longer than the message that they handle', async () => {
    const { system, scheduler } = testSystem();
    const full = system.spawn(worker({ mailbox: { capacity: 4 }, push: () => new Promise(() => {}) }));
    for (let value = 0; value < 4; value++) full.push({ value });
    const errors: unknown[] = [];
    const work = async (options: ReadyOptions | undefined): Promise<object> => {
      errors.push(await rejection(full.ready(options)));
      return {};
    };
    const direct = system.spawn(worker({ work: () => work({ timeoutMs: Number.POSITIVE_INFINITY }) }));
    const later = system.spawn(
      worker({ work: (_state, _message, ctx) => Promise.resolve(ctx.options()).then((options) => work(options)) }),
    );
    for (const ref of [direct, later]) {
      const from = scheduler.now();
      await rejection(ref.work({}, { timeoutMs: 200 }));
      await until(() => errors.length > 0);
      expect(scheduler.now() - from).to.be.closeTo(200, 1);
      expect(errors.pop()).to.be.instanceOf(BackpressureError);
    }
  });

  it('are named when actors wait for one another, and then go on', async () => {
    const { system } = testSystem();
    const refs: WorkerRef[] = [];
    const errors: Error[] = [];
    for (const name of ['x', 'y']) {
      const other = (): WorkerRef | undefined => refs[name === 'x' ? 1 : 0];
      const push = async (): Promise<void> => {
        await other()
          ?.ready()
          .catch((error: Error) => errors.push(error));
      };
      refs.push(system.spawn(worker({ mailbox: { capacity: 4 }, push }), { name }));
    }
    for (const ref of refs) for (let value = 0; value < 4; value++) ref.push({ value });
    await until(() => system.mailboxes().queued === 0);
    expect(errors).to.have.length.of.at.least(1);
    for (const error of errors) expect(error).to.be.instanceOf(BackpressureError);
    expect(errors[0]?.message).to.match(/wait for one another.*: test\/([xy]) -> test\/[xy] -> test\/\1\./);
  });

  it('are refused at once when the actor waits for them itself', async () => {
    const { system, scheduler } = testSystem();
    const errors: unknown[] = [];
    const keep = (work: Promise<unknown>): Promise<void> => rejection(work).then((error) => void errors.push(error));
    const own = system.spawn(
      worker({
        mailbox: { capacity: 4 },
        push: (_state, { value }, ctx) => (value === 0 ? keep(ctx.self.ready()) : undefined),
      }),
    );
    for (let value = 0; value < 4; value++) own.push({ value });
    const caller: WorkerRef = system.spawn(
      worker({
        mailbox: { capacity: 4 },
        push: (_state, message) => (message.value === 0 ? asked.work(message).then(() => {}) : undefined),
      }),
    );
    const asked = system.spawn(worker({ work: (_state, message) => keep(caller.ready()).then(() => message) }));
    for (let value = 0; value < 4; value++) caller.push({ value });
    await until(() => system.mailboxes().queued === 0);
    expect(errors).to.have.length(2);
    for (const error of errors) expect(error).to.be.instanceOf(ReentrantAskError);
    expect(scheduler.now()).to.be.lessThan(1_000);
  });

  it('are told of an option that is wrong', async () => {
    const { system } = testSystem();
    const ref = system.spawn(worker({}));
    const wrong: readonly [options: object, name: string][] = [
      [{ timeoutMs: -1 }, 'timeoutMs'],
      [{ timeoutMs: Number.NaN }, 'timeoutMs'],
      [{ timeout: 5 }, 'timeoutMs'],
      [{ signal: {} }, 'signal'],
    ];
    for (const [options, name] of wrong) {
      const error = await millraceRejection(ref.ready(options));
      expect(error).to.be.instanceOf(ConfigError);
      expect(error.message).to.contain(name);
    }
  });
});
