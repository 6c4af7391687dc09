import { expect } from 'chai';
import fc from 'fast-check';
import type { DeadLetter } from '#src/actors/kernel/index.js';
import { BackpressureError, StoppedError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import type { Service, WireWriter } from '#src/protocol/index.js';
import { gate } from '../../support/deferred.js';
import { millraceRejection } from '../../support/rejection.js';
import { until } from '../../support/until.js';
import { Errands, Listing, push } from './errands.js';
import { endWorlds, errands, type Partition, PartitionWorld, type WorldOptions } from './partitions.js';

const LATENCY_MS = 10;
const load = new Uint8Array(0);

const valueOf = ({ message }: DeadLetter): number => (message as { value: number }).value;
const isCut = ({ router }: Partition): boolean => [...router.channels()].length === 0;

/** Two partitions with a link, and an actor on the far one that holds its first message until `open`. */
async function setUp(options: WorldOptions = {}) {
  const world = new PartitionWorld({ latencyMs: LATENCY_MS, linkDeadMs: 1_000, ...options });
  const [near, far] = [await world.start('a/1'), await world.start('b/1')];
  const { passed, open } = gate();
  const handled: number[] = [];
  const take = (_state: undefined, { value }: { value: number }) => {
    handled.push(value);
    return passed;
  };
  const worker = far.system.spawn(errands({ mailbox: { capacity: 64 }, push: take, urge: take }));
  const ref = world.reach(near, Errands, worker);
  await ref.run({});
  const letters: DeadLetter[] = [];
  near.system.deadLetters.subscribe((letter) => letters.push(letter));
  // The process of the actor says what it was.
  const path = `${far.system.name}/${worker.name}`;
  const stop = async (): Promise<void> => {
    const stopped = far.system.stop(worker);
    open();
    await stopped;
  };
  return { world, near, far, handled, worker, ref, letters, path, open, stop };
}

describe('tells over a link to an actor that has stopped', () => {
  afterEach(endWorlds);

  it('are dead letters of the sender: path, method, message and reason, once and nowhere else', async () => {
    const { far, ref, letters, path, stop } = await setUp();
    await stop();
    expect(ref.push({ value: 1 })).to.equal(true);
    ref.urge({ value: 2 });
    await until('both to come back', () => letters.length === 2);
    const expected = [
      { path, method: 'test.Errands.Push', message: { value: 1, load }, reason: 'stopped' },
      { path, method: 'test.Errands.Urge', message: { value: 2, load }, reason: 'stopped' },
    ];
    expect(letters).to.have.deep.members(expected);
    expect(far.system.deadLetters.count).to.equal(0);
  });

  it('are dead letters of the sender, too, when they wait in its mailbox, beside it, or in its stash as it stops', async () => {
    const { far, handled, ref, letters, stop, world } = await setUp();
    for (let value = 0; value < 200; value++) ref.push({ value });
    await world.pass(5 * LATENCY_MS);
    expect(far.system.mailboxes().queued).to.equal(199);
    await stop();
    await until('the rest to come back', () => letters.length === 199);
    expect(handled).to.deep.equal([0]);
    expect(letters.map(valueOf)).to.deep.equal(Array.from({ length: 199 }, (_, index) => index + 1));
    expect(far.system.deadLetters.count).to.equal(0);
  });

  it('are dead letters of the sender when they are in its stash, and those of its own partition are dead letters there', async () => {
    const { world, near, far, letters } = await setUp();
    const stashing = far.system.spawn(errands({ push: (_state, _message, context) => context.stash() }));
    const ref = world.reach(near, Errands, stashing);
    for (const value of [1, 2]) ref.push({ value });
    stashing.push({ value: 3 });
    await world.pass(2 * LATENCY_MS);
    await far.system.stop(stashing);
    await until('those of the link to come back', () => letters.length === 2);
    expect(letters.map(valueOf)).to.deep.equal([1, 2]);
    expect(far.system.deadLetters.count).to.equal(1);
  });

  it('with sender and meta, or of large messages, come back as others', async () => {
    const { near, far, ref, letters, stop } = await setUp();
    await stop();
    const relay = near.system.spawn(
      errands({ push: (_state, message) => void ref.push(message, { meta: { a: 'b' } }) }),
    );
    relay.push({ value: 1 });
    const large = new Uint8Array(3 * limits.frameBytes).fill(7);
    ref.push({ value: 2, load: large });
    await until('both to come back', () => letters.length === 2);
    const messages = letters.map(({ message }) => message);
    expect(messages).to.have.deep.members([
      { value: 1, load },
      { value: 2, load: large },
    ]);
    expect(far.system.deadLetters.count).to.equal(0);
  });

  it('tell the reference that the actor has ended: from then on nothing is sent', async () => {
    const { world, near, far, ref, worker, letters, stop } = await setUp();
    await stop();
    ref.push({ value: 1 });
    await until('it to come back', () => letters.length === 1);
    const { framesSent } = near.router.traffic();
    expect(ref.push({ value: 2 })).to.equal(false);
    expect(letters.map(valueOf)).to.deep.equal([1, 2]);
    expect(letters[1]).to.deep.include({ reason: 'stopped' });
    const askedMs = world.scheduler.now();
    expect(await millraceRejection(ref.run({}, { timeoutMs: 60_000 }))).to.be.instanceOf(StoppedError);
    expect(await millraceRejection(ref.ready())).to.be.instanceOf(StoppedError);
    // Another reference of this process to the same actor knows it, too.
    const other = world.reach(near, Errands, worker);
    expect(other.push({ value: 3 })).to.equal(false);
    const listing = near.system.reference(Listing, { ...worker.toRef(), service: '' });
    expect(await millraceRejection(listing.list({})[Symbol.asyncIterator]().next())).to.be.instanceOf(StoppedError);
    expect(world.scheduler.now()).to.equal(askedMs);
    expect(near.router.traffic().framesSent).to.equal(framesSent);
    // What is known of an actor does not end with the link.
    near.router.disconnect(far.address);
    await until('the link to end', () => isCut(near));
    expect(ref.push({ value: 4 })).to.equal(false);
    expect(letters.map(({ reason }) => reason)).to.deep.equal(['stopped', 'stopped', 'stopped', 'stopped']);
    expect(isCut(near)).to.equal(true);
  });

  it('are refused at once when an ask has found that the actor has ended', async () => {
    const { world, near, ref, letters, stop } = await setUp();
    await stop();
    expect(await millraceRejection(ref.run({}))).to.be.instanceOf(StoppedError);
    await world.pass(LATENCY_MS);
    expect(ref.push({ value: 1 })).to.equal(false);
    expect(letters.map(valueOf)).to.deep.equal([1]);
    expect(near.router.protocolErrors).to.equal(0);
  });

  it('come back as fast as they were sent, all of them, when somebody floods it', async () => {
    for (const sizeBytes of [0, 2_000]) {
      const { world, far, ref, letters, stop } = await setUp({ latencyMs: 50 });
      await stop();
      let accepted = 0;
      const flood = (): void => {
        while (accepted < 100_000) {
          ref.push({ value: accepted, load: new Uint8Array(sizeBytes) });
          accepted++;
        }
      };
      expect(flood).to.throw(BackpressureError);
      await world.pass(10);
      expect(flood).to.throw(BackpressureError);
      await until('all to come back', () => letters.length >= accepted);
      expect(letters.map(valueOf)).to.deep.equal([...letters.keys()]);
      expect(far.system.deadLetters.count).to.equal(0);
      expect(ref.push({})).to.equal(false);
    }
  });

  it('of a method that the actor does not have, or that cannot be decoded, come back with that reason, and it has not ended', async () => {
    const { near, far, ref, worker, letters } = await setUp();
    const fly = { ...push, name: 'fly', fullName: 'test.Errands.Fly' };
    const garbled = {
      ...push,
      request: { ...push.request, write: (_: unknown, to: WireWriter) => void to.tag(10).blob(load) },
    };
    const other: Service<{ fly: typeof fly; push: typeof garbled }> = {
      typeName: 'test.Errands',
      methods: { fly, push: garbled },
    };
    const odd = near.system.reference(other, { ...worker.toRef(), service: '' });
    odd.fly({ value: 1 });
    odd.push({ value: 2 });
    await until('both to come back', () => letters.length === 2);
    expect(letters.map(({ method, reason }) => [method, reason])).to.deep.equal([
      [fly.fullName, 'unknown method'],
      [push.fullName, 'malformed'],
    ]);
    expect(ref.push({ value: 3 })).to.equal(true);
    expect(far.router.protocolErrors).to.equal(2);
    expect(far.system.deadLetters.count).to.equal(0);
  });

  it('tell nothing of other actors, and nothing of one that restarts', async () => {
    const { world, near, far, letters } = await setUp();
    const handled: number[] = [];
    const failing = far.system.spawn(
      errands({
        push: (_state, { value }) => {
          handled.push(value);
          if (value === 1) throw new Error('broken');
        },
      }),
    );
    const ref = world.reach(near, Errands, failing);
    for (const value of [1, 2, 3]) ref.push({ value });
    await until('all to be handled', () => handled.length === 3);
    expect(letters).to.deep.equal([]);
  });

  it('are counted, without their messages, when the sender does not read what comes back', async () => {
    const { near, far, ref, letters, stop } = await setUp({ linkLimits: { replyBytes: 16 * 1024 } });
    await stop();
    for (let value = 0; value < 100; value++) ref.push({ value, load: new Uint8Array(1_000) });
    await until('all to come back', () => letters.length === 100);
    const whole = letters.filter(({ message }) => message !== undefined);
    expect(whole.length).to.be.within(1, 40);
    expect(whole.map(valueOf)).to.deep.equal(Array.from({ length: whole.length }, (_, index) => index));
    expect(near.system.deadLetters.count).to.equal(100);
    expect(far.system.deadLetters.count).to.equal(0);
  });

  it('come back with their messages, in several reports where they do not fit into one envelope', async () => {
    for (const [maxMessageBytes, sizes] of [
      [50_000, [30_000, 30_000, 30_000, 10]],
      [limits.maxMessageBytes, [60_000, limits.maxMessageBytes - 1_024, 10]],
    ] as const) {
      const { world, far, ref, letters, stop } = await setUp({ linkLimits: { maxMessageBytes } });
      ref.push({ value: 99 });
      for (const [value, size] of sizes.entries()) {
        await ref.ready();
        ref.push({ value, load: new Uint8Array(size) });
      }
      await world.pass(20 * LATENCY_MS);
      await stop();
      await until('all to come back', () => letters.length === sizes.length);
      expect(letters.map(valueOf)).to.deep.equal([...sizes.keys()]);
      expect(far.system.deadLetters.count).to.equal(0);
    }
  });

  it('come back with as much of the path as fits, and the link goes on', async () => {
    const { world, near, far, letters } = await setUp({ linkLimits: { maxMessageBytes: 1_024 } });
    const name = 'a'.repeat(2_000);
    const worker = far.system.spawn(errands(), { name });
    const ref = world.reach(near, Errands, worker);
    await ref.run({});
    await far.system.stop(worker);
    ref.push({ value: 1 });
    await until('it to come back', () => letters.length === 1);
    const path = letters[0]?.path ?? '';
    expect(`${far.system.name}/${name}`.startsWith(path)).to.equal(true);
    expect(path.length).to.be.within(500, 1_000);
    const other = world.reach(near, Errands, far.system.spawn(errands()));
    expect(await other.run({ value: 2 })).to.have.property('value', 2);
  });

  it('are dead letters of the actor’s process when the link has ended before the actor', async () => {
    const { near, far, ref, letters, stop, world } = await setUp();
    for (let value = 0; value < 100; value++) ref.push({ value });
    await world.pass(5 * LATENCY_MS);
    near.router.disconnect(far.address);
    await world.pass(5 * LATENCY_MS);
    await stop();
    expect(letters).to.deep.equal([]);
    expect(far.system.deadLetters.count).to.equal(99);
  });

  it('are reported at one end at least, and once at the sender, whenever the actor stops and the link is cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({ tells: fc.integer({ min: 1, max: 200 }), stopMs: fc.nat(60), cutMs: fc.nat(120) }),
        async ({ tells, stopMs, cutMs }) => {
          const { world, near, far, ref, handled, letters, stop } = await setUp();
          world.scheduler.setTimer(stopMs, () => void stop());
          world.scheduler.setTimer(cutMs, () => world.network.partition(['a'], ['b']));
          let accepted = 0;
          for (; accepted < tells; accepted++) {
            ref.push({ value: accepted });
            if (accepted % 10 === 0) await world.pass(3);
          }
          await world.pass(300);
          await until('the link to be lost', () => isCut(near) && isCut(far));
          const ends = new Set([...handled, ...letters.filter(({ message }) => message !== undefined).map(valueOf)]);
          expect(letters.length).to.equal(letters.filter(({ message }) => message !== undefined).length);
          expect(new Set(letters.map(valueOf)).size, 'each is a dead letter of the sender once').to.equal(
            letters.length,
          );
          expect(ends.size + far.system.deadLetters.count).to.be.at.least(accepted);
        },
      ),
      { numRuns: 60 },
    );
  });
});
