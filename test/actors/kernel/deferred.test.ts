import { expect } from 'chai';
import { deferred, type DeferredReply, type Later, later } from '#src/actors/kernel/index.js';
import { AskAbortedError, AskTimeoutError, HandlerError, Refusal, RefusedError, StoppedError } from '#src/errors.js';
import { readAll } from '../../support/read-all.js';
import { rejection } from '../../support/rejection.js';
import { until } from '../../support/until.js';
import { closeSystems, counter, testSystem, worker } from './harness.js';
import { Counting, Worker } from './shop.js';

/** What a handler in plain JavaScript may return. */
const untyped = (value: unknown): never => value as never;

describe('a deferred reply', () => {
  afterEach(closeSystems);

  it('answers its ask when a later message settles it, once', async () => {
    const { system } = testSystem();
    const ref = system.spawn(
      worker({
        state: (): DeferredReply<{ value: number }>[] => [],
        work: (waiting) => {
          const reply = deferred<{ value: number }>();
          waiting.push(reply);
          return reply;
        },
        push: (waiting, { value }) => {
          if (value === 1) waiting.shift()?.reject(new Error('no'));
          else if (value === 2) waiting.shift()?.reject(new Refusal('NOT_NOW', 'not now'));
          else {
            const reply = waiting.shift();
            reply?.resolve({ value });
            reply?.reject(new Error('too late'));
          }
        },
      }),
    );
    const asked = [ref.work({}), rejection(ref.work({})), rejection(ref.work({})), rejection(ref.work({}))];
    for (const value of [5, 1, 2]) ref.push({ value });
    expect(await asked[0]).to.deep.equal({ value: 5 });
    expect(await asked[1])
      .to.be.instanceOf(HandlerError)
      .and.include({ message: 'no' });
    expect(await asked[2])
      .to.be.instanceOf(RefusedError)
      .and.include({ reason: 'NOT_NOW' });
    await system.stop(ref);
    expect(await asked[3]).to.be.instanceOf(StoppedError);
  });

  it('holds nothing when nobody waits any more, and says so to who settles it', async () => {
    const { system, scheduler } = testSystem();
    const waiting: DeferredReply<{ value: number }>[] = [];
    const signals: AbortSignal[] = [];
    const ref = system.spawn(
      worker({
        work: (_state, _request, ctx) => {
          const reply = deferred<{ value: number }>();
          waiting.push(reply);
          signals.push(ctx.signal);
          expect(ctx.signal).to.equal(ctx.signal);
          return reply;
        },
        push: (_state, _request, ctx) => void signals.push(ctx.signal),
      }),
    );
    const controller = new AbortController();
    const late = rejection(ref.work({}, { timeoutMs: 100 }));
    const aborted = rejection(ref.work({}, { signal: controller.signal }));
    const inTime = ref.work({});
    const failed = rejection(ref.work({}));
    const left = rejection(ref.work({}));
    ref.push({});
    await until(() => signals.length === 6);
    expect(system.unfinished().handlers).to.equal(5);
    expect(signals.map((signal) => signal.aborted)).to.deep.equal([false, false, false, false, false, false]);
    controller.abort();
    expect(await aborted).to.be.instanceOf(AskAbortedError);
    expect(await late).to.be.instanceOf(AskTimeoutError);
    expect(scheduler.now()).to.be.below(200);
    expect(system.unfinished().handlers).to.equal(3);
    expect(signals.map((signal) => signal.aborted)).to.deep.equal([true, true, false, false, false, false]);
    expect(signals[0]?.reason).to.be.instanceOf(AskTimeoutError);
    expect(waiting[0]?.resolve({ value: 1 }), 'late').to.equal(false);
    expect(waiting[1]?.resolve({ value: 1 }), 'aborted').to.equal(false);
    expect(waiting[2]?.resolve({ value: 7 }), 'in time').to.equal(true);
    expect(waiting[2]?.resolve({ value: 8 }), 'twice').to.equal(false);
    expect(waiting[3]?.reject(new Error('no')), 'a failure').to.equal(true);
    expect(await inTime).to.deep.equal({ value: 7 });
    expect(await failed).to.be.instanceOf(HandlerError);
    await system.stop(ref);
    expect(await left).to.be.instanceOf(StoppedError);
    expect(waiting[4]?.resolve({ value: 1 }), 'stopped').to.equal(false);
    expect(signals.map((signal) => signal.aborted)).to.deep.equal([true, true, true, true, true, false]);
  });

  const failing: Readonly<Record<string, () => Later<{ value: number }>>> = {
    'a later that rejects': () => later(Promise.reject(new Error('no'))),
    'a deferred that is rejected': () => {
      const reply = deferred<{ value: number }>();
      reply.reject(new Error('no'));
      return reply;
    },
    'a later that brings no message': () => later(Promise.resolve(untyped(7))),
    'a refusal whose detail cannot be encoded': () => {
      const type = { ...Worker.methods.work.request, typeName: 'test.Broken' };
      return later(Promise.reject(new Refusal('NO', 'no', { type, value: {} })));
    },
  };
  for (const [what, reply] of Object.entries(failing)) {
    it(`logs and counts ${what}, and costs the actor nothing`, async () => {
      const { system, log } = testSystem();
      let starts = 0;
      const ref = system.spawn(
        counter({
          supervision: 'restart',
          state: () => ++starts,
          work: reply,
          count: async function* () {
            yield reply();
          },
        }),
        { name: 'router' },
      );
      expect(await rejection(ref.work({}))).to.be.instanceOf(HandlerError);
      expect((await readAll(ref.count({}))).error).to.be.instanceOf(HandlerError);
      expect(system.statistics).to.include({ failures: 2, restarts: 0 });
      expect(starts).to.equal(1);
      const records = log.filter(({ message }) => message === 'a deferred reply failed');
      expect(records.map(({ level }) => level)).to.deep.equal(['warn', 'warn']);
      const methods = records.map(({ fields }) => [fields?.['actor'], fields?.['during']]);
      expect(methods).to.deep.equal([
        ['test/router', Counting.methods.work.fullName],
        ['test/router', Counting.methods.count.fullName],
      ]);
    });
  }

  it('does not count a refusal as a failure', async () => {
    const { system, log } = testSystem();
    const ref = system.spawn(worker({ work: () => later(Promise.reject(new Refusal('NO', 'no'))) }));
    expect(await rejection(ref.work({}))).to.be.instanceOf(RefusedError);
    expect(system.statistics.failures).to.equal(0);
    expect(log.filter(({ level }) => level === 'warn')).to.deep.equal([]);
  });

  it('that no handler returned may be rejected all the same', async () => {
    const { system } = testSystem();
    const ref = system.spawn(worker({ push: () => deferred<{ value: number }>().reject(new Error('nobody waits')) }));
    ref.push({});
    expect(await ref.work({ value: 3 })).to.deep.equal({ value: 3 });
  });
});
