import { expect } from 'chai';
import { type Context, later } from '#src/actors/kernel/index.js';
import { ConfigError } from '#src/errors.js';
import type { Scheduler } from '#src/scheduler/index.js';
import { deferred } from '../../support/deferred.js';
import { until } from '../../support/until.js';
import { closeSystems, testSystem, worker } from './harness.js';

function at(scheduler: Scheduler, timesMs: readonly number[], what: () => void): void {
  for (const timeMs of timesMs) scheduler.setTimer(timeMs, what);
}

async function pass(scheduler: Scheduler, durationMs: number): Promise<void> {
  let hasPassed = false;
  scheduler.setTimer(durationMs, () => {
    hasPassed = true;
  });
  await until(() => hasPassed);
}

describe('an idle timeout', () => {
  afterEach(closeSystems);

  it('calls on.idle when no message came for so long, counted from the last, and again after each further while', async () => {
    const { system, scheduler } = testSystem();
    const idles: number[] = [];
    const ref = system.spawn(worker({ idleTimeoutMs: 100, on: { idle: () => void idles.push(scheduler.now()) } }));
    at(scheduler, [30, 60, 140, 470], () => ref.push({}));
    await pass(scheduler, 600);
    expect(idles).to.deep.equal([240, 340, 440, 570]);
  });

  it('calls on.idle while replies of later() are pending', async () => {
    const { system } = testSystem();
    const reply = deferred<{ value: number }>();
    const idles: number[] = [];
    const on = { idle: () => void idles.push(idles.length) };
    const ref = system.spawn(worker({ idleTimeoutMs: 100, on, work: () => later(reply.promise) }));
    const answer = ref.work({});
    await until(() => idles.length === 2);
    reply.resolve({ value: 7 });
    expect(await answer).to.deep.equal({ value: 7 });
  });

  it('comes in real time, too, never early', async () => {
    const { system, scheduler } = testSystem({}, { isReal: true });
    const from = scheduler.now();
    let idleMs = 0;
    system.spawn(
      worker({
        idleTimeoutMs: 10,
        on: {
          idle: (_state, ctx) => {
            idleMs = scheduler.now();
            ctx.stop();
          },
        },
      }),
    );
    await until(() => system.statistics.actors === 0);
    expect(idleMs - from).to.be.at.least(10);
  });

  it('sets no timer for a message', async () => {
    const { system, scheduler } = testSystem();
    let set = 0;
    const setTimer = scheduler.setTimer.bind(scheduler);
    scheduler.setTimer = (delayMs, callback) => {
      set++;
      return setTimer(delayMs, callback);
    };
    const ref = system.spawn(worker({ idleTimeoutMs: 1_000, on: { idle: () => {} } }));
    for (let count = 0; count < 1_000; count++) ref.push({});
    await until(() => system.statistics.messages > 1_000);
    expect(set).to.equal(1);
    expect(scheduler.pendingTimers).to.equal(1);
  });

  it('does not count timers as messages, nor the time that a handler takes', async () => {
    const { system, scheduler } = testSystem();
    const idles: number[] = [];
    const gate = deferred();
    const ref = system.spawn(
      worker({
        idleTimeoutMs: 100,
        state: (ctx) => void ctx.every(30, () => {}),
        on: { idle: () => void idles.push(scheduler.now()) },
        push: () => gate.promise,
      }),
    );
    at(scheduler, [50], () => ref.push({}));
    at(scheduler, [400], () => gate.resolve());
    await pass(scheduler, 550);
    expect(idles).to.deep.equal([500]);
  });

  it('lets messages go first that came before its turn', async () => {
    const { system, scheduler } = testSystem({ turnMessages: 1 });
    const events: string[] = [];
    const ref = system.spawn(
      worker({
        idleTimeoutMs: 100,
        on: { idle: () => void events.push(`idle ${scheduler.now()}`) },
        push: () => void events.push('message'),
      }),
    );
    await ref.work({});
    // Due when the idle timer is; dispatch has used up its turn, so that both come before the actor's next one.
    at(scheduler, [100], () => ref.push({}));
    await pass(scheduler, 250);
    expect(events).to.deep.equal(['message', 'idle 200']);
  });

  it('is set, changed and taken away by ctx.setIdleTimeout', async () => {
    const { system, scheduler } = testSystem();
    const idles: number[] = [];
    const ref = system.spawn(
      worker({
        on: {
          idle: (_state, ctx) => {
            idles.push(scheduler.now());
            if (idles.length === 2) ctx.setIdleTimeout(10);
            if (idles.length === 4) ctx.setIdleTimeout(undefined);
          },
        },
        push: (_state, _message, ctx) => ctx.setIdleTimeout(50),
      }),
    );
    await pass(scheduler, 100);
    ref.push({});
    await pass(scheduler, 1_000);
    expect(idles).to.deep.equal([150, 200, 210, 220]);
    expect(scheduler.pendingTimers).to.equal(0);
  });

  it('ends with the actor, and begins anew with its restart', async () => {
    const { system, scheduler } = testSystem();
    const idles: number[] = [];
    const ref = system.spawn(
      worker({
        idleTimeoutMs: 100,
        on: { idle: () => void idles.push(scheduler.now()) },
        push: () => {
          throw new Error('broken');
        },
      }),
    );
    await ref.work({});
    at(scheduler, [40], () => ref.push({}));
    await pass(scheduler, 150);
    expect(idles).to.have.length(1);
    expect(idles[0]).to.be.within(145, 150);
    await system.stop(ref);
    expect(scheduler.pendingTimers).to.equal(0);
  });

  it('has a hook that may await, and holds the mailbox meanwhile; what it throws is a failure', async () => {
    const { system, scheduler } = testSystem();
    const events: string[] = [];
    const gate = deferred();
    const ref = system.spawn(
      worker({
        idleTimeoutMs: 100,
        supervision: 'stop',
        on: {
          idle: async () => {
            events.push('idle');
            await gate.promise;
            events.push('later');
            throw new Error('broken');
          },
          stopping: () => void events.push('stopping'),
        },
        push: () => void events.push('message'),
      }),
    );
    at(scheduler, [110], () => ref.push({}));
    at(scheduler, [120], () => gate.resolve());
    await until(() => system.statistics.actors === 0);
    expect(events).to.deep.equal(['idle', 'later', 'stopping']);
    expect(system.deadLetters.count).to.equal(1);
  });

  it('refuses a time that is none, and one without on.idle', async () => {
    const on = { idle: () => {} };
    for (const idleTimeoutMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => worker({ idleTimeoutMs, on })).to.throw(ConfigError, 'idleTimeoutMs');
    }
    expect(() => worker({ idleTimeoutMs: 5 })).to.throw(ConfigError, 'on.idle');
    const { system } = testSystem();
    const errors: unknown[] = [];
    const attempt = (ctx: Context, timeoutMs: number): void => {
      try {
        ctx.setIdleTimeout(timeoutMs);
      } catch (error) {
        errors.push(error);
      }
    };
    await system.spawn(worker({ state: (ctx) => attempt(ctx, 5) })).work({});
    await system.spawn(worker({ state: (ctx) => attempt(ctx, 0), on })).work({});
    expect(errors).to.have.length(2);
    for (const error of errors) expect(error).to.be.instanceOf(ConfigError);
  });
});
