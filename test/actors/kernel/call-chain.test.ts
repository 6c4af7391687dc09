import { expect } from 'chai';
import { CallChainError, ConsumedError } from '#src/errors.js';
import { rejection } from '../../support/rejection.js';
import { closeSystems, counter, testSystem, worker, type WorkerRef } from './harness.js';

describe('a chain of asks that is longer than its bound', () => {
  afterEach(closeSystems);

  it('fails with CallChainError, and is logged where it fails, not by each actor that passes it on', async () => {
    const { system, log } = testSystem({ callChain: 16 });
    const endless = (): WorkerRef => system.spawn(worker({ work: (_state, { value }) => endless().work({ value }) }));
    const error = await rejection(endless().work({ value: 1 }));
    expect(error).to.have.property('message').that.includes('callChain');
    const logged = log.filter(({ level, message }) => level !== 'debug' && message.startsWith('actor failed'));
    expect(logged.length).to.be.within(1, 2);
    expect(logged[0]?.fields).to.have.property('error').that.is.instanceOf(CallChainError);
    expect(system.statistics.failures).to.be.greaterThan(10);
  });
});

describe('a stream that is iterated again', () => {
  afterEach(closeSystems);

  it('throws ConsumedError, whether it was read to its end or left', async () => {
    const { system } = testSystem();
    const ref = system.spawn(counter());
    const whole = ref.count({ value: 3 });
    const read = async (stream: AsyncIterable<{ value: number }>): Promise<number[]> => {
      const values: number[] = [];
      for await (const { value } of stream) values.push(value);
      return values;
    };
    expect(await read(whole)).to.deep.equal([0, 1, 2]);
    expect(await rejection(read(whole))).to.be.instanceOf(ConsumedError);
    const left = ref.count({ value: 3 });
    for await (const { value } of left) {
      expect(value).to.equal(0);
      break;
    }
    expect(await rejection(read(left)))
      .to.be.instanceOf(ConsumedError)
      .with.property('message')
      .that.includes('Count');
    const begun = ref.count({ value: 3 });
    await begun.next();
    expect(await read(begun)).to.deep.equal([1, 2]);
  });
});
