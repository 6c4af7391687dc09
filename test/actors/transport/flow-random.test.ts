import { expect } from 'chai';
import fc from 'fast-check';
import { BackpressureError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import { Arrivals, NUMBERS } from '../../support/senders.js';
import { until } from '../../support/until.js';
import { Errands } from './errands.js';
import { endWorlds, errands, PartitionWorld } from './partitions.js';

const SENDERS = 3;
const sender = fc.nat(SENDERS - 1);
const step = fc.oneof(
  fc.record({ kind: fc.constant('send' as const), sender, count: fc.integer({ min: 1, max: 200 }) }),
  fc.record({ kind: fc.constant('ask' as const), sender }),
  fc.record({ kind: fc.constant('ready' as const), sender }),
  fc.record({ kind: fc.constant('handle' as const), count: fc.integer({ min: 1, max: 300 }) }),
  fc.record({ kind: fc.constant('pass' as const), durationMs: fc.integer({ min: 1, max: 700 }) }),
);
const schedule = fc.array(step, { minLength: 5, maxLength: 40 });
const faults = fc.record({
  loss: fc.constantFrom(0, 0.1, 0.4),
  duplicate: fc.constantFrom(0, 0.2),
  reorder: fc.constantFrom(0, 0.2),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** An actor that handles so many messages as it is allowed to, and senders on links of their own. */
async function setUp(seed: number, given: { loss?: number; duplicate?: number; reorder?: number }, capacity: number) {
  const world = new PartitionWorld({ seed, latencyMs: 2, ...given });
  const far = await world.start('b/1');
  const arrivals = new Arrivals();
  let allowed = 0;
  const held: (() => void)[] = [];
  const allow = (count: number): void => {
    allowed += count;
    while (allowed > 0 && held.length > 0) {
      allowed -= 1;
      held.shift()?.();
    }
  };
  const turn = (): Promise<void> =>
    new Promise((resolve) => {
      held.push(resolve);
      allow(0);
    });
  const actor = far.system.spawn(
    errands({
      mailbox: { capacity },
      push: (_state, { value }) => {
        arrivals.add(value);
        return turn();
      },
      run: async (_state, { value }) => {
        await turn();
        return { value };
      },
    }),
  );
  const near = await Promise.all(Array.from({ length: SENDERS }, (_, index) => world.start(`a${index}/1`)));
  const refs = near.map((partition) => world.reach(partition, Errands, actor));
  const accepted = refs.map(() => 0);
  let waiting = 0;
  let most = 0;

  const take = async (next: Step): Promise<void> => {
    if (next.kind === 'handle') allow(next.count);
    else if (next.kind === 'pass') await world.pass(next.durationMs);
    else {
      const ref = refs[next.sender];
      if (ref === undefined) return;
      if (next.kind === 'send') push(ref, next.sender, next.count);
      else {
        waiting += 1;
        const done = next.kind === 'ask' ? ref.run({}, { timeoutMs: 2_000 }) : ref.ready();
        const settled = (): void => void (waiting -= 1);
        done.then(settled, settled);
      }
    }
    most = Math.max(most, far.system.statistics.mailboxBytes);
  };
  const push = (ref: (typeof refs)[number], index: number, count: number): void => {
    for (let sent = 0; sent < count; sent += 1) {
      try {
        ref.push({ value: index * NUMBERS + (accepted[index] ?? 0) });
      } catch (error) {
        expect(error).to.be.instanceOf(BackpressureError);
        return;
      }
      accepted[index] = (accepted[index] ?? 0) + 1;
    }
  };
  const finish = async (): Promise<void> => {
    allow(Number.POSITIVE_INFINITY);
    await world.pass(20_000);
    await until('all who wait to be woken or answered', () => waiting === 0);
    for (const ref of refs) await isReady(ref);
    const total = accepted.reduce((sum, count) => sum + count, 0);
    return expectAll(total);
  };
  const isReliable = Object.values(given).every((chance) => chance === 0);
  const expectAll = async (total: number): Promise<void> => {
    if (isReliable) {
      await until('all to be handled', () => arrivals.total === total);
      expect(arrivals.disordered).to.deep.equal([]);
    }
    expect(far.system.deadLetters.count).to.equal(0);
    expect(far.system.statistics.mailboxBytes).to.equal(0);
    expect(most).to.be.lessThan(SENDERS * (limits.linkWindowBytes + limits.linkCourtesyBytes));
    // Nobody is held for ever: each sender can fill a mailbox again.
    for (const [index, ref] of refs.entries()) {
      push(ref, index, capacity);
      await isReady(ref);
    }
  };
  return { take, finish };
}

async function isReady(ref: { ready(): Promise<void> }): Promise<void> {
  let wasReady = false;
  void ref.ready().then(() => {
    wasReady = true;
  });
  await until('a sender to be ready', () => wasReady);
}

describe('the flow to a mailbox, at random', () => {
  afterEach(endWorlds);

  it('over links that lose nothing: all that is accepted is handled in order, and nobody waits for ever', async function () {
    this.timeout(180_000);
    await fc.assert(
      fc.asyncProperty(fc.nat(10_000), fc.constantFrom(1, 4, 30), schedule, async (seed, capacity, steps) => {
        const { take, finish } = await setUp(seed, {}, capacity);
        for (const next of steps) await take(next);
        await finish();
      }),
      { numRuns: 60, endOnFailure: true },
    );
  });

  it('over links that lose, double and reorder frames: nothing is dropped at the receiver, and nobody waits for ever', async function () {
    this.timeout(180_000);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(10_000),
        fc.constantFrom(1, 4, 30),
        faults,
        schedule,
        async (seed, capacity, given, steps) => {
          const { take, finish } = await setUp(seed, given, capacity);
          for (const next of steps) await take(next);
          await finish();
        },
      ),
      { numRuns: 60, endOnFailure: true },
    );
  });
});
