import { expect } from 'chai';
import fc from 'fast-check';
import { type ActorSystem, type Context, deferred, type DeferredReply, later } from '#src/actors/kernel/index.js';
import { ConfigError, StoppedError } from '#src/errors.js';
import { rejection } from '../../support/rejection.js';
import { until } from '../../support/until.js';
import { closeSystems, counter, testSystem, worker, type WorkerRef } from './harness.js';

const pause = (ctx: Context, ms: number): Promise<void> =>
  new Promise((resolve) => void ctx.scheduler.setTimer(ms, resolve));

/** Pushes each value that it handles, `ms` after it has begun. */
function slow(handled: number[], ms: number): ReturnType<typeof worker> {
  const handle = async (value: number, ctx: Context): Promise<{ value: number }> => {
    await pause(ctx, ms);
    handled.push(value);
    return { value };
  };
  return worker({
    push: (_state, { value }, ctx) => handle(value, ctx).then(() => {}),
    work: (_state, { value }, ctx) => handle(value, ctx),
  });
}

function deadLettersOf(system: ActorSystem): number[] {
  const values: number[] = [];
  system.deadLetters.subscribe(({ message, reason }) => {
    expect(reason).to.equal('stopped');
    values.push((message as { value: number }).value);
  });
  return values;
}

