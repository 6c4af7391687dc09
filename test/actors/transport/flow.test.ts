import { expect } from 'chai';
import { BackpressureError, StoppedError } from '#src/errors.js';
import type { ActorRef } from '#src/actors/kernel/index.js';
import { gate } from '../../support/deferred.js';
import { millraceRejection } from '../../support/rejection.js';
import { Arrivals, NUMBERS, send, type Sent } from '../../support/senders.js';
import { until } from '../../support/until.js';
import { Errands } from './errands.js';
import { endWorlds, errands, type Partition, PartitionWorld } from './partitions.js';

const SENDERS = 8;
/** A message of 4 KiB fills a link's window when a few hundred of them are under way. */
const sizes = { small: undefined, large: new Uint8Array(4_096) };

/** An actor that takes a message each millisecond, and counts what arrives. */
function slow(world: PartitionWorld, arrivals: Arrivals, capacity = 64) {
  return errands({
    mailbox: { capacity },
    push: (_state, { value }) => {
      arrivals.add(value);
      return new Promise((resolve) => void world.scheduler.setTimer(1, () => resolve(undefined)));
    },
  });
}

/** Senders that send to these references for `forMs`. */
async function flood(
  world: PartitionWorld,
  targets: readonly ActorRef<typeof Errands>[],
  options: { readonly isPolite: boolean; readonly load?: Uint8Array | undefined; readonly forMs?: number },
): Promise<readonly Sent[]> {
  const { isPolite, load, forMs = 3_000 } = options;
  const endMs = world.scheduler.now() + forMs;
  const isOver = (): boolean => world.scheduler.now() >= endMs;
  const pause = (): Promise<void> => new Promise((resolve) => void world.scheduler.setTimer(1, resolve));
  return Promise.all(
    targets.map((target, index) => send(target, { first: index * NUMBERS, isPolite, isOver, pause, load })),
  );
}

function sum(sent: readonly Sent[], what: 'accepted' | 'refused'): number {
  return sent.reduce((total, each) => total + each[what], 0);
}

function nothingLost(partitions: readonly Partition[]): void {
  for (const { system, name } of partitions) expect(system.deadLetters.count, name).to.equal(0);
}

