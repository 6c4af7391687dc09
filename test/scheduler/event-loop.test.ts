import { expect } from 'chai';
import { RealScheduler, VirtualScheduler, watchEventLoop } from '#src/scheduler/index.js';

/** Keeps the event loop from everything else. */
function block(ms: number): void {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
}

describe('the load of the event loop', () => {
  it('shows how long it was blocked', async () => {
    const scheduler = new RealScheduler();
    const watch = watchEventLoop(scheduler);
    try {
      await new Promise<void>((resolve) => scheduler.setTimer(30, resolve));
      const before = watch.load();
      block(150);
      await new Promise<void>((resolve) => scheduler.setTimer(30, resolve));
      const { utilization, activeMs, delayMs } = watch.load();
      expect(delayMs.max).to.be.at.least(100);
      expect(delayMs.mean).to.be.within(0, delayMs.max);
      expect(activeMs - before.activeMs).to.be.at.least(140);
      expect(utilization).to.be.within(0.1, 1);
    } finally {
      watch.close();
      watch.close();
    }
  });

  it('is nothing on virtual time', () => {
    const watch = watchEventLoop(new VirtualScheduler({ seed: 1 }));
    block(5);
    expect(watch.load()).to.deep.equal({
      utilization: 0,
      activeMs: 0,
      idleMs: 0,
      delayMs: { mean: 0, p99: 0, max: 0 },
    });
  });
});
