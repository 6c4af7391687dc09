import { expect } from 'chai';
import { later } from '#src/actors/kernel/index.js';
import { query, spawnStateless } from '#src/actors/nact/index.js';
import {
  AskAbortedError,
  AskTimeoutError,
  BackpressureError,
  HandlerError,
  type MillraceError,
  StoppedError,
} from '#src/errors.js';
import { millraceRejection } from '../../support/rejection.js';
import { until } from '../../support/until.js';
import { closeSystems, testSystem, worker, type WorkerRef } from './harness.js';

/** Fails because `placeOrder` failed, for which it waits. */
async function checkOut(ref: WorkerRef, options: { timeoutMs?: number; signal?: AbortSignal } = {}): Promise<void> {
  await placeOrder(ref, options);
  throw new Error('not reached');
}

async function placeOrder(ref: WorkerRef, options: { timeoutMs?: number; signal?: AbortSignal }): Promise<number> {
  const { value } = await ref.work({}, options);
  return value;
}

function expectCallers({ name, message, stack = '' }: MillraceError): void {
  const [first, ...lines] = stack.split('\n');
  expect(first).to.equal(`${name}: ${message}`);
  const [inner, outer] = ['placeOrder', 'checkOut'].map((caller) => lines.findIndex((line) => line.includes(caller)));
  expect(inner, stack).to.be.within(0, 9);
  expect(outer, stack).to.be.above(inner ?? 0);
  expect(lines[inner ?? 0]).to.match(/caller-stack\.test\.[jt]s:\d+:\d+/);
}

describe('the stack of the error that an ask fails with names those who wait', () => {
  afterEach(closeSystems);

  const unanswered = (): Promise<never> => new Promise(() => {});

  it('when the deadline has passed', async () => {
    const { system } = testSystem();
    const error = await millraceRejection(checkOut(system.spawn(worker({ work: unanswered })), { timeoutMs: 20 }));
    expect(error).to.be.instanceOf(AskTimeoutError);
    expectCallers(error);
  });

  it('when the handler throws, rejects, or answers later with an error', async () => {
    const { system } = testSystem();
    const fail = (): never => {
      throw new RangeError('no such order');
    };
    const handlers = [
      fail,
      () => Promise.reject(new RangeError('no such order')),
      () => later(Promise.reject(new RangeError('no such order'))),
    ];
    for (const work of handlers) {
      const error = await millraceRejection(checkOut(system.spawn(worker({ work }))));
      expect(error).to.be.instanceOf(HandlerError).with.property('message', 'no such order');
      expectCallers(error);
    }
  });

  it('when the caller aborts it', async () => {
    const { system } = testSystem();
    const controller = new AbortController();
    const failed = millraceRejection(
      checkOut(system.spawn(worker({ work: unanswered })), { signal: controller.signal }),
    );
    await until(() => system.statistics.pendingAsks === 1);
    controller.abort();
    const error = await failed;
    expect(error).to.be.instanceOf(AskAbortedError);
    expectCallers(error);
  });

  it('when the actor stops, and when it has stopped', async () => {
    const { system } = testSystem({ stopTimeoutMs: 10 });
    const ref = system.spawn(worker({ work: unanswered }));
    const failed = [checkOut(ref), checkOut(ref)].map(millraceRejection);
    await until(() => system.statistics.pendingAsks === 2);
    await system.stop(ref);
    for (const error of await Promise.all([...failed, millraceRejection(checkOut(ref))])) {
      expect(error).to.be.instanceOf(StoppedError);
      expectCallers(error);
    }
  });

  it('when the mailbox is full', async () => {
    const { system } = testSystem();
    const ref = system.spawn(worker({ work: unanswered, mailbox: { capacity: 1 } }));
    // One is being handled, one waits, and for the third there is no room.
    const asked = [1, 2, 3].map(() => millraceRejection(checkOut(ref)));
    const error = await Promise.race(asked);
    await system.stop(ref);
    await Promise.all(asked);
    expect(error).to.be.instanceOf(BackpressureError);
    expectCallers(error);
  });

  it("when a query in nact's form has no answer", async () => {
    const { system } = testSystem();
    const silent = spawnStateless(system, () => {}, 'silent');
    const placeOrder = async (): Promise<unknown> => await query(silent, () => ({}), 20);
    const checkOut = async (): Promise<unknown> => await placeOrder();
    expectCallers(await millraceRejection(checkOut()));
  });
});
