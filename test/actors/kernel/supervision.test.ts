import { expect } from 'chai';
import type { Failure, Supervision } from '#src/actors/kernel/index.js';
import { ConfigError, HandlerError } from '#src/errors.js';
import { rejection } from '../../support/rejection.js';
import { until } from '../../support/until.js';
import { closeSystems, testSystem, worker } from './harness.js';

/** Counts its messages; a negative one throws, and one of -2 in a promise. */
function fragile(supervision: Supervision | undefined, events: string[]) {
  return worker({
    ...(supervision === undefined ? {} : { supervision }),
    state: () => {
      events.push('state');
      return { count: 0 };
    },
    on: { stopping: ({ count }) => void events.push(`stopping at ${count}`) },
    push: (state, { value }): void | Promise<void> => {
      if (value === -2) return Promise.reject(new Error('broken'));
      if (value < 0) throw new Error('broken');
      state.count += value;
    },
    work: ({ count }) => ({ value: count }),
  });
}

describe('supervision', () => {
  afterEach(closeSystems);

  for (const bad of [-1, -2]) {
    const how = bad === -1 ? 'throws' : 'rejects';

    it(`restarts an actor whose handler ${how}, with fresh state and the rest of its mailbox`, async () => {
      const { system, log } = testSystem();
      const events: string[] = [];
      const ref = system.spawn(fragile(undefined, events), { name: 'f' });
      for (const value of [1, bad, 5]) ref.push({ value });
      expect(await ref.work({})).to.deep.equal({ value: 5 });
      expect(events).to.deep.equal(['state', 'stopping at 1', 'state']);
      const reports = log.filter(({ message }) => message.startsWith('actor failed'));
      expect(reports).to.have.length(1);
      expect(reports[0]).to.deep.include({ level: 'warn', message: 'actor failed: restart' });
    });

    it(`resumes one whose handler ${how}, with its state as it is`, async () => {
      const { system } = testSystem();
      const events: string[] = [];
      const ref = system.spawn(fragile('resume', events));
      for (const value of [1, bad, 5]) ref.push({ value });
      expect(await ref.work({})).to.deep.equal({ value: 6 });
      expect(events).to.deep.equal(['state']);
    });

    it(`stops one whose handler ${how}, and reports the failure of a root`, async () => {
      const { system, log } = testSystem();
      const failures: Failure[] = [];
      system.failures.subscribe((failure) => failures.push(failure));
      const events: string[] = [];
      const ref = system.spawn(fragile('stop', events), { name: 'f' });
      for (const value of [1, bad, 5]) ref.push({ value });
      await until(() => system.statistics.actors === 0);
      expect(events).to.deep.equal(['state', 'stopping at 1']);
      expect(failures.map(({ path, error }) => [path, error.message])).to.deep.equal([['test/f', 'broken']]);
      expect(log.filter(({ level }) => level === 'error')).to.have.length(1);
      expect(system.deadLetters.count).to.equal(1);
    });
  }

  it('gives up after `maxRestarts` within the window, waiting longer each time', async () => {
    const { system, scheduler } = testSystem();
    const failures: Failure[] = [];
    system.failures.subscribe((failure) => failures.push(failure));
    const starts: number[] = [];
    const backoff = { minMs: 100, maxMs: 250 };
    const ref = system.spawn(
      worker({
        supervision: { maxRestarts: 4, windowMs: 60_000, backoff },
        state: () => void starts.push(scheduler.now()),
        push: () => {
          throw new Error('broken');
        },
      }),
    );
    for (let count = 0; count < 6; count++) ref.push({});
    await until(() => failures.length === 1);
    const waits = starts.slice(1).map((startMs, index) => startMs - (starts[index] ?? 0));
    expect(waits).to.have.length(4);
    expect(waits[0]).to.be.within(50, 100);
    expect(waits[1]).to.be.within(100, 200);
    expect(waits[2]).to.be.within(125, 250);
    expect(waits[3]).to.be.within(125, 250);
  });

  it('forgets restarts that lie before the window', async () => {
    const { system, scheduler } = testSystem();
    let isDone = false;
    const events: string[] = [];
    const ref = system.spawn(fragile({ maxRestarts: 1, windowMs: 1_000 }, events));
    for (let count = 0; count < 5; count++) scheduler.setTimer(count * 1_500, () => ref.push({ value: -1 }));
    scheduler.setTimer(10_000, () => {
      isDone = true;
    });
    await until(() => isDone);
    expect(events.filter((event) => event === 'state')).to.have.length(6);
    expect(system.statistics.actors).to.equal(1);
  });

  it('asks a function what to do, and escalates when that throws', async () => {
    const { system } = testSystem();
    const failures: Failure[] = [];
    system.failures.subscribe((failure) => failures.push(failure));
    const judged: string[] = [];
    const onFailure = ({ message }: Error): 'resume' => {
      judged.push(message);
      if (judged.length === 2) throw new Error('no idea');
      return 'resume';
    };
    const ref = system.spawn(fragile({ onFailure }, []));
    ref.push({ value: -1 });
    ref.push({ value: -2 });
    await until(() => failures.length === 1);
    expect(judged).to.deep.equal(['broken', 'broken']);
  });

  it('fails the parent with an escalated error; its restart stops its children first', async () => {
    const { system } = testSystem();
    const events: string[] = [];
    const child = worker({
      supervision: 'escalate',
      push: () => {
        throw new Error('broken');
      },
      on: { stopping: (_state, ctx) => void events.push(`${ctx.name} stopping`) },
    });
    const parent = system.spawn(
      worker({
        state: (ctx) => {
          events.push('parent state');
          return [ctx.spawn(child, { name: 'one' }), ctx.spawn(child, { name: 'two' })];
        },
        on: { stopping: () => void events.push('parent stopping') },
        push: ([one], message) => void one?.push(message),
      }),
    );
    parent.push({});
    await until(() => events.length === 5);
    expect(events).to.deep.equal(['parent state', 'one stopping', 'two stopping', 'parent stopping', 'parent state']);
    expect(await parent.work({ value: 1 })).to.deep.equal({ value: 1 });
    expect(system.statistics.actors).to.equal(3);
  });

  it('handles failures of state, hooks, timers and ctx.fail as those of a handler', async () => {
    const { system, scheduler } = testSystem();
    const failures: string[] = [];
    system.failures.subscribe(({ error }) => failures.push(error.message));
    const boom = (what: string) => (): never => {
      throw new Error(what);
    };
    system.spawn(worker({ supervision: 'stop', state: boom('state') }));
    system.spawn(worker({ supervision: 'stop', on: { started: boom('started') } }));
    system.spawn(worker({ supervision: 'stop', on: { started: () => Promise.reject(new Error('rejected')) } }));
    system.spawn(worker({ supervision: 'stop', state: (ctx) => void ctx.after(5, boom('timer')) }));
    system.spawn(worker({ supervision: 'stop', on: { started: (_state, ctx) => ctx.fail(new Error('behind')) } }));
    system.spawn(worker({ supervision: 'stop', on: { stopping: boom('stopping') } }));
    await until(() => failures.length === 5);
    expect(failures.sort()).to.deep.equal(['behind', 'rejected', 'started', 'state', 'timer']);
    expect(scheduler.now()).to.equal(5);
    expect(system.statistics.actors).to.equal(1);
  });

  it('keeps what is asked during a restart for the new start', async () => {
    const { system } = testSystem();
    const ref = system.spawn(fragile({ backoff: { minMs: 500, maxMs: 500 } }, []));
    ref.push({ value: -1 });
    ref.push({ value: -1 });
    ref.push({ value: 3 });
    expect(await ref.work({}, { timeoutMs: 2_000 })).to.deep.equal({ value: 3 });
  });

  it('can be stopped while it waits for a restart', async () => {
    const { system } = testSystem();
    const events: string[] = [];
    const ref = system.spawn(fragile({ backoff: { minMs: 5_000, maxMs: 5_000 } }, events));
    ref.push({ value: -1 });
    ref.push({ value: -1 });
    const asked = rejection(ref.work({}));
    await until(() => events.length === 4);
    await system.stop(ref);
    expect(await asked).to.have.property('code', 'STOPPED');
  });

  it('fails an asker once, and never hands the message to the new start', async () => {
    const { system } = testSystem();
    let runs = 0;
    const ref = system.spawn(
      worker({
        work: () => {
          runs++;
          throw new Error('broken');
        },
      }),
    );
    expect(await rejection(ref.work({}))).to.be.instanceOf(HandlerError);
    await until(() => system.statistics.pendingAsks === 0);
    expect(runs).to.equal(1);
  });

  it('refuses a directive or number that is none', () => {
    const make = (supervision: object) => () => void Reflect.apply(worker, undefined, [{ supervision }]);
    expect(make({ onFailure: 'panic' })).to.throw(ConfigError, 'panic');
    expect(make({ maxRestarts: -1 })).to.throw(ConfigError, 'maxRestarts');
  });
});
