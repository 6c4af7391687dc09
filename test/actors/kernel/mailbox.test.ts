import { expect } from 'chai';
import fc from 'fast-check';
import { Mailbox, MailboxPool } from '#src/actors/kernel/mailbox.js';
import { BackpressureError, ConfigError } from '#src/errors.js';
import type { Overflow } from '#src/actors/kernel/index.js';
import { deferred } from '../../support/deferred.js';
import { pass } from '../../support/offered-load.js';
import { rejection } from '../../support/rejection.js';
import { until } from '../../support/until.js';
import { closeSystems, testSystem, worker } from './harness.js';
import { Worker } from './shop.js';

const { push } = Worker.methods;

describe('a mailbox', () => {
  afterEach(closeSystems);

  it('hands out what was put in, in order, however the ring grows and wraps', () => {
    const steps = fc.array(fc.oneof(fc.constant('drop' as const), fc.integer({ min: 1, max: 12 })), { maxLength: 200 });
    fc.assert(
      fc.property(steps, (commands) => {
        const mailbox = new Mailbox();
        const model: number[] = [];
        let sent = 0;
        for (const command of commands) {
          if (command === 'drop') {
            expect(mailbox.method).to.equal(model.length > 0 ? push : undefined);
            expect(mailbox.message).to.equal(model[0]);
            if (model.length > 0) mailbox.drop();
            model.shift();
          } else {
            for (let count = 0; count < command; count++) {
              mailbox.push(push, sent, undefined);
              model.push(sent++);
            }
          }
          expect(mailbox.size).to.equal(model.length);
        }
      }),
    );
  });

  const policies: Overflow[] = ['backpressure', 'drop-newest', 'drop-oldest'];
  for (const overflow of policies) {
    it(`with ${overflow} loses, refuses and keeps exactly what a plain array would`, async () => {
      const bursts = fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 6 });
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: 1, max: 12 }), bursts, async (capacity, sizes) => {
          const { system } = testSystem();
          const handled: number[] = [];
          const lost: number[] = [];
          system.deadLetters.subscribe(({ message }) => lost.push(valueOf(message)));
          const ref = system.spawn(
            worker({ mailbox: { capacity, overflow }, push: (_state, { value }) => void handled.push(value) }),
          );
          const expected: number[] = [];
          const expectedLost: number[] = [];
          let value = 0;
          for (const size of sizes) {
            const model: number[] = [];
            for (let count = 0; count < size; count++, value++) {
              const isFull = model.length === capacity;
              let answer: unknown;
              try {
                answer = ref.push({ value });
              } catch (error) {
                answer = error;
              }
              if (!isFull) model.push(value);
              else if (overflow === 'drop-newest') expectedLost.push(value);
              else if (overflow === 'drop-oldest') {
                expectedLost.push(...model.splice(0, 1));
                model.push(value);
              }
              if (isFull && overflow === 'backpressure') expect(answer).to.be.instanceOf(BackpressureError);
              else expect(answer).to.equal(!isFull && model.length <= Math.max(1, Math.floor((capacity * 3) / 4)));
            }
            expected.push(...model);
            await until(() => handled.length === expected.length);
          }
          expect(handled).to.deep.equal(expected);
          expect(lost).to.deep.equal(expectedLost);
          expect(system.statistics.deadLetters).to.equal(expectedLost.length);
          await closeSystems();
        }),
        { numRuns: 25 },
      );
    });
  }

  it('answers a dropped ask with BackpressureError', async () => {
    const { system } = testSystem();
    const ref = system.spawn(worker({ mailbox: { capacity: 1, overflow: 'drop-oldest' } }));
    const first = rejection(ref.work({ value: 1 }));
    expect(await ref.work({ value: 2 })).to.deep.equal({ value: 2 });
    expect(await first).to.be.instanceOf(BackpressureError);
    expect(system.statistics.deadLetters).to.equal(0);
  });

  it('rejects an ask that finds it full', async () => {
    const { system } = testSystem();
    const ref = system.spawn(worker({ mailbox: { capacity: 1 } }));
    ref.push({ value: 1 });
    expect(await rejection(ref.work({ value: 2 }))).to.be.instanceOf(BackpressureError);
  });

  it('is ready again when it has drained to half', async () => {
    const { system } = testSystem();
    const gates = Array.from({ length: 4 }, () => deferred());
    let handled = 0;
    const ref = system.spawn(worker({ mailbox: { capacity: 4 }, push: () => gates[handled++]?.promise }));
    await ref.ready();
    expect([1, 2, 3, 4].map((value) => ref.push({ value }))).to.deep.equal([true, true, true, false]);
    let isReady = false;
    const ready = ref.ready().then(() => {
      isReady = true;
    });
    await until(() => handled === 1);
    expect(isReady).to.equal(false);
    gates[0]?.resolve();
    await until(() => handled === 2);
    await ready;
    for (const gate of gates) gate.resolve();
  });

  it('is kept for the next actor when it is empty, as large as a burst has made it, up to a bound for all', () => {
    const pool = new MailboxPool();
    const grown = (messages: number): Mailbox => {
      const mailbox = new Mailbox();
      for (let count = 0; count < messages; count++) mailbox.push(push, count, undefined);
      while (mailbox.size > 0) mailbox.drop();
      return mailbox;
    };
    const [burst, other, small] = [grown(65_536), grown(100_000), grown(1)];
    for (const mailbox of [burst, other, small]) pool.release(mailbox);
    expect(pool.take()).to.equal(small);
    expect(pool.take(), 'the other would have been too much').to.equal(burst);
    expect(pool.take().room).to.be.below(10);
    pool.release(other);
    expect(pool.take()).to.equal(other);
  });

  it('that is full says when it will be half empty, as soon as its actor knows', async () => {
    const { system, scheduler } = testSystem();
    const work = (_state: undefined, request: { value: number }) => pass(scheduler, 10).then(() => request);
    const ref = system.spawn(worker({ mailbox: { capacity: 8 }, work }));
    const fill = (): Promise<PromiseSettledResult<unknown>[]> =>
      Promise.allSettled(Array.from({ length: 9 }, () => ref.work({})));
    const full = (await fill()).find(({ status }) => status === 'rejected');
    expect(full)
      .to.have.property('reason')
      .that.is.instanceOf(BackpressureError)
      .with.property('retryAfterMs', undefined);
    const again = fill();
    await pass(scheduler, 1);
    const one = ref.work({});
    expect(await rejection(ref.work({})))
      .to.be.instanceOf(BackpressureError)
      .with.property('retryAfterMs', 40);
    await Promise.allSettled([again, one]);
  });

  it('refuses a capacity that is no number of messages', () => {
    for (const capacity of [0, -1, 1.5, Number.NaN]) {
      expect(() => worker({ mailbox: { capacity } })).to.throw(ConfigError, 'capacity');
    }
  });
});

function valueOf(message: unknown): number {
  if (typeof message !== 'object' || message === null || !('value' in message))
    throw new Error('a message without value');
  return Number(message.value);
}
