import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect } from 'chai';
import fc from 'fast-check';
import { VirtualScheduler } from '#src/scheduler/index.js';
import { until } from '../support/until.js';

/** A promise that is settled by hand: work outside the program. */
function byHand<T>(): { readonly work: Promise<T>; readonly done: (value: T) => void } {
  let done: (value: T) => void = () => {};
  const work = new Promise<T>((resolve) => {
    done = resolve;
  });
  return { work, done };
}

async function someTurns(): Promise<void> {
  for (let turns = 0; turns < 20; turns += 1) await new Promise((resolve) => setImmediate(resolve));
}

describe('virtual time', () => {
  it('begins at 0 and passes an hour in no time', async () => {
    const scheduler = new VirtualScheduler({ seed: 7 });
    expect(scheduler.now()).to.equal(0);
    let firedMs: number | undefined;
    scheduler.setTimer(3_600_000, () => {
      firedMs = scheduler.now();
    });
    await until('an hour', () => firedMs !== undefined);
    expect(firedMs).to.equal(3_600_000);
  });

  it('stands still while turns run, promises go on and yielded turns wait', async () => {
    const scheduler = new VirtualScheduler({ seed: 7 });
    const times: number[] = [];
    let isFired = false;
    scheduler.setTimer(1, () => {
      isFired = true;
    });
    const go = async (left: number): Promise<void> => {
      for (let hops = 0; hops < 5; hops += 1) await Promise.resolve();
      times.push(scheduler.now());
      if (left === 0) return;
      if (left % 2 === 0) scheduler.schedule(() => void go(left - 1));
      else scheduler.scheduleYield(() => void go(left - 1));
    };
    void go(20);
    await until('the timer', () => isFired);
    expect(times).to.deep.equal(Array.from({ length: 21 }, () => 0));
  });

  it('fires timers of one time in the order in which they were set, whatever was cleared', async () => {
    const delay = fc.nat(5);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ delay, isCleared: fc.boolean() }), { maxLength: 60 }), async (plan) => {
        const scheduler = new VirtualScheduler({ seed: 7 });
        const fired: number[] = [];
        const timers = plan.map(({ delay: delayMs }, index) => scheduler.setTimer(delayMs, () => fired.push(index)));
        plan.forEach(({ isCleared }, index) => {
          const timer = timers[index];
          if (isCleared && timer !== undefined) scheduler.clearTimer(timer);
        });
        const left = plan.map((each, index) => ({ ...each, index })).filter(({ isCleared }) => !isCleared);
        expect(scheduler.pendingTimers).to.equal(left.length);
        await until('all timers', () => fired.length === left.length);
        expect(fired).to.deep.equal(left.toSorted((a, b) => a.delay - b.delay).map(({ index }) => index));
      }),
      { numRuns: 50 },
    );
  });

  it('waits for outside work, but turns and timers that are due go on', async () => {
    const scheduler = new VirtualScheduler({ seed: 7 });
    const ran: string[] = [];
    const file = byHand<string>();
    scheduler.setTimer(1, () => ran.push('timer'));
    void scheduler.outside(file.work).then((text) => ran.push(`${text} at ${scheduler.now()}`));
    scheduler.schedule(() => ran.push('turn'));
    scheduler.setTimer(0, () => ran.push('due'));
    await someTurns();
    expect(ran).to.deep.equal(['turn', 'due']);
    file.done('file');
    await until('the timer', () => ran.length === 4);
    expect(ran).to.deep.equal(['turn', 'due', 'file at 0', 'timer']);
  });

  it('delivers completions of outside work in the order in which it was declared', async () => {
    const scheduler = new VirtualScheduler({ seed: 7 });
    const done: number[] = [];
    const files = [byHand<number>(), byHand<number>(), byHand<number>()];
    for (const file of files) void scheduler.outside(file.work).then((index) => done.push(index));
    files.toReversed().forEach((file, index) => file.done(2 - index));
    await until('all', () => done.length === 3);
    expect(done).to.deep.equal([0, 1, 2]);
  });

  it('delivers completions only when nothing else can run', async () => {
    const scheduler = new VirtualScheduler({ seed: 7 });
    const ran: string[] = [];
    void scheduler.outside(Promise.resolve()).then(() => ran.push('outside'));
    const go = (left: number): void => {
      ran.push('turn');
      if (left > 1) scheduler.schedule(() => go(left - 1));
    };
    go(5);
    await until('the completion', () => ran.includes('outside'));
    expect(ran).to.deep.equal(['turn', 'turn', 'turn', 'turn', 'turn', 'outside']);
  });

  it('runs nothing once closed, yet does not keep the outcome of outside work to itself', async () => {
    const scheduler = new VirtualScheduler({ seed: 7 });
    const ran: string[] = [];
    const file = byHand<string>();
    const outcome = scheduler.outside(file.work);
    scheduler.schedule(() => ran.push('turn'));
    scheduler.setTimer(1, () => ran.push('timer'));
    scheduler.close();
    scheduler.close();
    scheduler.schedule(() => ran.push('later turn'));
    scheduler.setTimer(1, () => ran.push('later timer'));
    file.done('file');
    expect(await outcome).to.equal('file');
    expect(await scheduler.outside(Promise.resolve('more'))).to.equal('more');
    await someTurns();
    expect(ran).to.deep.equal([]);
    expect(scheduler.pendingTimers).to.equal(0);
  });

  it('may be closed by a turn', async () => {
    const scheduler = new VirtualScheduler({ seed: 7 });
    const ran: string[] = [];
    scheduler.schedule(() => {
      ran.push('last');
      scheduler.close();
    });
    scheduler.schedule(() => ran.push('never'));
    await someTurns();
    expect(ran).to.deep.equal(['last']);
  });

  it('does not keep the process alive with nothing to do; errors nobody takes are uncaught exceptions', async () => {
    const program = `
      import { VirtualScheduler } from ${JSON.stringify(import.meta.resolve('#src/scheduler/index.js'))};
      const scheduler = new VirtualScheduler({ seed: 7 });
      process.on('uncaughtException', (error) => console.log(error.message));
      void scheduler.outside(new Promise(() => {}));
      scheduler.schedule(() => { throw new Error('nobody takes me'); });
      scheduler.schedule(() => console.log('and on it goes'));
    `;
    const run = promisify(execFile);
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', program], { timeout: 5_000 });
    expect(stdout).to.equal('nobody takes me\nand on it goes\n');
  });
});
