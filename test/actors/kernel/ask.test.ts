import { expect } from 'chai';
import fc from 'fast-check';
import { Deadline, Deadlines } from '#src/actors/kernel/deadlines.js';
import type { Context } from '#src/actors/kernel/index.js';
import {
  AskAbortedError,
  AskTimeoutError,
  ConfigError,
  HandlerError,
  ProtocolError,
  ReentrantAskError,
} from '#src/errors.js';
import { VirtualScheduler } from '#src/scheduler/index.js';
import { deferred } from '../../support/deferred.js';
import { rejection } from '../../support/rejection.js';
import { turn, until } from '../../support/until.js';
import { closeSystems, testSystem, worker, type WorkerRef } from './harness.js';

describe('an ask', () => {
  afterEach(closeSystems);

  it('rejects at its deadline, neither before nor after', async () => {
    const { system, scheduler } = testSystem();
    const ref = system.spawn(worker({ work: () => new Promise(() => {}) }));
    for (const timeoutMs of [1, 15.5, 100, 9_000, 60_000]) {
      const startMs = scheduler.now();
      const error = await rejection(ref.work({}, { timeoutMs }));
      expect(error).to.be.instanceOf(AskTimeoutError).with.property('message').that.includes('test/Worker-1');
      expect(scheduler.now() - startMs).to.be.closeTo(timeoutMs, 1e-6);
    }
  });

  it('has a deadline of `askTimeoutMs` when it states none', async () => {
    const { system, scheduler } = testSystem({ askTimeoutMs: 250 });
    const ref = system.spawn(worker({ work: () => new Promise(() => {}) }));
    expect(await rejection(ref.work({}))).to.be.instanceOf(AskTimeoutError);
    expect(scheduler.now()).to.equal(250);
  });

  it('never rejects before its deadline in real time', async () => {
    const { system } = testSystem({ stopTimeoutMs: 1 }, { isReal: true });
    const ref = system.spawn(worker({ work: () => new Promise(() => {}) }));
    const startMs = performance.now();
    await Promise.all(
      [3, 7.25, 20].map(async (timeoutMs) => {
        expect(await rejection(ref.work({}, { timeoutMs }))).to.be.instanceOf(AskTimeoutError);
        expect(performance.now() - startMs).to.be.at.least(timeoutMs);
      }),
    );
  });

  it('refuses a timeout that is no positive number', async () => {
    const { system } = testSystem();
    const ref = system.spawn(worker());
    for (const timeoutMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(await rejection(ref.work({}, { timeoutMs }))).to.be.instanceOf(ConfigError);
    }
  });

  it('that has expired in the mailbox is not executed', async () => {
    const { system } = testSystem();
    const gate = deferred();
    const handled: number[] = [];
    const ref = system.spawn(
      worker({
        push: () => gate.promise,
        work: (_state, message) => {
          handled.push(message.value);
          return message;
        },
      }),
    );
    ref.push({});
    const expired = rejection(ref.work({ value: 1 }, { timeoutMs: 10 }));
    const inTime = ref.work({ value: 2 }, { timeoutMs: 1_000 });
    expect(await expired).to.be.instanceOf(AskTimeoutError);
    gate.resolve();
    await inTime;
    expect(handled).to.deep.equal([2]);
  });

  it('that expires while the thread is held up is not executed', async () => {
    const { system } = testSystem({}, { isReal: true });
    let isHandled = false;
    const ref = system.spawn(worker({ work: (_state, message) => ((isHandled = true), message) }));
    const expired = rejection(ref.work({}, { timeoutMs: 2 }));
    for (const startMs = performance.now(); performance.now() - startMs < 4; );
    expect(await expired).to.be.instanceOf(AskTimeoutError);
    expect(isHandled).to.equal(false);
  });

  it('is aborted by its signal: before, while it waits in the mailbox, and while it is handled', async () => {
    const { system } = testSystem();
    const gate = deferred();
    const handled: number[] = [];
    const ref = system.spawn(
      worker({
        work: async (_state, message) => {
          handled.push(message.value);
          await gate.promise;
          return message;
        },
      }),
    );
    const reason = new Error('enough');
    const before = await rejection(ref.work({ value: 1 }, { signal: AbortSignal.abort(reason) }));
    expect(before).to.be.instanceOf(AskAbortedError).with.property('cause', reason);
    const [first, second] = [new AbortController(), new AbortController()];
    const inHandler = rejection(ref.work({ value: 2 }, { signal: first.signal }));
    const inMailbox = rejection(ref.work({ value: 3 }, { signal: second.signal }));
    await until(() => handled.length === 1);
    second.abort(reason);
    first.abort(reason);
    expect(await inHandler).to.be.instanceOf(AskAbortedError);
    expect(await inMailbox).to.be.instanceOf(AskAbortedError);
    expect(system.statistics.pendingAsks).to.equal(0);
    gate.resolve();
    await ref.work({ value: 4 });
    expect(handled).to.deep.equal([2, 4]);
  });

  it('is answered with the message and code of what its handler throws or rejects with, and not the stack', async () => {
    const { system } = testSystem();
    const fail = (how: number): Promise<never> => {
      const error = Object.assign(new ProtocolError('out of stock'), { secret: true });
      if (how === 1) throw error;
      if (how === 2) return Promise.reject(error);
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- what handlers should not do, but may
      return Promise.reject('no Error at all');
    };
    const ref = system.spawn(worker({ supervision: 'resume', work: (_state, { value }) => fail(value) }));
    for (const value of [1, 2]) {
      const error = await rejection(ref.work({ value }));
      expect(error).to.be.instanceOf(HandlerError);
      expect(error).to.include({ message: 'out of stock', handlerCode: 'PROTOCOL', code: 'HANDLER' });
      expect(error).to.not.have.any.keys('secret', 'cause');
    }
    expect(await rejection(ref.work({ value: 3 })))
      .to.be.instanceOf(HandlerError)
      .with.property('message')
      .that.includes('no Error at all');
  });

  it('leaves no timer once all asks are answered', async () => {
    const { system, scheduler } = testSystem({}, { isReal: true });
    const ref = system.spawn(worker());
    await Promise.all(Array.from({ length: 10 }, (_, value) => ref.work({ value })));
    await turn();
    await turn();
    expect(scheduler.pendingTimers).to.equal(0);
  });
});

