import { expect } from 'chai';
import type { DeadLetter } from '#src/actors/kernel/index.js';
import { until } from '../../support/until.js';
import { closeSystems, testSystem, worker } from './harness.js';

describe('dead letters', () => {
  afterEach(closeSystems);

  it('are counted one by one, and logged once a second at most, with how many there were', async () => {
    const { system, scheduler, log } = testSystem();
    const ref = system.spawn(worker(), { name: 'gone' });
    await system.stop(ref);
    for (const timeMs of [0, 0, 0, 500, 999, 1_000, 1_400, 5_000]) {
      scheduler.setTimer(timeMs, () => expect(ref.push({ value: timeMs })).to.equal(false));
    }
    await until(() => scheduler.pendingTimers === 0 && system.deadLetters.count === 8);
    const records = log.filter(({ message }) => message === 'dead letter').map(({ fields }) => fields);
    expect(records.map(({ sinceLast }) => sinceLast)).to.deep.equal([1, 5, 2]);
    expect(records[0]).to.include({ actor: 'test/gone', method: 'test.Worker.Push', reason: 'stopped' });
  });

  it('are told to whoever subscribes, until they have enough; one who throws harms nobody', async () => {
    const { system, log } = testSystem();
    const ref = system.spawn(worker(), { name: 'gone' });
    await system.stop(ref);
    const seen: DeadLetter[] = [];
    system.deadLetters.subscribe(() => {
      throw new Error('broken');
    });
    const end = system.deadLetters.subscribe((letter) => seen.push(letter));
    ref.push({ value: 1 });
    end();
    ref.push({ value: 2 });
    expect(seen).to.deep.equal([
      { path: 'test/gone', method: 'test.Worker.Push', message: { value: 1 }, reason: 'stopped' },
    ]);
    expect(system.deadLetters.count).to.equal(2);
    expect(log.filter(({ message }) => message === 'a subscriber threw')).to.have.length(2);
  });
});
