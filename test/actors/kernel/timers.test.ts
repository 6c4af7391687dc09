import { expect } from 'chai';
import { ConfigError } from '#src/errors.js';
import { deferred } from '../../support/deferred.js';
import { until } from '../../support/until.js';
import { closeSystems, testSystem, worker } from './harness.js';

describe('timers of an actor', () => {
  afterEach(closeSystems);

  it('fire once after a delay, or again and again after a period, until cancelled', async () => {
    const { system, scheduler } = testSystem();
    const events: string[] = [];
    system.spawn(
      worker({
        state: (ctx) => {
          ctx.after(25, () => void events.push(`after ${ctx.scheduler.now()}`));
          const cancelled = ctx.after(5, () => void events.push('never'));
          ctx.cancel(cancelled);
          const every = ctx.every(10, () => void events.push(`every ${ctx.scheduler.now()}`));
          ctx.after(35, () => ctx.cancel(every));
        },
      }),
    );
    await until(() => scheduler.now() === 35 && scheduler.pendingTimers === 0);
    expect(events).to.deep.equal(['every 10', 'every 20', 'after 25', 'every 30']);
  });

  it('never run beside a handler, and make up for no period that passed', async () => {
    const { system, scheduler } = testSystem();
    const events: string[] = [];
    const gate = deferred();
    const ref = system.spawn(
      worker({
        push: async (_state, _message, ctx) => {
          ctx.every(10, () => void events.push('tick'));
          await gate.promise;
          events.push('handled');
        },
      }),
    );
    ref.push({});
    let isLater = false;
    scheduler.setTimer(55, () => {
      isLater = true;
      gate.resolve();
    });
    await until(() => isLater && events.length >= 2);
    expect(events.slice(0, 2)).to.deep.equal(['handled', 'tick']);
    await until(() => scheduler.now() >= 60 && events.length >= 3);
    expect(events).to.have.length.below(5);
  });

  it('may await: no message and no other timer runs meanwhile, and a rejection is a failure', async () => {
    const { system, scheduler, log } = testSystem();
    const events: string[] = [];
    const gate = deferred();
    const ref = system.spawn(
      worker({
        supervision: 'resume',
        state: (ctx) => {
          ctx.after(10, async () => {
            events.push('begins');
            await gate.promise;
            events.push('ends');
            throw new Error('broken');
          });
          ctx.after(20, () => void events.push('second'));
        },
        push: () => void events.push('message'),
      }),
    );
    await ref.work({});
    scheduler.setTimer(15, () => ref.push({}));
    scheduler.setTimer(30, () => gate.resolve());
    await until(() => events.length === 4);
    expect(events).to.deep.equal(['begins', 'ends', 'second', 'message']);
    expect(log.filter(({ level }) => level === 'warn')).to.have.length(1);
  });

  it('end with the actor, and with its restart', async () => {
    const { system, scheduler } = testSystem();
    let starts = 0;
    const ref = system.spawn(
      worker({
        state: (ctx) => {
          starts++;
          ctx.every(1_000, () => {});
        },
        push: () => {
          throw new Error('broken');
        },
      }),
    );
    ref.push({});
    await until(() => starts === 2);
    expect(scheduler.pendingTimers).to.equal(1);
    await system.stop(ref);
    expect(scheduler.pendingTimers).to.equal(0);
  });

  it('refuse delays that are none', async () => {
    const { system } = testSystem();
    const errors: unknown[] = [];
    const ref = system.spawn(
      worker({
        state: (ctx) => {
          for (const set of [
            () => ctx.after(-1, () => {}),
            () => ctx.every(0, () => {}),
            () => ctx.every(Number.NaN, () => {}),
          ]) {
            try {
              set();
            } catch (error) {
              errors.push(error);
            }
          }
        },
      }),
    );
    await ref.work({});
    expect(errors).to.have.length(3);
    for (const error of errors) expect(error).to.be.instanceOf(ConfigError);
  });
});
