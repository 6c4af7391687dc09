import { expect } from 'chai';
import fc from 'fast-check';
import type { DeadLetter } from '#src/actors/kernel/index.js';
import { AskAbortedError, UnreachableError } from '#src/errors.js';
import { gate } from '../../support/deferred.js';
import { readAll } from '../../support/read-all.js';
import { millraceRejection } from '../../support/rejection.js';
import { until } from '../../support/until.js';
import { Errands, Listing } from './errands.js';
import { endWorlds, errands, listing, PartitionWorld } from './partitions.js';

const LATENCY_MS = 30;
/** A link is open after a round trip; what waited for it arrives one way later. */
const OPEN_MS = 2 * LATENCY_MS;
const ARRIVED_MS = 3 * LATENCY_MS;

async function setUp() {
  const world = new PartitionWorld({ latencyMs: LATENCY_MS });
  return { world, near: await world.start('a/1'), far: await world.start('b/1') };
}

describe('what waits for a link', () => {
  afterEach(endWorlds);

  it('has its waiting time taken off the time that an ask has left', async () => {
    const { world, near, far } = await setUp();
    const executed: number[] = [];
    const { passed, open } = gate();
    const worker = far.system.spawn(
      errands({
        push: () => passed,
        run: (_state, { value }) => {
          executed.push(value);
          return {};
        },
      }),
    );
    const ref = world.reach(near, Errands, worker);
    ref.push({});
    const answers = [200, 400].map((timeoutMs) => ref.run({ value: timeoutMs }, { timeoutMs }).catch(() => 'late'));
    // The first has 140 ms left when it leaves, and so is over here at 230.
    await world.pass(ARRIVED_MS + 140 + 1);
    open();
    const [late, good] = await Promise.all(answers);
    expect(late).to.equal('late');
    expect(good).to.have.property('value');
    expect(executed).to.deep.equal([400]);
  });

  it('is not sent when its ask is over by then: at its deadline, or by its caller', async () => {
    const { world, near, far } = await setUp();
    const executed: number[] = [];
    const run = (_state: undefined, { value }: { value: number }): object => {
      executed.push(value);
      return {};
    };
    const ref = world.reach(near, Errands, far.system.spawn(errands({ run })));
    const load = new Uint8Array(20_000);
    const controller = new AbortController();
    const expired = millraceRejection(ref.run({ value: 1, load }, { timeoutMs: OPEN_MS - 1 }));
    const aborted = millraceRejection(ref.run({ value: 2, load }, { signal: controller.signal }));
    const kept = ref.run({ value: 3 });
    controller.abort();
    expect(await aborted).to.be.instanceOf(AskAbortedError);
    expect(await expired).to.be.instanceOf(UnreachableError);
    await kept;
    expect(executed).to.deep.equal([3]);
    const [channel] = near.router.channels();
    expect(channel?.link?.bytesSent).to.be.lessThan(1_000);
  });

  it('is not sent when it opens a stream that is over by then', async () => {
    const { world, near, far } = await setUp();
    const begun: number[] = [];
    const list = async function* (_state: undefined, { value }: { value: number }) {
      begun.push(value);
      yield { value };
    };
    const ref = world.reach(near, Listing, far.system.spawn(listing({ list })));
    const expired = readAll(ref.list({ value: 1 }, { timeoutMs: OPEN_MS - 1 }));
    const left = ref.list({ value: 2 });
    const first = left.next();
    await left.return();
    const patient = readAll(ref.list({ value: 3 }, { timeoutMs: Number.POSITIVE_INFINITY }));
    expect((await expired).error).to.be.instanceOf(UnreachableError);
    expect(await first).to.deep.equal({ done: true, value: undefined });
    expect(await patient).to.deep.equal({ values: [3] });
    expect(begun).to.deep.equal([3]);
  });

  it('arrives otherwise in order, each ask with what it has left, however many are over', async () => {
    const message = fc.oneof(
      fc.record({ size: fc.nat(3_000), timeoutMs: fc.constant(0) }),
      fc.record({ size: fc.nat(3_000), timeoutMs: fc.integer({ min: 1, max: 2 * OPEN_MS }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(message, { maxLength: 80 }), async (messages) => {
        const { world, near, far } = await setUp();
        const seen: number[] = [];
        const see = (_state: undefined, { value, load }: { value: number; load: Uint8Array }): object => {
          expect(load.length).to.equal(messages[value]?.size);
          seen.push(value);
          return {};
        };
        const behavior = errands({ push: (state, request) => void see(state, request), run: see });
        const ref = world.reach(near, Errands, far.system.spawn(behavior));
        const answers: Promise<unknown>[] = [];
        for (const [value, { size, timeoutMs }] of messages.entries()) {
          const request = { value, load: new Uint8Array(size) };
          if (timeoutMs === 0) ref.push(request);
          else answers.push(ref.run(request, { timeoutMs }).catch(() => {}));
        }
        await Promise.all(answers);
        await world.pass(ARRIVED_MS + 1);
        const expected = [...messages.keys()].filter((value) => {
          const timeoutMs = messages[value]?.timeoutMs ?? 0;
          // One that arrives with nothing left is not executed.
          return timeoutMs === 0 || timeoutMs > OPEN_MS;
        });
        expect(seen).to.deep.equal(expected);
      }),
      { numRuns: 15 },
    );
  });

  it('becomes one dead letter for each tell when the link cannot be opened; asks are told', async () => {
    const world = new PartitionWorld();
    const near = await world.start('a/1');
    const letters: DeadLetter[] = [];
    near.system.deadLetters.subscribe((letter) => letters.push(letter));
    const nobody = near.system.referenceTo(Errands, near.router.routeTo('memory://nowhere/1', 9n, Errands.typeName));
    for (const value of [1, 2, 3]) expect(nobody.push({ value })).to.equal(true);
    nobody.urge({ value: 4 });
    const asked = millraceRejection(nobody.run({}));
    expect(await asked).to.be.instanceOf(UnreachableError);
    const about = { path: 'actor 9 (test.Errands) in the partition at memory://nowhere/1', reason: 'unreachable' };
    const load = new Uint8Array(0);
    for (const { cause } of letters) expect(cause).to.be.instanceOf(UnreachableError);
    expect(letters.map(withoutCause)).to.have.deep.members([
      { ...about, method: 'test.Errands.Urge', message: { value: 4, load } },
      ...[1, 2, 3].map((value) => ({ ...about, method: 'test.Errands.Push', message: { value, load } })),
    ]);
    expect(letters.slice(1).map(({ message }) => message)).to.deep.equal([1, 2, 3].map((value) => ({ value, load })));
    expect(near.system.deadLetters.count).to.equal(4);
  });

  it('becomes dead letters when the link is lost, as what was in flight does: every tell was handled or is one', async () => {
    const world = new PartitionWorld({ linkLimits: { linkBacklogBytes: 100_000 } });
    const [near, far] = [await world.start('a/1'), await world.start('b/1')];
    let handled = 0;
    const ref = world.reach(near, Errands, far.system.spawn(errands({ push: () => void handled++ })));
    await ref.run({});
    world.network.partition(['a'], ['b']);
    const load = new Uint8Array(50_000);
    let accepted = 0;
    try {
      for (; ; accepted += 1) ref.push({ value: accepted, load });
    } catch {
      // The backlog is full.
    }
    const lost: unknown[] = [];
    near.system.deadLetters.subscribe(({ message, reason }) => {
      expect(reason).to.equal('unreachable');
      lost.push(message);
    });
    await until('the link to be lost', () => [...near.router.channels()].length === 0);
    expect(handled).to.equal(0);
    expect(lost).to.deep.equal([...Array(accepted).keys()].map((value) => ({ value, load })));
    expect(near.system.deadLetters.count).to.equal(lost.length);
  });

  it('is counted when a crash of the other side comes in the same turn', async () => {
    const world = new PartitionWorld();
    const [near, far] = [await world.start('a/1'), await world.start('b/1')];
    const ref = world.reach(near, Errands, far.system.spawn(errands()));
    await ref.run({});
    world.network.crash('b');
    let accepted = 0;
    for (; accepted < 5; accepted += 1) ref.push({ value: accepted });
    await until('the link to be lost', () => [...near.router.channels()].length === 0);
    expect(near.system.deadLetters.count).to.equal(5);
    expect(ref.push({})).to.be.a('boolean');
  });
});

function withoutCause({ path, reason, method, message }: DeadLetter) {
  return { path, reason, method, message };
}
