import { expect } from 'chai';
import { type MillraceError } from '#src/errors.js';
import { PendingAsk, ReadyQueue, type ReadyWait } from '#src/actors/kernel/index.js';
import { closeSystems, testSystem } from './harness.js';
import { Worker } from './shop.js';

class Ask extends PendingAsk {
  override target(): string {
    return 'nobody';
  }

  override isAskedOf(): boolean {
    return false;
  }

  protected override whyLate(): string {
    return 'nobody answers';
  }
}

describe('deadlines of one turn', () => {
  afterEach(closeSystems);

  it('do not expire what another of them has settled: a wait for room does not begin anew', async () => {
    const { system, scheduler } = testSystem();
    const { deadlines } = system;
    const queue = new ReadyQueue(scheduler, () => true);
    const settled: string[] = [];
    let wait: ReadyWait | undefined;
    const ready = system.ready(undefined, undefined, { path: 'elsewhere' }, (joined) => {
      wait = joined;
      joined.join(queue);
    });
    if (wait === undefined) throw new Error('ready() has joined no queue');
    const { deadlineMs } = wait;
    const failed = (error: unknown): void => {
      settled.push((error as MillraceError).name);
      wait?.resolve();
    };
    // It is due in the same turn, and comes first.
    const ask = new Ask(deadlines, Worker.methods.work, deadlineMs, undefined, () => {}, failed);
    ask.start(scheduler.now());
    scheduler.setTimer(deadlineMs - 10, () => queue.progressed());
    await ready;
    expect(settled).to.deep.equal(['AskTimeoutError']);
    expect(system.statistics.pendingAsks).to.equal(0);
  });
});
