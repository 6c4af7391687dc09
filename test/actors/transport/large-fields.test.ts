import { expect } from 'chai';
import type { ActorRef } from '#src/actors/kernel/index.js';
import { Deferred } from '#src/deferred.js';
import { AskTimeoutError, BackpressureError, StoppedError, UnreachableError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import { millraceRejection } from '../../support/rejection.js';
import { upTo } from '../../support/numbers.js';
import { until } from '../../support/until.js';
import { type Errand, Errands, Listing } from './errands.js';
import { FieldMemory, full } from './field-memory.js';
import { LARGE, setUp } from './large-fields-world.js';
import { endWorlds, errands, listing, PartitionWorld } from './partitions.js';

describe('large fields over a link', () => {
  afterEach(endWorlds);

  it('to a slow actor take its share of the pool and no more, and hold up no other actor of the link', async () => {
    const blocked = new Deferred<void>();
    const { world, memory, near, far, ref } = await setUp({ push: () => blocked.promise });
    const taken: number[] = [];
    const quick = far.system.spawn(errands({ push: (_state, { value }) => void taken.push(value) }));
    const other = world.reach(near, Errands, quick);
    await ref.run({});
    const size = limits.receiverLargeBytes / 8;
    let sent = 0;
    while (ref.push({ value: sent, load: full(size, 1) })) sent += 1;
    expect(sent).to.equal(8);
    expect(memory.heldBytes).to.equal(limits.receiverLargeBytes);
    let isReady = false;
    const ready = ref.ready({ timeoutMs: 600_000 }).then(() => (isReady = true));
    expect(() => {
      for (;;) ref.push({ value: 0, load: full(size, 1) });
    }).to.throw(BackpressureError);
    expect(memory.heldBytes).to.equal(limits.receiverLargeBytes);
    for (const value of upTo(3)) {
      expect(other.push({ value, load: full(LARGE, 1) })).to.equal(true);
      await other.ready();
    }
    await until('the other actor to have all', () => taken.length === 3);
    expect(isReady).to.equal(false);
    blocked.resolve();
    await ready;
    await until('nothing to be held', () => memory.held === 0);
  });

  it('to a peer that takes nothing leave as much of the pool free as they take, for the other links', async () => {
    const { world, memory, near, far, ref } = await setUp();
    const third = await world.start('c/1', { fields: memory });
    await ref.run({});
    memory.limitBytes = 64 * LARGE;
    const actors = upTo(8).map(() => far.system.spawn(errands({ push: () => new Promise<never>(() => {}) })));
    for (const actor of actors) {
      const slow = world.reach(near, Errands, actor);
      for (let sent = 0; sent < 20; sent += 1) slow.push({ load: full(LARGE, 1) });
    }
    await world.pass(100);
    expect(memory.heldBytes).to.be.within(1, memory.limitBytes / 2);
    const free = world.reach(near, Errands, third.system.spawn(errands()));
    expect((await free.run({ load: full(LARGE, 3) })).load).to.deep.equal(full(LARGE, 3));
    for (const actor of actors) await far.system.stop(actor);
    await until('nothing to be held', () => memory.held === 0);
  });

  it('that cannot be read fail the ask, make the tell a dead letter of its sender, and leave the actor as it was', async () => {
    const { memory, ref, far, letters } = await setUp();
    await ref.run({});
    memory.isLost = true;
    expect(await millraceRejection(ref.run({ load: full(LARGE, 1) }))).to.be.instanceOf(UnreachableError);
    ref.push({ load: full(LARGE, 1) });
    await until('the tell to come back', () => letters.length === 1);
    expect(letters[0]).to.include({ reason: 'unreachable', message: undefined });
    expect(far.system.deadLetters.count).to.equal(0);
    memory.isLost = false;
    expect((await ref.run({ load: full(LARGE, 7) })).load).to.deep.equal(full(LARGE, 7));
    expect(far.system.statistics.failures ?? 0).to.equal(0);
    expect(memory.held).to.equal(0);
  });

  it('are given back when the link ends before they were handled, and when their stream is read no further', async () => {
    const blocked = new Deferred<void>();
    const { world, memory, near, far, ref } = await setUp({ push: () => blocked.promise });
    for (const value of upTo(3)) ref.push({ value, load: full(LARGE, value) });
    const lister = far.system.spawn(
      listing({
        async *list() {
          for (const value of upTo(10)) yield { value, load: full(LARGE, value) };
        },
      }),
    );
    for await (const { value } of world.reach(near, Listing, lister).list({})) if (value === 2) break;
    near.router.disconnect(far.address);
    blocked.resolve();
    await until('nothing to be held', () => memory.held === 0);
  });

  it('leave as much of the pool free as they take before their peer is known, for many receivers, and arrive in order', async () => {
    const { world, memory, near, far } = await setUp();
    memory.limitBytes = 16 * LARGE;
    const taken: number[][] = [];
    const actors = upTo(8).map((index) => {
      const own: number[] = [];
      taken[index] = own;
      return far.system.spawn(errands({ push: (_state, { value }) => void own.push(value) }));
    });
    for (const actor of actors) {
      const ref = world.reach(near, Errands, actor);
      for (const value of upTo(3)) ref.push({ value, load: full(value === 0 ? 2 * LARGE : LARGE, value) });
    }
    expect(memory.usedBytes).to.be.within(1, memory.limitBytes / 2);
    await until('all to arrive', () => taken.every(({ length }) => length === 3));
    for (const own of taken) expect(own).to.deep.equal([...upTo(3)]);
    await until('nothing to be held', () => memory.held === 0);
  });

  it('count once when they have waited for memory', async () => {
    const { world, memory, near, far, ref } = await setUp({ push: () => new Promise<never>(() => {}) });
    const got: number[] = [];
    const other = far.system.spawn(errands({ push: (_state, { load }) => void got.push(load.length) }));
    memory.limitBytes = 100 * LARGE;
    await ref.run({});
    ref.push({ load: full(LARGE, 1) });
    memory.isFull = true;
    world.reach(near, Errands, other).push({ load: full(49 * LARGE, 1) });
    memory.empty();
    await until('the message that has waited', () => got.length === 1);
    expect(got).to.deep.equal([49 * LARGE]);
  });

  it('travel in their messages to a peer that takes none beside them', async () => {
    const memory = new FieldMemory();
    const world = new PartitionWorld({ latencyMs: 1 });
    const near = await world.start('a/1', { fields: memory });
    const far = await world.start('b/1');
    const ref = world.reach(near, Errands, far.system.spawn(errands()));
    await expectEchoes(ref);
    expect(memory).to.include({ held: 0, described: 0 });
  });

  it('travel in their messages on a link that loses frames, each once and whole', async () => {
    const memory = new FieldMemory();
    const world = new PartitionWorld({ latencyMs: 1, loss: 0.2, duplicate: 0.2 });
    const near = await world.start('a/1', { fields: memory });
    const far = await world.start('b/1', { fields: memory });
    const actor = far.system.spawn(
      listing({
        async *list(_state, { load }) {
          for (const value of upTo(5)) yield { value, load };
        },
      }),
    );
    const ref = world.reach(near, Listing, actor);
    const read: Errand[] = [];
    for await (const errand of ref.list({ load: full(LARGE, 5) }, { timeoutMs: 60_000 })) read.push(errand);
    expect(read.map(({ value }) => value)).to.deep.equal([...upTo(5)]);
    for (const { load } of read) expect(load).to.deep.equal(full(LARGE, 5));
    expect(memory).to.include({ held: 0, described: 0 });
  });

  it('of tells of one method arrive in order among small ones, whose beginning is encoded once', async () => {
    const { memory, ref, handled } = await setUp();
    await ref.run({});
    for (const value of upTo(12)) ref.push({ value, load: full(value % 3 === 2 ? LARGE : value, value) });
    await ref.run({});
    expect(handled.map(({ value }) => value)).to.deep.equal([...upTo(12)]);
    for (const { value, load } of handled) expect(load).to.deep.equal(full(value % 3 === 2 ? LARGE : value, value));
    expect(memory).to.include({ held: 0, described: 4 });
  });

  it('that were not read when their actor stopped make their tell a dead letter, and answer their ask', async () => {
    const { memory, near, far, ref, actor, letters } = await setUp();
    await ref.run({});
    memory.isSlow = true;
    ref.push({ value: 1, load: full(LARGE, 1) });
    const asked = millraceRejection(ref.run({ value: 2, load: full(LARGE, 2) }));
    await until('the fields to be read', () => memory.reading > 0);
    await far.system.stop(actor);
    expect(await asked).to.be.instanceOf(StoppedError);
    memory.isSlow = false;
    await until('the dead letter', () => letters.length === 1);
    expect(letters[0]).to.include({ reason: 'stopped', message: undefined });
    await until('nothing to be held', () => memory.held === 0);
    expect(near.system.statistics.pendingAsks).to.equal(0);
  });

  it('that are read after the deadline of their ask do not run its handler', async () => {
    const ran: number[] = [];
    const { world, memory, ref } = await setUp({
      run: (_state, { value }) => {
        ran.push(value);
        return { value };
      },
    });
    await ref.run({ value: 0 });
    memory.isSlow = true;
    const asked = millraceRejection(ref.run({ value: 1, load: full(LARGE, 1) }, { timeoutMs: 50 }));
    expect(await asked).to.be.instanceOf(AskTimeoutError);
    await world.pass(50);
    memory.isSlow = false;
    expect((await ref.run({ value: 2 })).value).to.equal(2);
    expect(ran).to.deep.equal([0, 2]);
    await until('nothing to be held', () => memory.held === 0);
  });
});

async function expectEchoes(ref: ActorRef<typeof Errands>): Promise<void> {
  const sent = upTo(4).map((value) => ({ value, load: full(value % 2 === 0 ? LARGE : 1, value) }));
  const replies = await Promise.all(sent.map((errand) => ref.run(errand)));
  for (const [index, { load }] of replies.entries()) expect(load).to.deep.equal(sent[index]?.load);
}