describe('a mailbox that many links send to', () => {
  afterEach(endWorlds);

  for (const [size, load] of Object.entries(sizes)) {
    for (const isPolite of [true, false]) {
      const manners = isPolite ? 'await ready()' : 'send until BackpressureError';
      it(`loses nothing and is fair to senders that ${manners}, with ${size} messages`, async () => {
        const world = new PartitionWorld({ latencyMs: 2 });
        const far = await world.start('b/1');
        const arrivals = new Arrivals();
        const ref = far.system.spawn(slow(world, arrivals));
        const near = await Promise.all(Array.from({ length: SENDERS }, (_, index) => world.start(`a${index}/1`)));
        const targets = near.map((partition) => world.reach(partition, Errands, ref));
        const sending = flood(world, targets, { isPolite, load });
        await world.pass(2_900);
        const fairness = arrivals.fairness(SENDERS);
        const busy = arrivals.total;
        const sent = await sending;
        await until('all to be handled', () => arrivals.total === sum(sent, 'accepted'));
        expect(fairness).to.be.at.least(0.9);
        expect(busy, 'the actor was never idle').to.be.at.least(2_800);
        expect(arrivals.disordered).to.deep.equal([]);
        expect(sum(sent, 'refused') > 0).to.equal(!isPolite);
        nothingLost([...near, far]);
      });
    }
  }

  it('is fair to senders of one partition that await ready()', async () => {
    const world = new PartitionWorld({ latencyMs: 2 });
    const [near, far] = [await world.start('a/1'), await world.start('b/1')];
    const arrivals = new Arrivals();
    const ref = far.system.spawn(slow(world, arrivals));
    const targets = Array.from({ length: SENDERS }, () => world.reach(near, Errands, ref));
    const sending = flood(world, targets, { isPolite: true });
    await world.pass(2_900);
    const fairness = arrivals.fairness(SENDERS);
    const sent = await sending;
    await until('all to be handled', () => arrivals.total === sum(sent, 'accepted'));
    expect(fairness).to.be.at.least(0.9);
    expect(sum(sent, 'refused')).to.equal(0);
    expect(arrivals.disordered).to.deep.equal([]);
    nothingLost([near, far]);
  });

  it('wakes all that wait for room, although there are more than it has room, and some of them send nothing', async () => {
    for (const capacity of [1, 2, 4]) {
      const world = new PartitionWorld({ latencyMs: 2 });
      const far = await world.start('b/1');
      const { passed, open } = gate();
      let handled = 0;
      const push = (): Promise<void> => {
        handled += 1;
        return passed;
      };
      const ref = far.system.spawn(errands({ mailbox: { capacity }, push }));
      const near = await Promise.all(Array.from({ length: SENDERS }, (_, index) => world.start(`a${index}/1`)));
      const targets = near.map((partition) => world.reach(partition, Errands, ref));
      for (const target of [...targets, ...targets]) target.push({});
      await world.pass(10);
      let woken = 0;
      for (const target of targets) void target.ready().then(() => (woken += 1));
      await world.pass(10);
      expect(woken).to.be.lessThan(SENDERS);
      open();
      await until('all to be woken', () => woken === SENDERS);
      expect(handled).to.equal(2 * SENDERS);
      nothingLost([...near, far]);
    }
  });

  it('holds up no other actor of its links', async () => {
    const world = new PartitionWorld({ latencyMs: 2 });
    const [near, far] = [await world.start('a/1'), await world.start('b/1')];
    const arrivals = new Arrivals();
    let others = 0;
    const full = world.reach(near, Errands, far.system.spawn(slow(world, arrivals)));
    const other = world.reach(near, Errands, far.system.spawn(errands({ push: () => void others++ })));
    const sending = flood(world, [full], { isPolite: false, load: sizes.large, forMs: 500 });
    await world.pass(200);
    let accepted = 0;
    for (let turns = 0; turns < 50; turns += 1) {
      expect(other.push({ value: 1 })).to.equal(true);
      accepted += 1;
      const askedMs = world.scheduler.now();
      expect(await other.run({ value: turns })).to.deep.include({ value: turns });
      expect(world.scheduler.now() - askedMs).to.be.lessThan(20);
    }
    const sent = await sending;
    await until('all to be handled', () => arrivals.total === sum(sent, 'accepted') && others === accepted);
    nothingLost([near, far]);
  });

  it('refuses asks and streams at the sender while it is full, and takes them again after ready()', async () => {
    const world = new PartitionWorld({ latencyMs: 2 });
    const [near, far] = [await world.start('a/1'), await world.start('b/1')];
    const arrivals = new Arrivals();
    const ref = world.reach(near, Errands, far.system.spawn(slow(world, arrivals, 8)));
    for (let value = 0; value < 20; value += 1) ref.push({ value });
    await world.pass(10);
    const askedMs = world.scheduler.now();
    expect(await millraceRejection(ref.run({}))).to.be.instanceOf(BackpressureError);
    expect(await millraceRejection(ref.rush({}))).to.be.instanceOf(BackpressureError);
    expect(world.scheduler.now()).to.equal(askedMs);
    await ref.ready();
    expect(await ref.run({ value: 1 })).to.deep.include({ value: 1 });
    expect(arrivals.total).to.equal(20);
    nothingLost([near, far]);
  });

  it('takes tells of the control lane as others: in order of that lane, and none is lost', async () => {
    const world = new PartitionWorld({ latencyMs: 2 });
    const [near, far] = [await world.start('a/1'), await world.start('b/1')];
    const { passed, open } = gate();
    const seen: number[] = [];
    const held = errands({
      mailbox: { capacity: 4 },
      push: () => passed,
      urge: (_state, { value }) => void seen.push(value),
    });
    const ref = world.reach(near, Errands, far.system.spawn(held));
    ref.push({});
    await world.pass(10);
    let accepted = 0;
    const urge = (): void => {
      while (accepted < 100_000) {
        ref.urge({ value: accepted });
        accepted += 1;
      }
    };
    for (let value = 0; value < 20; value += 1, accepted += 1) ref.urge({ value });
    await world.pass(10);
    expect(urge).to.throw(BackpressureError);
    open();
    await ref.ready();
    await until('all to be handled', () => seen.length === accepted);
    expect(seen).to.deep.equal([...seen.keys()]);
    nothingLost([near, far]);
  });

  it('keeps to the overflow of its behavior: senders are not refused', async () => {
    for (const overflow of ['drop-newest', 'drop-oldest'] as const) {
      const world = new PartitionWorld({ latencyMs: 2 });
      const [near, far] = [await world.start('a/1'), await world.start('b/1')];
      const { passed, open } = gate();
      let handled = 0;
      const dropping = errands({
        mailbox: { capacity: 8, overflow },
        push: () => {
          handled += 1;
          return passed;
        },
      });
      const ref = world.reach(near, Errands, far.system.spawn(dropping));
      for (let value = 0; value < 10; value += 1) ref.push({ value });
      await world.pass(10);
      for (let value = 10; value < 20; value += 1) expect(ref.push({ value }), overflow).to.equal(false);
      await world.pass(10);
      open();
      await ref.ready();
      await until('the rest to be handled', () => handled === 9);
      expect(far.system.deadLetters.count).to.equal(11);
    }
  });

  it('of an actor that stops: what waits and what is parked are dead letters of the sender, and ready() rejects', async () => {
    const world = new PartitionWorld({ latencyMs: 2 });
    const [near, far] = [await world.start('a/1'), await world.start('b/1')];
    const { passed, open } = gate();
    let handled = 0;
    const held = errands({
      mailbox: { capacity: 8 },
      push: () => {
        handled += 1;
        return passed;
      },
    });
    const actor = far.system.spawn(held);
    const lost: unknown[] = [];
    near.system.deadLetters.subscribe(({ message, reason }) => lost.push({ message, reason }));
    const ref = world.reach(near, Errands, actor);
    for (let value = 0; value < 30; value += 1) ref.push({ value });
    await world.pass(10);
    expect(far.system.mailboxes()).to.deep.include({ queued: 29, pastMark: 1 });
    const waiting = millraceRejection(ref.ready());
    const stopped = far.system.stop(actor);
    open();
    await stopped;
    expect(await waiting).to.be.instanceOf(StoppedError);
    await until('all to be returned', () => lost.length === 29);
    expect(handled).to.equal(1);
    expect(lost).to.deep.equal(
      Array.from({ length: 29 }, (_, index) => ({
        message: { value: index + 1, load: new Uint8Array(0) },
        reason: 'stopped',
      })),
    );
    expect(far.system.deadLetters.count).to.equal(0);
  });

  it('handles what is parked when its link ends, before what a new link of the same process brings', async () => {
    const world = new PartitionWorld({ latencyMs: 2 });
    const [near, far] = [await world.start('a/1'), await world.start('b/1')];
    const { passed, open } = gate();
    const seen: number[] = [];
    const held = errands({
      mailbox: { capacity: 8 },
      push: (_state, { value }) => {
        seen.push(value);
        return passed;
      },
    });
    const ref = world.reach(near, Errands, far.system.spawn(held));
    for (let links = 0; links < 3; links += 1) {
      for (let value = 0; value < 30; value += 1) ref.push({ value: links * 30 + value });
      await world.pass(10);
      near.router.disconnect(far.address);
      await world.pass(10);
    }
    expect(seen).to.deep.equal([0]);
    open();
    await until('all to be handled', () => seen.length === 90);
    expect(seen).to.deep.equal([...seen.keys()]);
    nothingLost([near, far]);
  });
});
