import { expect } from 'chai';
import { behavior, deferred, type DeferredReply } from '#src/actors/kernel/index.js';
import { HandlerError, Refusal, RefusedError, StoppedError } from '#src/errors.js';
import { rejection } from '../../support/rejection.js';
import { closeSystems, testSystem, worker } from './harness.js';
import { Pinging } from './shop.js';

describe('a deferred reply', () => {
  afterEach(closeSystems);

  it('answers its ask when a later message settles it, once', async () => {
    const { system } = testSystem();
    const ref = system.spawn(
      worker({
        state: (): DeferredReply<{ value: number }>[] => [],
        work: (waiting) => {
          const reply = deferred<{ value: number }>();
          waiting.push(reply);
          return reply;
        },
        push: (waiting, { value }) => {
          if (value === 1) waiting.shift()?.reject(new Error('no'));
          else if (value === 2) waiting.shift()?.reject(new Refusal('NOT_NOW', 'not now'));
          else {
            const reply = waiting.shift();
            reply?.resolve({ value });
            reply?.reject(new Error('too late'));
          }
        },
      }),
    );
    const asked = [ref.work({}), rejection(ref.work({})), rejection(ref.work({})), rejection(ref.work({}))];
    for (const value of [5, 1, 2]) ref.push({ value });
    expect(await asked[0]).to.deep.equal({ value: 5 });
    expect(await asked[1])
      .to.be.instanceOf(HandlerError)
      .and.include({ message: 'no' });
    expect(await asked[2])
      .to.be.instanceOf(RefusedError)
      .and.include({ reason: 'NOT_NOW' });
    await system.stop(ref);
    expect(await asked[3]).to.be.instanceOf(StoppedError);
  });

  it('that no handler returned may be rejected all the same', async () => {
    const { system } = testSystem();
    const ref = system.spawn(worker({ push: () => deferred<{ value: number }>().reject(new Error('nobody waits')) }));
    ref.push({});
    expect(await ref.work({ value: 3 })).to.deep.equal({ value: 3 });
  });

  it('or any other may answer a request without fields that was left out', async () => {
    const { system } = testSystem();
    const ref = system.spawn(behavior(Pinging, { ping: () => ({ value: 1 }) }));
    expect(await ref.ping()).to.deep.equal({ value: 1 });
    expect(await ref.ping(undefined, { timeoutMs: 50 })).to.deep.equal({ value: 1 });
  });
});
