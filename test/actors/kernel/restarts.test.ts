import { expect } from 'chai';
import type { Context, Failure, Supervision } from '#src/actors/kernel/index.js';
import { until } from '../../support/until.js';
import { closeSystems, testSystem, worker } from './harness.js';

const boom = (): never => {
  throw new Error('broken');
};

/** Fails at every push, and notes when it starts. */
function failing(starts: number[], supervision?: Supervision) {
  return worker({
    ...(supervision === undefined ? {} : { supervision }),
    state: (ctx) => void starts.push(ctx.scheduler.now()),
    push: boom,
  });
}

function waitsOf(starts: readonly number[]): number[] {
  return starts.slice(1).map((startMs, index) => startMs - (starts[index] ?? 0));
}

describe('restarts', () => {
  afterEach(closeSystems);

  it('are 10 within a minute by default, after 10, 20, 40 ... 1 000 ms, a random half of it taken off; the 11th failure escalates', async () => {
    const { system } = testSystem();
    const failures: Failure[] = [];
    system.failures.subscribe((failure) => failures.push(failure));
    const starts: number[] = [];
    const ref = system.spawn(failing(starts), { name: 'f' });
    for (let count = 0; count < 20; count++) ref.push({});
    await until(() => failures.length === 1);
    const waits = waitsOf(starts);
    const most = [10, 20, 40, 80, 160, 320, 640, 1_000, 1_000, 1_000];
    expect(waits).to.have.length(most.length);
    for (const [index, mostMs] of most.entries()) expect(waits[index]).to.be.within(mostMs / 2, mostMs);
    expect(failures.map(({ path, error }) => [path, error.message])).to.deep.equal([['test/f', 'broken']]);
    await until(() => system.statistics.actors === 0);
    expect(system.deadLetters.count).to.equal(9);
  });

  it('of actors that fell together do not happen together', async () => {
    const { system, scheduler } = testSystem();
    const all = Array.from({ length: 20 }, (): number[] => []);
    for (const starts of all) {
      const ref = system.spawn(failing(starts, { backoff: { minMs: 1_000, maxMs: 1_000 } }));
      ref.push({});
      ref.push({});
    }
    await until(() => all.every((starts) => starts.length === 3));
    const rises = all.map((starts) => starts[1] ?? 0);
    expect(new Set(rises).size).to.equal(20);
    expect(Math.max(...rises) - Math.min(...rises)).to.be.above(250);
    expect(scheduler.now()).to.be.at.most(2_000);
  });

  it('wait minMs again when those before lie behind the window, and count only what lies within', async () => {
    const { system, scheduler } = testSystem();
    const starts: number[] = [];
    const backoff = { minMs: 100, maxMs: 400 };
    const ref = system.spawn(failing(starts, { maxRestarts: 2, windowMs: 1_000, backoff }));
    for (const timeMs of [0, 200, 1_500, 1_700, 3_000]) scheduler.setTimer(timeMs, () => ref.push({}));
    await until(() => starts.length === 6);
    const delays = starts.slice(1).map((startMs, index) => startMs - ([0, 200, 1_500, 1_700, 3_000][index] ?? 0));
    expect(delays.map((delayMs) => delayMs <= 100)).to.deep.equal([true, false, true, false, true]);
    expect(system.statistics.actors).to.equal(1);
  });

  it('are none with maxRestarts 0: the first failure escalates', async () => {
    const { system } = testSystem();
    const starts: number[] = [];
    const ref = system.spawn(failing(starts, { maxRestarts: 0 }));
    ref.push({});
    await until(() => system.statistics.actors === 0);
    expect(starts).to.have.length(1);
  });

  it('take their limits from the system where the behavior says nothing', async () => {
    const { system } = testSystem({ restarts: 1, restartWindowMs: 60_000 });
    const starts: number[] = [];
    const ref = system.spawn(failing(starts));
    ref.push({});
    ref.push({});
    await until(() => system.statistics.actors === 0);
    expect(starts).to.have.length(2);
  });

  it('wait for children that hang, no longer than stopTimeoutMs', async () => {
    const { system, scheduler } = testSystem({ stopTimeoutMs: 200 });
    const starts: number[] = [];
    const hanging = worker({ push: () => new Promise(() => {}) });
    const ref = system.spawn(
      worker({
        state: (ctx) => {
          starts.push(scheduler.now());
          return ctx.spawn(hanging, { name: 'child' });
        },
        push: (child, { value }) => (value === 0 ? boom() : void child.push({})),
      }),
    );
    ref.push({ value: 1 });
    await until(() => system.statistics.messages >= 3);
    ref.push({ value: 0 });
    await until(() => starts.length === 2);
    expect(starts[0]).to.equal(0);
    expect(starts[1]).to.be.within(205, 210);
    expect(system.statistics.actors).to.equal(2);
  });

  it('name in the log what failed, once', async () => {
    const { system, log } = testSystem();
    const ref = system.spawn(worker({ supervision: 'resume', push: boom, state: (ctx) => void ctx.after(5, boom) }), {
      name: 'f',
    });
    ref.push({});
    await until(() => log.length === 2);
    expect(log.map(({ message, fields }) => [message, fields['actor'], fields['during']])).to.deep.equal([
      ['actor failed: resume', 'test/f', 'test.Worker.Push'],
      ['actor failed: resume', 'test/f', 'a timer or hook'],
    ]);
  });
});

