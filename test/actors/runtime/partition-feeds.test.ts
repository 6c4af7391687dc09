import { expect } from 'chai';
import type { DeadLetter, Failure } from '#src/actors/kernel/index.js';
import { joinedDeadLetters, mergedTopic } from '#src/actors/runtime/partition-topics.js';
import { closeSystems, testSystem, worker } from '../kernel/harness.js';
import { until } from '../../support/until.js';

describe('dead letters and failures of a process', () => {
  afterEach(closeSystems);

  it('are those of all its partitions', async () => {
    const systems = [testSystem().system, testSystem().system];
    const letters = joinedDeadLetters(systems.map(({ deadLetters }) => deadLetters));
    const failures = mergedTopic(systems.map((system) => system.failures));
    const seenLetters: DeadLetter[] = [];
    const seenFailures: Failure[] = [];
    const ends = [
      letters.subscribe((letter) => seenLetters.push(letter)),
      failures.subscribe((failure) => seenFailures.push(failure)),
    ];
    const boom = (): never => {
      throw new Error('broken');
    };
    for (const [value, system] of systems.entries()) {
      const ref = system.spawn(worker({ supervision: 'stop', push: boom }), { name: `w${value}` });
      ref.push({ value });
      ref.push({ value });
    }
    await until(() => letters.count === 2);
    expect(seenLetters.map(({ message }) => message)).to.deep.equal([{ value: 0 }, { value: 1 }]);
    expect(seenFailures.map(({ path }) => path)).to.deep.equal(['test/w0', 'test/w1']);
    for (const end of ends) end();
    for (const system of systems) {
      const ref = system.spawn(worker());
      await system.stop(ref);
      ref.push({});
    }
    expect(letters.count).to.equal(4);
    expect(seenLetters).to.have.length(2);
  });
});