describe('an actor that is drained', () => {
  afterEach(closeSystems);

  it('handles what it has accepted, takes nothing new, and stops', async () => {
    const { system } = testSystem();
    const [handled, lost]: [number[], number[]] = [[], deadLettersOf(system)];
    const ref = system.spawn(slow(handled, 10));
    for (const value of [1, 2, 3]) ref.push({ value });
    const asked = ref.work({ value: 4 });
    const stopped = system.stop(ref, 10_000);
    expect(ref.push({ value: 5 })).to.equal(false);
    const refused = await rejection(ref.work({ value: 6 }));
    expect(refused).to.be.instanceOf(StoppedError);
    expect(refused).to.have.property('message').that.contains('takes nothing new');
    expect(await rejection(ref.ready())).to.be.instanceOf(StoppedError);
    expect(await rejection(ref.whenReady.push({ value: 7 }))).to.be.instanceOf(StoppedError);
    expect(await asked).to.deep.equal({ value: 4 });
    await stopped;
    expect({ handled, lost }).to.deep.equal({ handled: [1, 2, 3, 4], lost: [5] });
  });

  it('loses what it has not handled by the deadline as dead letters and StoppedError, and is logged', async () => {
    const { system, scheduler, log } = testSystem({ stopTimeoutMs: 50 });
    const [handled, lost]: [number[], number[]] = [[], deadLettersOf(system)];
    const ref = system.spawn(slow(handled, 40));
    for (const value of [1, 2, 3, 4]) ref.push({ value });
    const asked = rejection(ref.work({ value: 5 }));
    const beganMs = scheduler.now();
    await system.stop(ref, 100);
    expect(scheduler.now() - beganMs).to.be.within(100, 160);
    expect(await asked).to.be.instanceOf(StoppedError);
    expect(handled).to.deep.equal([1, 2, 3]);
    expect(lost).to.deep.equal([4]);
    expect(log.filter(({ message }) => message.includes('its drain'))).to.have.length(1);
  });

  it('waits for deferred replies, streams that are read, and what it has stashed', async () => {
    const { system } = testSystem();
    const waiting: DeferredReply<{ value: number }>[] = [];
    const replies = system.spawn(
      worker({
        work: () => {
          const reply = deferred<{ value: number }>();
          waiting.push(reply);
          return reply;
        },
      }),
    );
    const asked = replies.work({});
    await until(() => waiting.length === 1);
    const first = system.stop(replies, 10_000);
    waiting[0]?.resolve({ value: 7 });
    expect(await asked).to.deep.equal({ value: 7 });
    await first;

    const streaming = system.spawn(counter());
    const stream = streaming.count({ value: 50 }, { windowItems: 4 });
    expect((await stream.next()).value).to.deep.equal({ value: 0 });
    const second = system.stop(streaming, 10_000);
    let last = 0;
    for await (const { value } of stream) last = value;
    expect(last).to.equal(49);
    await second;

    const handled: number[] = [];
    const stashing = system.spawn(
      worker({
        state: () => ({ isOpen: false }),
        push: (state, { value }, ctx) => {
          if (!state.isOpen) return ctx.stash();
          handled.push(value);
        },
        on: {
          started: (state, ctx) => {
            ctx.after(100, () => {
              state.isOpen = true;
              ctx.unstashAll();
            });
          },
        },
      }),
    );
    stashing.push({ value: 1 });
    stashing.push({ value: 2 });
    await system.stop(stashing, 10_000);
    expect(handled).to.deep.equal([1, 2]);
  });

  it('lets its children do the same, after it has given them its last work', async () => {
    const { system } = testSystem();
    const handled: number[] = [];
    const parent = system.spawn(
      worker({
        state: (ctx): WorkerRef => ctx.spawn(slow(handled, 10)),
        push: (child, { value }) => void child.push({ value }),
        work: (child, message) => later(child.work(message)),
      }),
    );
    for (const value of [1, 2, 3]) parent.push({ value });
    const asked = parent.work({ value: 4 });
    await system.stop(parent, 10_000);
    expect(handled).to.deep.equal([1, 2, 3, 4]);
    expect(await asked).to.deep.equal({ value: 4 });
  });

  it('may restart meanwhile, and a stop without a drain ends it at once', async () => {
    const { system } = testSystem();
    const handled: number[] = [];
    const restarting = system.spawn(
      worker({
        push: (_state, { value }) => {
          if (value === 1) throw new Error('a failure that restarts');
          handled.push(value);
        },
      }),
    );
    for (const value of [1, 2, 3]) restarting.push({ value });
    await system.stop(restarting, 10_000);
    expect(handled).to.deep.equal([2, 3]);

    const many: number[] = [];
    const stopped = system.spawn(slow(many, 10));
    for (let value = 0; value < 100; value++) stopped.push({ value });
    const drained = system.stop(stopped, 10_000);
    await system.stop(stopped);
    await drained;
    expect(many.length).to.be.lessThan(5);
  });

  it('is stopped by its parent, by ctx.stopChild, with the same promise', async () => {
    const { system } = testSystem();
    const handled: number[] = [];
    const parent = system.spawn(
      worker({
        work: async (_state, _message, ctx) => {
          const child = ctx.spawn(slow(handled, 10));
          for (const value of [1, 2]) child.push({ value });
          await ctx.stopChild(child, { drain: true });
          for (const drain of [{ timeoutMs: -1 }, 'yes', {}, { timeoutMs: Number.NaN }]) {
            // What JavaScript passes.
            const options = { drain } as unknown as { drain: true };
            expect(await rejection(ctx.stopChild(child, options))).to.be.instanceOf(ConfigError);
          }
          return { value: handled.length };
        },
      }),
    );
    expect(await parent.work({})).to.deep.equal({ value: 2 });
  });

  it('answers or loses each message once, whenever it is drained and for however long', async () => {
    const plan = fc.record({
      values: fc.array(fc.boolean(), { maxLength: 20 }),
      handlerMs: fc.integer({ min: 0, max: 30 }),
      drainAfterMs: fc.integer({ min: 0, max: 200 }),
      drainMs: fc.integer({ min: 1, max: 300 }),
    });
    await fc.assert(
      fc.asyncProperty(plan, async ({ values, handlerMs, drainAfterMs, drainMs }) => {
        const { system, scheduler } = testSystem({ stopTimeoutMs: 1_000 });
        const [handled, lost]: [number[], number[]] = [[], deadLettersOf(system)];
        const ref = system.spawn(slow(handled, handlerMs));
        const failed: number[] = [];
        const asks = values.flatMap((isAsk, value) => {
          if (isAsk)
            return ref.work({ value }).then(
              () => {},
              () => void failed.push(value),
            );
          ref.push({ value });
          return [];
        });
        await new Promise<void>((resolve) => void scheduler.setTimer(drainAfterMs, resolve));
        await system.stop(ref, drainMs);
        await Promise.all(asks);
        const all = [...handled, ...lost, ...failed].toSorted((one, other) => one - other);
        expect(all).to.deep.equal(values.map((_isAsk, value) => value));
      }),
      { numRuns: 25 },
    );
  });
});