describe('escalation', () => {
  afterEach(closeSystems);

  it('fails one parent after the other with the same error, up to the system', async () => {
    const { system } = testSystem();
    const failures: Failure[] = [];
    system.failures.subscribe((failure) => failures.push(failure));
    const events: string[] = [];
    const node = (depth: number): ReturnType<typeof worker<unknown>> =>
      worker<unknown>({
        supervision: 'escalate',
        state: (ctx) => (depth === 0 ? undefined : ctx.spawn(node(depth - 1), { name: 'child' })),
        on: {
          started: (_state, ctx) => {
            if (depth === 0) ctx.after(10, boom);
          },
          stopping: (_state, ctx) => void events.push(ctx.path),
        },
      });
    system.spawn(node(2), { name: 'root' });
    await until(() => system.statistics.actors === 0 && failures.length > 0);
    expect(events).to.deep.equal(['test/root/child/child', 'test/root/child', 'test/root']);
    expect(failures.map(({ path, error }) => [path, error.message])).to.deep.equal([['test/root', 'broken']]);
  });

  it('ends where a parent resumes: it goes on without the child, as it was', async () => {
    const { system } = testSystem();
    const parent = system.spawn(
      worker({
        supervision: 'resume',
        state: (ctx) => {
          ctx.spawn(worker({ supervision: 'escalate', state: (child) => void child.after(5, boom) }));
          return { count: 1 };
        },
        work: (state) => ({ value: state.count++ }),
      }),
    );
    expect(await parent.work({})).to.deep.equal({ value: 1 });
    await until(() => system.statistics.actors === 1);
    expect(await parent.work({})).to.deep.equal({ value: 2 });
  });
});

describe('on.stopping', () => {
  afterEach(closeSystems);

  const ways: Record<string, (ctx: Context) => void> = {
    'stops itself': (ctx) => ctx.stop(),
    'fails and stops': boom,
    'fails by ctx.fail': (ctx) => ctx.fail(new Error('broken')),
  };
  for (const [how, end] of Object.entries(ways)) {
    it(`runs once when the actor ${how}, with its last state, after its children`, async () => {
      const { system } = testSystem();
      const events: string[] = [];
      const child = worker({ state: () => 0, on: { stopping: () => void events.push('child') } });
      const ref = system.spawn(
        worker({
          supervision: 'stop',
          state: (ctx) => {
            ctx.spawn(child);
            return { count: 0 };
          },
          on: { stopping: ({ count }) => void events.push(`at ${count}`) },
          push: (state, _message, ctx) => {
            state.count++;
            end(ctx);
          },
        }),
      );
      // Both have started.
      await until(() => system.statistics.messages === 2);
      ref.push({});
      await until(() => system.statistics.actors === 0);
      expect(events).to.deep.equal(['child', 'at 1']);
    });
  }

  it('runs once when the system shuts down, and when a handler is given up', async () => {
    const { system } = testSystem({ stopTimeoutMs: 50 });
    const events: string[] = [];
    const behavior = worker({
      state: () => 0,
      push: () => new Promise(() => {}),
      on: { stopping: (_state, ctx) => void events.push(ctx.name) },
    });
    const [idle, busy] = ['idle', 'busy'].map((name) => system.spawn(behavior, { name }));
    await idle?.work({});
    busy?.push({});
    await until(() => system.statistics.messages >= 4);
    await system.shutdown();
    expect(events.toSorted()).to.deep.equal(['busy', 'idle']);
  });

  it('may fail: a restart goes on all the same, and says what failed', async () => {
    const { system, log } = testSystem();
    let starts = 0;
    const ref = system.spawn(worker({ state: () => void starts++, on: { stopping: boom }, push: boom }), { name: 'f' });
    ref.push({});
    await until(() => starts === 2);
    expect(log.map(({ message, fields }) => [message, fields['during']])).to.deep.equal([
      ['actor failed: restart', 'test.Worker.Push'],
      ['actor failed while it was stopping', 'on.stopping'],
    ]);
  });

  it('does not run for a state that was never made', async () => {
    const { system } = testSystem();
    let ran = false;
    system.spawn(worker({ supervision: 'stop', state: boom, on: { stopping: () => void (ran = true) } }));
    await until(() => system.statistics.actors === 0);
    expect(ran).to.equal(false);
  });
});
