import { expect } from 'chai';
import { RealScheduler, VirtualScheduler } from '#src/scheduler/index.js';
import type { Scheduler } from '#src/scheduler/index.js';
import { until } from '../support/until.js';

type Make = (onError?: (error: unknown) => void) => Scheduler;

const schedulers: readonly (readonly [string, Make])[] = [
  ['real', (onError) => new RealScheduler(onError === undefined ? {} : { onError })],
  ['virtual', (onError) => new VirtualScheduler(onError === undefined ? { seed: 7 } : { seed: 7, onError })],
];

for (const [name, make] of schedulers) {
  describe(`the ${name} scheduler`, () => {
    it('runs turns in order, after the code that runs now', async () => {
      const scheduler = make();
      const ran: number[] = [];
      for (const turn of [1, 2, 3]) scheduler.schedule(() => ran.push(turn));
      expect(ran).to.deep.equal([]);
      await until('the turns', () => ran.length === 3);
      expect(ran).to.deep.equal([1, 2, 3]);
    });

    it('runs them in order, too, when a burst of them schedules more', async () => {
      const scheduler = make();
      const BURST = 6_000;
      const ran: number[] = [];
      for (const round of [0, 1, 2]) {
        for (let turn = 0; turn < BURST; turn++) {
          scheduler.schedule(() => {
            ran.push(turn);
            if (turn % 2 === 0) scheduler.schedule(() => ran.push(BURST + turn / 2));
          });
        }
        await until('the turns', () => ran.length === (round + 1) * 1.5 * BURST);
      }
      const round = Array.from({ length: 1.5 * BURST }, (_, turn) => turn);
      expect(ran.join()).to.equal([...round, ...round, ...round].join());
    });

    it('lets promises go on between one turn and the next', async () => {
      const scheduler = make();
      const ran: string[] = [];
      scheduler.schedule(() => {
        ran.push('turn 1');
        void Promise.resolve().then(() => ran.push('promise'));
      });
      scheduler.schedule(() => ran.push('turn 2'));
      await until('the turns', () => ran.length === 3);
      expect(ran).to.deep.equal(['turn 1', 'promise', 'turn 2']);
    });

    it('runs turns before timers', async () => {
      const scheduler = make();
      const ran: string[] = [];
      scheduler.setTimer(0, () => ran.push('timer'));
      scheduler.schedule(() => scheduler.schedule(() => ran.push('turn')));
      await until('both', () => ran.length === 2);
      expect(ran).to.deep.equal(['turn', 'timer']);
    });

    it('fires timers in order of time, never early', async () => {
      const scheduler = make();
      const fired: number[] = [];
      const early: number[] = [];
      const delays = [7.5, 1, 3.25, 12, 0, 3.25, 20, 1.001];
      const timers = delays.map((delayMs) => {
        const timer = scheduler.setTimer(delayMs, () => {
          fired.push(delayMs);
          if (scheduler.now() < timer.atMs) early.push(delayMs);
        });
        return timer;
      });
      expect(scheduler.pendingTimers).to.equal(timers.length);
      await until('all timers', () => fired.length === delays.length);
      expect(early).to.deep.equal([]);
      expect(scheduler.pendingTimers).to.equal(0);
      if (scheduler.isVirtual) expect(fired).to.deep.equal(delays.toSorted((a, b) => a - b));
    });

    it('does not fire early when the event loop was held up', async () => {
      const scheduler = make();
      const heldUntilMs = performance.now() + 15;
      while (performance.now() < heldUntilMs);
      const beganMs = scheduler.now();
      let tookMs: number | undefined;
      scheduler.setTimer(10, () => {
        tookMs = scheduler.now() - beganMs;
      });
      await until('the timer', () => tookMs !== undefined);
      expect(tookMs).to.be.at.least(10);
    });

    it('does not fire what was cleared, and clears twice without harm', async () => {
      const scheduler = make();
      const fired: string[] = [];
      const cleared = scheduler.setTimer(1, () => fired.push('cleared'));
      const last = scheduler.setTimer(5, () => fired.push('last'));
      scheduler.clearTimer(cleared);
      scheduler.clearTimer(cleared);
      expect(scheduler.pendingTimers).to.equal(1);
      await until('the other timer', () => fired.length > 0);
      scheduler.clearTimer(last);
      expect(fired).to.deep.equal(['last']);
      expect(scheduler.pendingTimers).to.equal(0);
    });

    it('lets I/O and timers of the process go on while turns schedule turns', async () => {
      const scheduler = make();
      let isOver = false;
      let turns = 0;
      const again = (): void => {
        turns += 1;
        if (!isOver) scheduler.schedule(again);
      };
      scheduler.schedule(again);
      await new Promise((resolve) => setImmediate(resolve));
      isOver = true;
      expect(turns).to.be.at.least(1);
    });

    it('runs yielded turns after the event loop had its turn', async () => {
      const scheduler = make();
      const ran: string[] = [];
      scheduler.scheduleYield(() => ran.push('yielded'));
      scheduler.schedule(() => ran.push('turn'));
      await until('both', () => ran.length === 2);
      expect(ran).to.deep.equal(['turn', 'yielded']);
    });

    it('reports what turns and timers throw, and goes on', async () => {
      const errors: unknown[] = [];
      const scheduler = make((error) => errors.push(error));
      const fail = (message: string) => () => {
        throw new Error(message);
      };
      let isOver = false;
      scheduler.schedule(fail('turn'));
      scheduler.scheduleYield(fail('yield'));
      scheduler.setTimer(1, fail('timer'));
      scheduler.setTimer(5, () => {
        isOver = true;
      });
      await until('the last timer', () => isOver);
      expect(errors.map(String).toSorted()).to.deep.equal(['Error: timer', 'Error: turn', 'Error: yield']);
    });

    it('passes on the outcome of outside work', async () => {
      const scheduler = make();
      expect(await scheduler.outside(Promise.resolve(4))).to.equal(4);
      const failed = scheduler.outside(Promise.reject(new Error('disk full')));
      expect(await failed.catch(String)).to.equal('Error: disk full');
    });
  });
}

