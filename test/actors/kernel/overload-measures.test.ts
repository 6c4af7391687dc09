import { expect } from 'chai';
import { later } from '#src/actors/kernel/index.js';
import { BackpressureError } from '#src/errors.js';
import { pass } from '../../support/offered-load.js';
import { rejection } from '../../support/rejection.js';
import { busyWorker } from './busy-worker.js';
import { closeSystems, testSystem, worker } from './harness.js';

describe('what an actor has measured of its handlers', () => {
  afterEach(closeSystems);

  it('answers all it can after one handler that took a thousand times as long as the others', async () => {
    for (const stallMs of [500, 2_000]) {
      const { system, scheduler } = testSystem();
      let nextMs = 1;
      const timeMs = (): number => {
        const thisMs = nextMs;
        nextMs = 1;
        return thisMs;
      };
      const ref = system.spawn(busyWorker(scheduler, timeMs).busy);
      const burst = async (): Promise<number> => {
        const asked = Array.from({ length: 50 }, () => ref.work({}, { timeoutMs: 200 }));
        return (await Promise.allSettled(asked)).filter(({ status }) => status === 'fulfilled').length;
      };
      await burst();
      nextMs = stallMs;
      await burst();
      await pass(scheduler, stallMs);
      for (let next = 0; next < 40; next++) {
        expect(await burst(), `burst ${next} after ${stallMs} ms`).to.equal(50);
        await pass(scheduler, 50);
      }
    }
  });

  it('answers all it can in the second burst after several handlers that took long', async () => {
    const { system, scheduler } = testSystem();
    let timeMs = 500;
    const ref = system.spawn(busyWorker(scheduler, () => timeMs).busy);
    await Promise.all(Array.from({ length: 20 }, () => ref.work({}, { timeoutMs: 60_000 })));
    timeMs = 1;
    const answered: number[] = [];
    for (let next = 0; next < 10; next++) {
      const asked = Array.from({ length: 50 }, () => ref.work({}, { timeoutMs: 200 }));
      answered.push((await Promise.allSettled(asked)).filter(({ status }) => status === 'fulfilled').length);
      await pass(scheduler, 50);
    }
    expect(answered.slice(1), String(answered)).to.deep.equal(answered.slice(1).map(() => 50));
  });

  it('does not count what the event loop does between its turns, nor what other actors do', async function () {
    this.timeout(180_000);
    const { system } = testSystem({}, { isReal: true });
    const hold = (forMs: number): void => {
      const endMs = performance.now() + forMs;
      while (performance.now() < endMs);
    };
    const other = system.spawn(worker({ push: () => hold(2) }));
    const handlers = {
      answers: () => ({}),
      awaits: async () => ({}),
      'answers later': () => later(Promise.resolve({})),
    };
    for (const [what, handler] of Object.entries(handlers)) {
      const ref = system.spawn(worker({ work: handler }));
      let isOver = false;
      const disturb = (): void => {
        hold(2);
        other.push({});
        if (!isOver) setImmediate(disturb);
      };
      setImmediate(disturb);
      let refused: unknown;
      for (let round = 0; round < 2; round++) {
        const asked = Array.from({ length: 2_000 }, () => ref.work({}, { timeoutMs: 20_000 }));
        // A slow machine may have no time for all of them, which is no refusal.
        const outcomes = await Promise.allSettled(asked);
        refused ??= outcomes.find((each) => each.status === 'rejected' && each.reason instanceof BackpressureError);
      }
      isOver = true;
      expect(refused, `a handler that ${what}`).to.equal(undefined);
    }
  });

  it('tells nobody to ask again later than after 10 s', async () => {
    const { system, scheduler } = testSystem();
    const ref = system.spawn(busyWorker(scheduler, () => 1_000).busy);
    await Promise.all(Array.from({ length: 4 }, () => ref.work({})));
    const fill = Array.from({ length: 50 }, () => ref.work({}, { timeoutMs: 100_000 }));
    const error = await rejection(ref.work({}, { timeoutMs: 1_000 }));
    expect(error).to.be.instanceOf(BackpressureError).with.property('retryAfterMs', 10_000);
    await Promise.all(fill);
  });

  it('learns from single asks that it is fast again, when all others are refused', async () => {
    const { system, scheduler } = testSystem();
    let timeMs = 1_000;
    const { busy } = busyWorker(scheduler, () => timeMs);
    const ref = system.spawn(busy);
    await Promise.all(Array.from({ length: 6 }, () => ref.work({}, { timeoutMs: 60_000 })));
    timeMs = 1;
    for (let burst = 0; burst < 5; burst++) {
      const asked = Array.from({ length: 5 }, () => ref.work({}, { timeoutMs: 50 }));
      const answered = (await Promise.allSettled(asked)).filter(({ status }) => status === 'fulfilled').length;
      expect(answered, `of burst ${burst}`).to.be.at.least(burst < 4 ? 1 : 5);
      await pass(scheduler, 500);
    }
  });
});
