import { expect } from 'chai';
import { StoppedError } from '#src/errors.js';
import { deferred } from '../../support/deferred.js';
import { rejection } from '../../support/rejection.js';
import { Arrivals, NUMBERS, send } from '../../support/senders.js';
import { until } from '../../support/until.js';
import { closeSystems, testSystem, worker } from './harness.js';

describe('those who wait for a mailbox', () => {
  afterEach(closeSystems);

  it('share its room: eight senders that await ready() are handled alike, and lose nothing', async () => {
    const { system, scheduler } = testSystem();
    const arrivals = new Arrivals();
    const ref = system.spawn(
      worker({
        mailbox: { capacity: 32 },
        push: (_state, { value }) => {
          arrivals.add(value);
          return new Promise((resolve) => void scheduler.setTimer(1, () => resolve(undefined)));
        },
      }),
    );
    const isOver = (): boolean => scheduler.now() >= 2_000;
    const pause = (): Promise<void> => new Promise((resolve) => void scheduler.setTimer(1, resolve));
    const senders = Array.from({ length: 8 }, (_, index) =>
      send(ref, { first: index * NUMBERS, isPolite: true, isOver, pause }),
    );
    const sent = await Promise.all(senders);
    const fairness = arrivals.fairness(8);
    const accepted = sent.reduce((sum, each) => sum + each.accepted, 0);
    await until(() => arrivals.total === accepted);
    expect(fairness).to.be.at.least(0.9);
    expect(sent.map(({ refused }) => refused)).to.deep.equal(sent.map(() => 0));
    expect(arrivals.disordered).to.deep.equal([]);
    expect(system.statistics.deadLetters).to.equal(0);
  });

  it('are all woken, in their order, although none of them sends anything', async () => {
    const { system } = testSystem();
    const held = deferred();
    const ref = system.spawn(worker({ mailbox: { capacity: 8 }, push: () => held.promise }));
    for (let value = 0; value < 8; value++) ref.push({ value });
    const woken: number[] = [];
    const waiting = Array.from({ length: 5 }, (_, index) => ref.ready().then(() => woken.push(index)));
    held.resolve();
    await Promise.all(waiting);
    expect(woken).to.deep.equal([0, 1, 2, 3, 4]);
  });

  it('are rejected when the actor stops, also those behind one that was woken', async () => {
    const { system } = testSystem();
    const gates = Array.from({ length: 8 }, () => deferred());
    let handled = 0;
    const ref = system.spawn(worker({ mailbox: { capacity: 4 }, push: () => gates[handled++]?.promise }));
    for (let value = 0; value < 4; value++) ref.push({ value });
    await until(() => handled === 1);
    const first = ref.ready().then(() => {
      // It takes the room that the other waits for.
      for (let value = 0; value < 2; value++) ref.push({ value });
    });
    const second = rejection(ref.ready());
    gates[0]?.resolve();
    await first;
    const stopped = system.stop(ref);
    for (const gate of gates) gate.resolve();
    expect(await second).to.be.instanceOf(StoppedError);
    await stopped;
  });
});