describe('chance', () => {
  it('is the same for the same seed, and different for another', () => {
    const draw = (scheduler: Scheduler): number[] => Array.from({ length: 100 }, () => scheduler.random());
    const seven = draw(new VirtualScheduler({ seed: 7 }));
    expect(draw(new VirtualScheduler({ seed: 7 }))).to.deep.equal(seven);
    expect(draw(new RealScheduler({ seed: 7 }))).to.deep.equal(seven);
    expect(draw(new VirtualScheduler({ seed: '7' }))).to.deep.equal(seven);
    expect(draw(new VirtualScheduler({ seed: 8 }))).to.not.deep.equal(seven);
  });

  it('lies in [0, 1) and is even', () => {
    for (const seed of [0, 1, 2, 'flights']) {
      const counts = Array.from({ length: 10 }, () => 0);
      const scheduler = new VirtualScheduler({ seed });
      for (let draws = 0; draws < 20_000; draws += 1) {
        const bucket = Math.floor(scheduler.random() * 10);
        counts[bucket] = (counts[bucket] ?? Number.NaN) + 1;
      }
      for (const count of counts) expect(count, `seed ${seed}`).to.be.within(1_800, 2_200);
    }
  });

  it('of one purpose is not disturbed by drawing for another', () => {
    const one = new VirtualScheduler({ seed: 7 });
    const other = new VirtualScheduler({ seed: 7 });
    const lossOfOne = one.fork('loss');
    other.random();
    other.fork('latency')();
    const lossOfOther = other.fork('loss');
    expect([lossOfOther(), lossOfOther()]).to.deep.equal([lossOfOne(), lossOfOne()]);
    expect(one.fork('loss')()).to.not.equal(one.fork('latency')());
  });
});
