import { expect } from 'chai';
import { type Context, type Ending, later, type Terminated } from '#src/actors/kernel/index.js';
import { ConfigError } from '#src/errors.js';
import { Deferred } from '#src/deferred.js';
import { rejection } from '../../support/rejection.js';
import { until } from '../../support/until.js';
import { closeSystems, testSystem, worker, type WorkerRef } from './harness.js';

const boom = (): never => {
  throw new RangeError('broken');
};

describe('the end of an actor', () => {
  afterEach(closeSystems);

  it('says why, to on.stopping and to its watchers, also to those that come later', async () => {
    const { system } = testSystem();
    const endings: Ending[] = [];
    const events: Terminated[] = [];
    const make = (maxRestarts: number): WorkerRef =>
      system.spawn(
        worker({
          supervision: { maxRestarts },
          on: { stopping: (_state, _ctx, ending) => void endings.push(ending) },
          push: (_state, { value }, ctx) => (value === 0 ? boom() : ctx.stop()),
        }),
      );
    const [stopping, failing, restarting] = [make(1), make(0), make(1)];
    const watcher = system.spawn(
      worker({
        on: { terminated: (_state, event) => void events.push(event) },
        push: (_state, { value }, ctx) => {
          for (const ref of value === 0 ? [stopping, failing, restarting] : [failing]) ctx.watch(ref);
        },
      }),
    );
    watcher.push({ value: 0 });
    await watcher.work({});
    restarting.push({ value: 0 });
    await restarting.work({});
    stopping.push({ value: 1 });
    failing.push({ value: 0 });
    await until(() => events.length === 2);
    expect(endings.map(({ reason, cause }) => [reason, cause?.message])).to.have.deep.members([
      ['restarting', 'broken'],
      ['stopped', undefined],
      ['failed', 'broken'],
    ]);
    watcher.push({ value: 1 });
    await until(() => events.length === 3);
    const facts = events.map(({ ref, reason, cause }) => [ref === failing, reason, cause?.name]);
    expect(facts).to.have.deep.members([
      [false, 'stopped', undefined],
      [true, 'failed', 'RangeError'],
      [true, 'failed', 'RangeError'],
    ]);
    restarting.push({ value: 1 });
    await until(() => events.length === 4);
    expect(events[3]).to.include({ ref: restarting, reason: 'stopped' });
  });
});

describe('the children of an actor', () => {
  afterEach(closeSystems);

  it('are in its context, which stops them one by one, and no other actor', async () => {
    const { system } = testSystem();
    const contexts: Context[] = [];
    const stranger = system.spawn(worker(), { name: 'one' });
    const parent = system.spawn(
      worker({
        on: { started: (_state, ctx) => void contexts.push(ctx) },
        push: (_state, _message, ctx) => {
          ctx.spawn(worker(), { name: 'one' });
          ctx.spawn(worker(), { name: 'two' });
        },
      }),
    );
    parent.push({});
    await parent.work({});
    const [ctx] = contexts;
    expect([...(ctx?.children.keys() ?? [])]).to.deep.equal(['one', 'two']);
    const one = ctx?.children.get('one');
    if (ctx === undefined || one === undefined) throw new Error('no child');
    await ctx.stopChild(one);
    await ctx.stopChild(one);
    expect([...ctx.children.keys()]).to.deep.equal(['two']);
    for (const other of [stranger, parent]) expect(await rejection(ctx.stopChild(other))).to.be.instanceOf(ConfigError);
    expect(system.statistics.actors).to.equal(3);
  });
});

describe('a timer with a key', () => {
  afterEach(closeSystems);

  it('replaces the one with its key, and is cancelled by it, also when it is due', async () => {
    const { system, scheduler } = testSystem();
    const fired: string[] = [];
    let ticks = 0;
    const ref = system.spawn(
      worker({
        push: async (_state, { value }, ctx) => {
          if (value === 1) {
            ctx.after(5, () => fired.push('first'), { key: 'a' });
            ctx.after(10, () => fired.push('second'), { key: 'a' });
            ctx.every(3, () => (++ticks === 3 ? ctx.cancel('tick') : undefined), { key: 'tick' });
            ctx.after(1, () => fired.push('other'), { key: 'b' });
            ctx.cancel('c');
          } else {
            ctx.after(5, () => fired.push('late'), { key: 'a' });
            await new Promise<void>((resolve) => void scheduler.setTimer(20, resolve));
            ctx.cancel('a');
          }
        },
      }),
    );
    ref.push({ value: 1 });
    await until(() => fired.length === 2 && ticks === 3);
    expect(fired).to.deep.equal(['other', 'second']);
    ref.push({ value: 2 });
    await ref.work({});
    expect(fired).to.have.length(2);
    expect(ticks).to.equal(3);
    expect(scheduler.pendingTimers).to.be.at.most(1);
  });
});

describe('ctx.pipe', () => {
  afterEach(closeSystems);

  /** Pipes a promise for each push, and notes what arrives and in which start. */
  function piping() {
    const { system, log } = testSystem();
    const works: Deferred<number>[] = [];
    const seen: unknown[] = [];
    let starts = 0;
    const ref = system.spawn(
      worker({
        state: () => ({ start: ++starts }),
        push: ({ start }, { value }, ctx) => {
          if (value === 9) boom();
          const work = new Deferred<number>();
          works.push(work);
          const failed = (error: Error): unknown => seen.push(error.message);
          if (value === 1) ctx.pipe(work.promise, (result) => seen.push([start, result]), failed);
          else ctx.pipe(work.promise, (result) => seen.push(result));
        },
        work: (_state, { value }) => later(Promise.resolve({ value })),
      }),
    );
    return { system, log, ref, works, seen, starts: () => starts };
  }

  it('brings a result to the actor as a turn of its own, and a failure where it is asked for', async () => {
    const { ref, works, seen } = piping();
    ref.push({ value: 1 });
    ref.push({ value: 1 });
    await ref.work({});
    works[0]?.resolve(5);
    works[1]?.reject(new Error('lost'));
    await until(() => seen.length === 2);
    expect(seen).to.deep.equal([[1, 5], 'lost']);
  });

  it('fails the actor with a failure that nobody takes', async () => {
    const { ref, works, starts } = piping();
    ref.push({ value: 0 });
    await ref.work({});
    works[0]?.reject(new Error('lost'));
    await until(() => starts() === 2);
  });

  it('is dropped at a restart and at a stop', async () => {
    const { system, ref, works, seen, starts } = piping();
    ref.push({ value: 1 });
    ref.push({ value: 9 });
    await until(() => starts() === 2);
    works[0]?.resolve(5);
    ref.push({ value: 1 });
    await ref.work({});
    await system.stop(ref);
    works[1]?.reject(new Error('lost'));
    await until(() => system.statistics.actors === 0);
    expect(seen).to.deep.equal([]);
    expect(starts()).to.equal(2);
  });
});
