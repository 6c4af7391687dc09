import { expect } from 'chai';
import fc from 'fast-check';
import type { Context, Failure } from '#src/actors/kernel/index.js';
import { AskTimeoutError, BackpressureError, ConfigError, HandlerError, StoppedError } from '#src/errors.js';
import { deferred } from '../../support/deferred.js';
import { millraceRejection, rejection } from '../../support/rejection.js';
import { until } from '../../support/until.js';
import { closeSystems, testSystem, worker } from './harness.js';

/** Puts everything aside until it is pushed a 0, and notes what it handles. */
function patient(handled: (number | string)[], mailbox: { capacity?: number; stashCapacity?: number } = {}) {
  return worker({
    mailbox,
    state: () => ({ isOpen: false }),
    push: (state, { value }, ctx) => {
      if (value === 0) {
        state.isOpen = true;
        ctx.unstashAll();
      } else if (value === -1) throw new Error('broken');
      else if (state.isOpen) handled.push(value);
      else ctx.stash();
    },
    work: (state, { value }, ctx) => {
      if (!state.isOpen) ctx.stash();
      else handled.push(`asked ${value}`);
      return { value };
    },
  });
}

for (const isReal of [false, true]) {
  describe(`a stash, in ${isReal ? 'real' : 'virtual'} time`, () => {
    afterEach(closeSystems);

    it('keeps messages in order, and hands them out before what waits', async () => {
      const { system } = testSystem({}, { isReal });
      const handled: number[] = [];
      const ref = system.spawn(patient(handled));
      for (const value of [1, 2, 3, 0, 4, 5]) ref.push({ value });
      await until(() => handled.length === 5);
      expect(handled).to.deep.equal([1, 2, 3, 4, 5]);
    });

    it('keeps an ask, which is answered when it is handled', async () => {
      const { system } = testSystem({}, { isReal });
      const handled: (number | string)[] = [];
      const ref = system.spawn(patient(handled));
      const asked = ref.work({ value: 7 });
      ref.push({ value: 1 });
      await until(() => system.statistics.messages >= 2);
      expect(system.statistics.pendingAsks).to.equal(1);
      ref.push({ value: 0 });
      expect(await asked).to.deep.equal({ value: 7 });
      await until(() => handled.length === 2);
      expect(handled).to.deep.equal(['asked 7', 1]);
    });
  });
}

