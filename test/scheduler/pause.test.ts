import { getEventListeners } from 'node:events';
import { expect } from 'chai';
import { pause, settledWithin, VirtualScheduler } from '#src/scheduler/index.js';

describe('a pause', () => {
  it('ends after its time', async () => {
    const scheduler = new VirtualScheduler({ seed: 7 });
    await pause(scheduler, 50);
    expect(scheduler.now()).to.equal(50);
  });

  it('ends as soon as its signal is aborted, and leaves neither timer nor listener behind', async () => {
    const scheduler = new VirtualScheduler({ seed: 7 });
    const ending = new AbortController();
    scheduler.setTimer(20, () => ending.abort());
    await Promise.all([pause(scheduler, 50, ending.signal), pause(scheduler, 70, ending.signal)]);
    expect(scheduler.now()).to.equal(20);
    expect(scheduler.pendingTimers).to.equal(0);
    expect(getEventListeners(ending.signal, 'abort')).to.deep.equal([]);
    await pause(scheduler, 50, ending.signal);
    expect(scheduler.now()).to.equal(20);
  });

  it('of a signal that is not aborted leaves no listener behind', async () => {
    const scheduler = new VirtualScheduler({ seed: 7 });
    const { signal } = new AbortController();
    await pause(scheduler, 50, signal);
    expect(getEventListeners(signal, 'abort')).to.deep.equal([]);
  });
});

describe('a wait for work that has a limit', () => {
  it('ends with the work, whether it has succeeded or failed', async () => {
    const scheduler = new VirtualScheduler({ seed: 7 });
    await settledWithin(scheduler, 50, Promise.resolve());
    await settledWithin(scheduler, 50, Promise.reject(new Error('late')));
    expect(scheduler.now()).to.equal(0);
    expect(scheduler.pendingTimers).to.equal(0);
  });

  it('ends at its limit, whatever the work does then', async () => {
    const scheduler = new VirtualScheduler({ seed: 7 });
    await settledWithin(scheduler, 50, pause(scheduler, 80));
    expect(scheduler.now()).to.equal(50);
  });
});