describe('a nested ask', () => {
  afterEach(closeSystems);

  type Call = (message: { value: number }, ctx: Context<undefined>) => Promise<{ value: number }>;
  const through = (call: Call) => worker({ work: (_state, message, ctx) => call(message, ctx), supervision: 'resume' });

  it('has no more time than the one it serves, whether it is made before an await or after', async () => {
    for (const isLate of [false, true]) {
      const { system, scheduler } = testSystem();
      const deaf = system.spawn(worker({ work: () => new Promise(() => {}) }));
      let nested: unknown;
      const front = system.spawn(
        through(async (message, ctx) => {
          if (isLate) await Promise.resolve();
          nested = await rejection(isLate ? deaf.work(message, ctx.options({ timeoutMs: 1_000 })) : deaf.work(message));
          expect(scheduler.now()).to.equal(100);
          return message;
        }),
      );
      await rejection(front.work({}, { timeoutMs: 100 }));
      await until(() => nested !== undefined);
      expect(nested).to.be.instanceOf(AskTimeoutError);
    }
  });

  it('inherits by a copy of ctx.options() with more options, whatever it is passed to', async () => {
    const { system } = testSystem();
    const seen: unknown[] = [];
    const errors: unknown[] = [];
    const back = system.spawn(
      worker({
        push: (_state, _message, ctx) => void seen.push(ctx.meta),
        work: (_state, message, ctx) => {
          seen.push(ctx.meta);
          return message;
        },
      }),
    );
    const front = system.spawn(
      through(async (message, ctx) => {
        await Promise.resolve();
        const options = { ...ctx.options(), timeoutMs: 1_000 };
        back.push(message, options);
        await back.whenReady.push(message, options);
        await back.ready(options);
        const wrong: object = { ...ctx.options(), timeOutMs: 1_000 };
        errors.push(await rejection(back.work(message, wrong)));
        return back.work(message, options);
      }),
    );
    await front.work({}, { meta: { tenant: 'a' } });
    expect(seen).to.deep.equal([{ tenant: 'a' }, { tenant: 'a' }, { tenant: 'a' }]);
    expect(errors[0]).to.be.instanceOf(ConfigError);
  });

  it('carries meta on, joined with its own', async () => {
    const { system } = testSystem();
    const seen: unknown[] = [];
    const back = system.spawn(
      worker({
        push: (_state, _message, ctx) => void seen.push(ctx.meta),
        work: (_state, message, ctx) => {
          seen.push(ctx.meta);
          return message;
        },
      }),
    );
    const front = system.spawn(
      through(async (message, ctx) => {
        back.push(message);
        await back.work(message, { meta: { tenant: 'b', extra: '1' } });
        await back.work(message);
        return back.work(message, ctx.options());
      }),
    );
    await front.work({}, { meta: { tenant: 'a', trace: '7' } });
    expect(seen).to.deep.equal([
      { tenant: 'a', trace: '7' },
      { tenant: 'b', trace: '7', extra: '1' },
      undefined,
      { tenant: 'a', trace: '7' },
    ]);
  });

  it('of an actor that waits in the same chain fails at once, and others in the meantime do not', async () => {
    const { system, scheduler } = testSystem();
    const refs: WorkerRef[] = [];
    const next = (index: number) =>
      through(async (message, ctx) => {
        const target = refs[index];
        if (target === undefined) throw new Error('not wired');
        if (message.value === 1) await Promise.resolve();
        return target.work(message, message.value === 1 ? ctx.options() : undefined);
      });
    for (const index of [1, 2, 0]) refs.push(system.spawn(next(index)));
    const [first] = refs;
    for (const value of [0, 1]) {
      const error = await rejection(first?.work({ value }) ?? Promise.resolve());
      expect(error).to.be.instanceOf(HandlerError).with.property('handlerCode', 'HANDLER');
    }
    expect(scheduler.now()).to.equal(0);
    const self: WorkerRef = system.spawn(
      through(async (message) => {
        const error = await rejection(self.work(message));
        expect(error).to.be.instanceOf(ReentrantAskError);
        return { value: 42 };
      }),
    );
    expect(await self.work({})).to.deep.equal({ value: 42 });
  });

  it('of an actor that only began the chain and does not wait is no deadlock', async () => {
    const { system } = testSystem();
    const answers: unknown[] = [];
    const starter: WorkerRef = system.spawn(
      worker({
        push: (_state, message) => void middle.work(message).then((answer) => answers.push(answer)),
        work: (_state, { value }) => ({ value: value + 1 }),
      }),
    );
    const middle: WorkerRef = system.spawn(through((message) => starter.work(message)));
    starter.push({ value: 1 });
    await until(() => answers.length === 1);
    expect(answers).to.deep.equal([{ value: 2 }]);
  });

  it('names actors that ask one another crosswise, at the deadline', async () => {
    const { system } = testSystem();
    const refs: WorkerRef[] = [];
    for (const next of [1, 2, 0]) {
      const work = (_state: unknown, { value }: { value: number }) =>
        value === 0 ? Promise.resolve({ value }) : (refs[next]?.work({ value: value - 1 }) ?? { value });
      refs.push(system.spawn(worker({ work }), { name: `a${refs.length}` }));
    }
    const errors = await Promise.all(refs.map((ref) => rejection(ref.work({ value: 1 }))));
    for (const error of errors) {
      expect(error).to.be.instanceOf(AskTimeoutError);
      expect((error as Error).message).to.match(
        /: test\/a\d -> test\/a\d -> test\/a\d -> test\/a\d\. Answer with later/,
      );
    }
    const slow = system.spawn(worker({ work: () => new Promise(() => {}) }), { name: 'slow' });
    const front = system.spawn(worker({ work: (_state, message) => slow.work(message) }), { name: 'front' });
    expect((await rejection(front.work({}))) as Error)
      .to.have.property('message')
      .that.not.contains('later()');
    await Promise.all([system.stop(slow), system.stop(front)]);
  });

  it('in a chain that never ends fails at the bound', async () => {
    const { system } = testSystem({ callChain: 8 });
    let depth = 0;
    const deeper = through(async (message, ctx) => {
      depth++;
      return ctx.spawn(deeper).work(message);
    });
    expect(await rejection(system.spawn(deeper).work({}))).to.be.instanceOf(HandlerError);
    expect(depth).to.equal(9);
  });
});