describe('a stash', () => {
  afterEach(closeSystems);

  it('keeps the deadline of an ask, which is not handled after it', async () => {
    const { system, scheduler } = testSystem();
    const handled: (number | string)[] = [];
    const ref = system.spawn(patient(handled));
    const asked = millraceRejection(ref.work({ value: 7 }, { timeoutMs: 100 }));
    ref.push({ value: 1 });
    const error = await asked;
    expect(error).to.be.instanceOf(AskTimeoutError);
    expect(error.message).to.contain('the actor has stashed it');
    expect(scheduler.now()).to.equal(100);
    ref.push({ value: 0 });
    await until(() => handled.length > 0);
    expect(handled).to.deep.equal([1]);
  });

  it('does with messages what a list would, however they are put aside and taken back', async () => {
    const commands = fc.array(fc.oneof(fc.constant('all' as const), fc.boolean()), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(commands, fc.integer({ min: 1, max: 8 }), async (script, burst) => {
        const { system } = testSystem();
        const handled: number[] = [];
        let step = 0;
        const ref = system.spawn(
          worker({
            push: (_state, { value }, ctx) => {
              const command = script[step++];
              if (command === true) ctx.stash();
              else handled.push(value);
              if (command === 'all') ctx.unstashAll();
            },
          }),
        );
        const expected: number[] = [];
        const waiting = Array.from({ length: burst * 3 }, (_none, index) => index);
        let aside: number[] = [];
        for (const value of waiting) ref.push({ value });
        for (let turn = 0; waiting.length > 0; turn++) {
          const value = waiting.shift() ?? 0;
          if (script[turn] === true) aside.push(value);
          else expected.push(value);
          if (script[turn] === 'all') waiting.unshift(...aside.splice(0));
        }
        await until(() => system.statistics.messages >= step && handled.length === expected.length);
        expect(handled).to.deep.equal(expected);
        const lost: unknown[] = [];
        system.deadLetters.subscribe(({ message }) => lost.push(message));
        await system.stop(ref);
        expect(lost).to.deep.equal(aside.map((value) => ({ value })));
        aside = [];
        await closeSystems();
      }),
      { numRuns: 60 },
    );
  });

  it('takes a message whose handler awaits, when that is done', async () => {
    const { system } = testSystem();
    const gate = deferred();
    const handled: number[] = [];
    let isOpen = false;
    const ref = system.spawn(
      worker({
        push: async (_state, { value }, ctx) => {
          if (value === 0) isOpen = true;
          await gate.promise;
          if (isOpen) ctx.unstashAll();
          if (isOpen) handled.push(value);
          else ctx.stash();
        },
      }),
    );
    for (const value of [1, 2]) ref.push({ value });
    gate.resolve();
    await until(() => system.statistics.messages === 2);
    ref.push({ value: 0 });
    ref.push({ value: 3 });
    await until(() => handled.length === 4);
    expect(handled).to.deep.equal([0, 1, 2, 3]);
  });

  it('is bounded: BackpressureError, which fails the handler', async () => {
    const { system, log } = testSystem();
    const handled: number[] = [];
    const ref = system.spawn(patient(handled, { stashCapacity: 2 }));
    for (const value of [1, 2]) ref.push({ value });
    const refused = await rejection(ref.work({ value: 3 }));
    expect(refused).to.be.instanceOf(HandlerError).and.include({ handlerCode: 'BACKPRESSURE' });
    expect(log.map(({ message }) => message)).to.deep.equal(['actor failed: resume']);
  });

  it('has 1 024 places where nobody says otherwise', async () => {
    const { system } = testSystem();
    let refused: unknown;
    const ref = system.spawn(
      worker({
        push: (_state, _message, ctx) => {
          try {
            ctx.stash();
          } catch (error) {
            refused = error;
          }
        },
      }),
    );
    for (let count = 0; count < 1_024; count++) ref.push({});
    await until(() => system.statistics.messages === 1_024);
    expect(refused).to.equal(undefined);
    ref.push({});
    await until(() => system.statistics.messages === 1_025);
    expect(refused).to.be.instanceOf(BackpressureError);
  });

  it('makes room of asks that nobody waits for any more', async () => {
    const { system } = testSystem();
    const handled: (number | string)[] = [];
    const ref = system.spawn(patient(handled, { stashCapacity: 2 }));
    ref.push({ value: 1 });
    expect(await rejection(ref.work({}, { timeoutMs: 5 }))).to.be.instanceOf(AskTimeoutError);
    for (const value of [2, 0]) ref.push({ value });
    await until(() => handled.length === 2);
    expect(handled).to.deep.equal([1, 2]);
  });

  it('may fill a mailbox past its bound: what was accepted once is not lost', async () => {
    const { system } = testSystem();
    const handled: number[] = [];
    const ref = system.spawn(patient(handled, { capacity: 4, stashCapacity: 8 }));
    for (const value of [1, 2, 3, 4]) ref.push({ value });
    await until(() => system.statistics.messages >= 4);
    for (const value of [0, 5, 6, 7]) ref.push({ value });
    expect(() => ref.push({ value: 8 })).to.throw(BackpressureError);
    await until(() => handled.length === 7);
    expect(handled).to.deep.equal([1, 2, 3, 4, 5, 6, 7]);
    expect(system.deadLetters.count).to.equal(0);
  });

  it('goes back before the mailbox when the actor restarts; what failed is gone', async () => {
    const { system } = testSystem();
    const handled: (number | string)[] = [];
    const ref = system.spawn(patient(handled));
    for (const value of [1, 2, -1, 3, 0]) ref.push({ value });
    await until(() => handled.length === 3);
    expect(handled).to.deep.equal([1, 2, 3]);
  });

  it('never takes a message whose handler failed after it asked for that', async () => {
    const { system } = testSystem();
    let runs = 0;
    const ref = system.spawn(
      worker({
        work: (_state, _message, ctx) => {
          runs++;
          ctx.stash();
          throw new Error('broken');
        },
        push: (_state, _message, ctx) => ctx.unstashAll(),
      }),
    );
    expect(await rejection(ref.work({}))).to.be.instanceOf(HandlerError);
    ref.push({});
    await until(() => system.statistics.messages >= 2);
    expect(runs).to.equal(1);
  });

  for (const end of ['returns', 'throws'] as const) {
    it(`loses nothing when one handler stashes, waits and unstashes, and then ${end}`, async () => {
      const { system } = testSystem();
      const handled: number[] = [];
      const gate = deferred();
      let isLoaded = false;
      const ref = system.spawn(
        worker({
          supervision: 'resume',
          push: async (_state, { value }, ctx) => {
            if (isLoaded) return void handled.push(value);
            ctx.stash();
            if (value < 3) return;
            await gate.promise;
            isLoaded = true;
            ctx.unstashAll();
            if (end === 'throws') throw new Error('broken');
          },
        }),
      );
      for (const value of [1, 2, 3, 4]) ref.push({ value });
      gate.resolve();
      const expected = end === 'returns' ? [1, 2, 3, 4] : [1, 2, 4];
      await until(() => handled.length === expected.length);
      expect(handled).to.deep.equal(expected);
    });
  }

  it('stays as it is when the actor resumes', async () => {
    const { system } = testSystem();
    const handled: number[] = [];
    const ref = system.spawn(
      worker({
        supervision: 'resume',
        push: (_state, { value }, ctx) => {
          if (value < 0) throw new Error('broken');
          if (value > 0 && handled.length === 0) return ctx.stash();
          handled.push(value);
          ctx.unstashAll();
        },
      }),
    );
    for (const value of [1, -1, 2, 0]) ref.push({ value });
    await until(() => handled.length === 3);
    expect(handled).to.deep.equal([0, 1, 2]);
  });

  it('becomes dead letters and StoppedError when the actor stops, oldest first', async () => {
    const { system } = testSystem();
    const lost: unknown[] = [];
    system.deadLetters.subscribe((letter) => lost.push(letter));
    const ref = system.spawn(patient([]), { name: 'p' });
    const asked = rejection(ref.work({ value: 9 }));
    for (const value of [1, 2]) ref.push({ value });
    await until(() => system.statistics.messages >= 3);
    ref.push({ value: 3 });
    await system.stop(ref);
    expect(await asked).to.be.instanceOf(StoppedError);
    expect(lost).to.deep.equal(
      [1, 2, 3].map((value) => ({ path: 'test/p', method: 'test.Worker.Push', message: { value }, reason: 'stopped' })),
    );
  });

  it('takes nothing of an actor that stops meanwhile', async () => {
    const { system } = testSystem();
    const gate = deferred();
    let isRunning = false;
    const ref = system.spawn(
      worker({
        work: async (_state, message, ctx) => {
          isRunning = true;
          await gate.promise;
          ctx.stash();
          return message;
        },
      }),
    );
    const asked = rejection(ref.work({}));
    await until(() => isRunning);
    const stopped = system.stop(ref);
    gate.resolve();
    expect(await asked).to.be.instanceOf(StoppedError);
    await stopped;
  });

  it('is refused where no message is handled', async () => {
    const { system } = testSystem();
    const failures: Failure[] = [];
    system.failures.subscribe((failure) => failures.push(failure));
    let context: Context | undefined;
    const stash = (ctx: Context): void => ctx.stash();
    const later = async (ctx: Context): Promise<void> => {
      await Promise.resolve();
      ctx.stash();
    };
    system.spawn(worker({ supervision: 'stop', state: stash }));
    system.spawn(worker({ supervision: 'stop', on: { started: (_state, ctx) => stash(ctx) } }));
    system.spawn(worker({ supervision: 'stop', on: { started: (_state, ctx) => later(ctx) } }));
    system.spawn(worker({ supervision: 'stop', state: (ctx) => void ctx.after(1, () => stash(ctx)) }));
    system.spawn(worker({ supervision: 'stop', state: (ctx) => void ctx.after(1, () => later(ctx)) }));
    system.spawn(worker({ state: (ctx) => void (context = ctx) }));
    await until(() => failures.length === 5 && context !== undefined);
    for (const { error } of failures)
      expect(error).to.be.instanceOf(ConfigError).with.property('message').that.contains('ctx.stash()');
    expect(() => context?.stash()).to.throw(ConfigError);
  });

  it('refuses a capacity that is no number of messages', () => {
    for (const stashCapacity of [0, -1, 1.5, Number.NaN]) {
      expect(() => worker({ mailbox: { stashCapacity } })).to.throw(ConfigError, 'stashCapacity');
    }
  });
});
