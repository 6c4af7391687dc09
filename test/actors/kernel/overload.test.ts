import { expect } from 'chai';
import fc from 'fast-check';
import { type ActorRef, behavior } from '#src/actors/kernel/index.js';
import { BackpressureError } from '#src/errors.js';
import { deferred } from '../../support/deferred.js';
import { offer, pass } from '../../support/offered-load.js';
import { rejection } from '../../support/rejection.js';
import { turn, until } from '../../support/until.js';
import { busyWorker, SERVICE_MS } from './busy-worker.js';
import { closeSystems, counter, testSystem, worker, type WorkerRef } from './harness.js';
import { Desk } from './shop.js';

describe('an actor that is asked for more than it can do', () => {
  afterEach(closeSystems);

  for (const times of [2, 5, 10, 100]) {
    for (const timeoutMs of [50, 200, 1_000]) {
      it(`answers in time 90 % of what it can at ${times} times its capacity, with deadlines of ${timeoutMs} ms`, async () => {
        const { system, scheduler } = testSystem();
        const { busy, counts } = busyWorker(scheduler);
        const ref = system.spawn(busy);
        const outcomes = await offer(scheduler, { perSecond: times * 100, forMs: 2_000 }, () =>
          ref.work({}, { timeoutMs }),
        );
        expect(outcomes['ok'], JSON.stringify(outcomes)).to.be.at.least(180);
        expect(counts.begun - (outcomes['ok'] ?? 0), 'executed in vain').to.be.at.most(8);
      });
    }
  }

  for (const times of [2, 10]) {
    it(`answers 80 % of what it can at ${times} times its capacity when arrivals and times are random`, async () => {
      const { system, scheduler } = testSystem();
      const random = scheduler.fork('times');
      const { busy } = busyWorker(scheduler, () => -Math.log(1 - random()) * SERVICE_MS);
      const ref = system.spawn(busy);
      const outcomes = await offer(scheduler, { perSecond: times * 100, forMs: 10_000, isRandom: true }, () =>
        ref.work({}, { timeoutMs: 100 }),
      );
      expect(outcomes['ok'], JSON.stringify(outcomes)).to.be.at.least(800);
    });
  }

  it('refuses nothing while it keeps up', async () => {
    const { system, scheduler } = testSystem();
    const ref = system.spawn(busyWorker(scheduler).busy);
    const outcomes = await offer(scheduler, { perSecond: 99, forMs: 4_000 }, () => ref.work({}, { timeoutMs: 50 }));
    expect(outcomes).to.deep.equal({ ok: 396 });
  });

  it('refuses at once, and says when to ask again, which succeeds then', async () => {
    const { system, scheduler } = testSystem();
    const ref = system.spawn(busyWorker(scheduler).busy);
    const earlier = Array.from({ length: 3 }, () => ref.work({}, { timeoutMs: 1_000 }));
    await earlier[1];
    const fill = Array.from({ length: 20 }, () => ref.work({}, { timeoutMs: 1_000 }));
    const askedMs = scheduler.now();
    const error = await rejection(ref.work({}, { timeoutMs: 50 }));
    expect(scheduler.now(), 'when it was refused').to.equal(askedMs);
    expect(error).to.be.instanceOf(BackpressureError).with.property('message').that.includes('test/Worker-1');
    const { retryAfterMs = 0 } = error instanceof BackpressureError ? error : {};
    expect(retryAfterMs).to.be.within(100, 200);
    await pass(scheduler, retryAfterMs);
    await ref.work({}, { timeoutMs: 50 });
    await Promise.all([...earlier, ...fill]);
  });

  it('does not execute an ask whose remaining time is too short, when its turn comes while others wait', async () => {
    const { system, scheduler } = testSystem();
    const { promise: gate, resolve: open } = deferred();
    const begun: number[] = [];
    const ref = system.spawn(
      worker({
        push: () => gate,
        work: async (_state, { value }) => {
          begun.push(value);
          await pass(scheduler, SERVICE_MS);
          return { value };
        },
      }),
    );
    await Promise.all([1, 2, 3].map((value) => ref.work({ value })));
    ref.push({});
    const short = rejection(ref.work({ value: 4 }, { timeoutMs: 50 }));
    const long = ref.work({ value: 5 }, { timeoutMs: 1_000 });
    await pass(scheduler, 45);
    open();
    const error = await short;
    expect(error).to.be.instanceOf(BackpressureError).with.property('retryAfterMs').that.is.at.least(1);
    expect(scheduler.now()).to.be.below(90);
    await long;
    expect(begun).to.deep.equal([1, 2, 3, 5]);
  });

  it('takes an ask that is shorter than its handler ever was, when it has nothing else to do', async () => {
    const { system, scheduler } = testSystem();
    let timeMs = 1_000;
    const { busy } = busyWorker(scheduler, () => timeMs);
    const ref = system.spawn(busy);
    await Promise.all(Array.from({ length: 4 }, () => ref.work({})));
    timeMs = 1;
    await ref.work({}, { timeoutMs: 5 });
  });

  it('forgets that it was slow, as soon as it is fast again', async () => {
    const { system, scheduler } = testSystem();
    let timeMs = 1_000;
    const { busy } = busyWorker(scheduler, () => timeMs);
    const ref = system.spawn(busy);
    await Promise.all(Array.from({ length: 20 }, () => ref.work({}, { timeoutMs: 60_000 })));
    timeMs = 1;
    const early = await offer(scheduler, { perSecond: 500, forMs: 200 }, () => ref.work({}, { timeoutMs: 50 }));
    expect(early['ok'], 'while it forgets').to.be.at.least(60);
    const later = await offer(scheduler, { perSecond: 500, forMs: 2_000 }, () => ref.work({}, { timeoutMs: 50 }));
    expect(later).to.deep.equal({ ok: 1_000 });
  });

  it('knows the time of each method: a quick ask is not refused for the sake of the slow ones', async () => {
    const { system, scheduler } = testSystem();
    const ref = system.spawn(
      behavior(Desk, {
        note: () => {},
        quick: (_state, request) => pass(scheduler, 1).then(() => request),
        slow: (_state, request) => pass(scheduler, 200).then(() => request),
        async *list() {},
      }),
    );
    const slow = Array.from({ length: 3 }, () => ref.slow({}));
    await Promise.all([...slow, ref.quick({}), ref.quick({}), ref.quick({})]);
    await Promise.all(Array.from({ length: 20 }, () => ref.quick({}, { timeoutMs: 50 })));
    const [first, refused] = [ref.slow({}, { timeoutMs: 1_000 }), rejection(ref.quick({}, { timeoutMs: 50 }))];
    expect(await refused).to.be.instanceOf(BackpressureError);
    await first;
  });

  it('counts the tells that wait before an ask', async () => {
    const { system, scheduler } = testSystem();
    const ref = system.spawn(busyWorker(scheduler).busy);
    const warm = [ref.work({})];
    for (let told = 0; told < 3; told++) ref.push({});
    warm.push(ref.work({}), ref.work({}));
    await Promise.all(warm);
    for (let told = 0; told < 20; told++) ref.push({});
    expect(await rejection(ref.work({}, { timeoutMs: 100 }))).to.be.instanceOf(BackpressureError);
    await ref.work({}, { timeoutMs: 400 });
  });

  it('refuses to open a stream whose first element would come too late', async () => {
    const { system, scheduler } = testSystem();
    const ref = system.spawn(
      counter({
        work: (_state, request) => pass(scheduler, SERVICE_MS).then(() => request),
        async *count(_state, { value }) {
          for (let next = 0; next < value; next++) {
            await pass(scheduler, SERVICE_MS);
            yield { value: next };
          }
        },
      }),
    );
    await Promise.all(Array.from({ length: 3 }, () => ref.work({})));
    const fill = Array.from({ length: 20 }, () => ref.work({}, { timeoutMs: 1_000 }));
    expect(await rejection(ref.count({ value: 3 }, { timeoutMs: 50 }).next())).to.be.instanceOf(BackpressureError);
    const values: number[] = [];
    for await (const { value } of ref.count({ value: 3 }, { timeoutMs: 1_000 })) values.push(value);
    expect(values).to.deep.equal([0, 1, 2]);
    await Promise.all(fill);
  });

  it('keeps what it can do when it drops its oldest messages, or restarts', async () => {
    const { system, scheduler } = testSystem();
    let handled = 0;
    const work = async (_state: undefined, request: { value: number }): Promise<{ value: number }> => {
      await pass(scheduler, SERVICE_MS);
      if (++handled % 50 === 0) throw new Error('every 50th');
      return request;
    };
    const policy = { onFailure: 'restart', maxRestarts: 1_000, backoff: { minMs: 10, maxMs: 10 } } as const;
    const dropping = worker({ mailbox: { capacity: 64, overflow: 'drop-oldest' }, work });
    const restarting = worker({ supervision: policy, work });
    for (const [made, least] of [
      [dropping, 340],
      [restarting, 340],
    ] as const) {
      handled = 0;
      const ref: WorkerRef = system.spawn(made);
      const outcomes = await offer(scheduler, { perSecond: 1_000, forMs: 4_000 }, () =>
        ref.work({}, { timeoutMs: 50 }),
      );
      expect(outcomes['ok'], JSON.stringify(outcomes)).to.be.at.least(least);
      await system.stop(ref);
    }
  });

  it('executes an ask that it has put aside, if there is time for it', async () => {
    const { system, scheduler } = testSystem();
    let isOpen = false;
    const ref = system.spawn(
      worker({
        push: (_state, _request, ctx) => {
          isOpen = true;
          ctx.unstashAll();
        },
        work: async (_state, request, ctx) => {
          if (!isOpen) {
            ctx.stash();
            return request;
          }
          await pass(scheduler, SERVICE_MS);
          return request;
        },
      }),
    );
    const asked = Array.from({ length: 8 }, () => ref.work({}, { timeoutMs: 100 }));
    await until(() => system.statistics.messages >= 8);
    ref.push({});
    await Promise.all(asked);
  });

  it('lets the event loop have a turn every few milliseconds, though its handlers compute', async () => {
    const { system } = testSystem({}, { isReal: true });
    const ref = system.spawn(
      worker({
        work: (_state, request) => {
          const endMs = performance.now() + 1;
          while (performance.now() < endMs);
          return request;
        },
      }),
    );
    await Promise.all(Array.from({ length: 8 }, () => ref.work({})));
    let turns = 0;
    let isOver = false;
    const count = (): void => {
      turns++;
      if (!isOver) setImmediate(count);
    };
    setImmediate(count);
    await Promise.all(Array.from({ length: 60 }, () => ref.work({}, { timeoutMs: 60_000 })));
    isOver = true;
    expect(turns).to.be.at.least(20);
    await turn();
  });

  it('executes no ask that it has refused, and refuses none while it has nothing to do', async () => {
    const call = fc.record({
      afterMs: fc.constantFrom(0, 0, 1, 3, 20, 200),
      serviceMs: fc.constantFrom(0, 1, 10, 10, 100),
      timeoutMs: fc.constantFrom(5, 20, 50, 500),
      isTell: fc.boolean(),
    });
    const overflow = fc.constantFrom('backpressure', 'drop-newest', 'drop-oldest');
    await fc.assert(
      fc.asyncProperty(fc.array(call, { maxLength: 150 }), overflow, async (calls, chosen) => {
        const { system, scheduler } = testSystem();
        const executed = new Set<number>();
        let unfinished = 0;
        const handle = async (_state: undefined, { value }: { value: number }): Promise<{ value: number }> => {
          executed.add(value);
          await pass(scheduler, calls[value]?.serviceMs ?? 0);
          unfinished--;
          return { value };
        };
        const push = (state: undefined, request: { value: number }) => handle(state, request).then(() => {});
        const ref = system.spawn(worker({ mailbox: { capacity: 20, overflow: chosen }, work: handle, push }));
        const asked: Promise<void>[] = [];
        for (const [value, { afterMs, timeoutMs, isTell }] of calls.entries()) {
          if (afterMs > 0) await pass(scheduler, afterMs);
          // Nobody is behind it at its turn.
          const isAlone = unfinished === 0 && calls[value + 1]?.afterMs !== 0;
          unfinished++;
          if (isTell) {
            try {
              ref.push({ value });
            } catch {
              // The mailbox is full.
            }
            continue;
          }
          const settled = ref.work({ value }, { timeoutMs }).then(
            (reply) => expect(reply.value).to.equal(value),
            (error: unknown) => {
              if (!(error instanceof BackpressureError)) return;
              unfinished--;
              expect(executed.has(value), 'executed and refused').to.equal(false);
              expect(isAlone, 'refused while idle').to.equal(false);
              expect(error.retryAfterMs ?? 1).to.be.at.least(1);
            },
          );
          asked.push(settled.then(() => {}));
        }
        await Promise.all(asked);
        await system.shutdown();
      }),
      { numRuns: 40 },
    );
  });

  it('shares what it can do among callers with the same deadlines', async () => {
    const { system, scheduler } = testSystem();
    const ref: ActorRef<typeof Desk> = system.spawn(
      behavior(Desk, {
        note: () => {},
        quick: (_state, request) => pass(scheduler, SERVICE_MS).then(() => request),
        slow: (_state, request) => request,
        async *list() {},
      }),
    );
    const callers: Record<string, number>[] = await Promise.all(
      [0, 1, 2, 3].map((caller) =>
        pass(scheduler, caller * 0.7).then(() =>
          offer(scheduler, { perSecond: 250, forMs: 4_000, isRandom: true }, () => ref.quick({}, { timeoutMs: 200 })),
        ),
      ),
    );
    const answered = callers.map(({ ['ok']: ok = 0 }) => ok);
    expect(answered.reduce((sum, ok) => sum + ok)).to.be.at.least(360);
    expect(Math.min(...answered), JSON.stringify(answered)).to.be.at.least(Math.max(...answered) / 2);
  });
});