describe('the deadlines', () => {
  it('expire as a sorted list would have them, whatever is added and removed', async () => {
    const step = fc.record({
      afterMs: fc.integer({ min: 0, max: 3_000 }),
      timeoutMs: fc.double({ min: 0.01, max: 30_000, noNaN: true }),
      removedAfterMs: fc.option(fc.integer({ min: 0, max: 20_000 })),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const scheduler = new VirtualScheduler({ seed: 1 });
        const deadlines = new Deadlines(scheduler);
        const expired: number[] = [];
        class Entry extends Deadline {
          override expire(): void {
            expect(scheduler.now()).to.be.at.least(this.deadlineMs).and.closeTo(this.deadlineMs, 1e-6);
            expired.push(this.deadlineMs);
          }
        }
        const expected: number[] = [];
        let atMs = 0;
        for (const { afterMs, timeoutMs, removedAfterMs } of steps) {
          atMs += afterMs;
          const deadlineMs = atMs + timeoutMs;
          const entry = new Entry(deadlineMs);
          scheduler.setTimer(atMs, () => deadlines.add(entry, scheduler.now()));
          if (removedAfterMs !== null) scheduler.setTimer(atMs + removedAfterMs, () => deadlines.remove(entry));
          if (removedAfterMs === null || atMs + removedAfterMs > deadlineMs) expected.push(deadlineMs);
        }
        await until(() => scheduler.pendingTimers === 0);
        expect(expired).to.deep.equal(expected.sort((left, right) => left - right));
        expect(deadlines.count).to.equal(0);
      }),
      { numRuns: 60 },
    );
  });
});
