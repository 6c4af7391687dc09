import { expect } from 'chai';
import type { ActorRef, StreamOptions } from '#src/actors/kernel/index.js';
import { limits } from '#src/limits.js';
import { until } from '../../support/until.js';
import { Listing } from './errands.js';
import { endWorlds, listing, type Partition, PartitionWorld, type WorldOptions } from './partitions.js';

/** Bytes of an element beside its load. */
const OVERHEAD = 16;

interface Made {
  elements: number;
  finallyRan: number;
}

/** An actor whose streams have elements of `sizeBytes`, and what it has made. */
function bulky(sizeBytes: number) {
  const made: Made = { elements: 0, finallyRan: 0 };
  const behavior = listing({
    async *list(_state, { value }) {
      const load = new Uint8Array(sizeBytes);
      try {
        for (let next = 0; next < value; next++) {
          made.elements++;
          yield { value: next, load };
        }
      } finally {
        made.finallyRan++;
      }
    },
  });
  return { behavior, made };
}

describe('a stream over a link', () => {
  afterEach(endWorlds);

  async function reading(sizeBytes: number, options: WorldOptions = {}) {
    const world = new PartitionWorld({ latencyMs: 1, ...options });
    const [near, far] = [await world.start('a/1'), await world.start('b/1')];
    const { behavior, made } = bulky(sizeBytes);
    const ref: ActorRef<typeof Listing> = world.reach(near, Listing, far.system.spawn(behavior));
    return { world, near, far, ref, made };
  }

  const forever: StreamOptions = { timeoutMs: Number.POSITIVE_INFINITY };

  for (const links of [{}, { reorder: 0.1 }]) {
    const name = JSON.stringify(links);
    for (const [sizeBytes, windowBytes] of [
      [1_000, 10_000],
      [30_000, 100_000],
      [30_000, undefined],
      [1_000_000, undefined],
    ] as const) {
      it(`holds its actor at ${windowBytes ?? 'its'} bytes ahead, in elements of ${sizeBytes} (links: ${name})`, async () => {
        const { world, ref, made } = await reading(sizeBytes, links);
        const stream = ref.list({ value: 1_000 }, { ...forever, windowItems: 1_024, windowBytes });
        await stream.next();
        await world.pass(3_000);
        const window = windowBytes ?? limits.rpcStreamBytes;
        const ahead = Math.ceil(window / sizeBytes);
        expect(made.elements).to.be.within(Math.floor(window / (sizeBytes + OVERHEAD)), ahead + 1);
        for (let taken = 1; taken < 50; taken++) await stream.next();
        await world.pass(3_000);
        expect(made.elements).to.be.within(49, 50 + ahead + 1);
        await stream.return();
      });
    }

    for (const windowBytes of [1, 50, 5_000]) {
      it(`brings all elements, in order, with a window of ${windowBytes} bytes (links: ${name})`, async () => {
        const { ref } = await reading(100, links);
        const values: number[] = [];
        for await (const { value } of ref.list({ value: 60 }, { ...forever, windowBytes })) values.push(value);
        expect(values).to.deep.equal(Array.from({ length: 60 }, (_, value) => value));
      });
    }
  }

  it('lets an element pass that is larger than its window, alone', async () => {
    const { world, ref, made } = await reading(200_000);
    const stream = ref.list({ value: 10 }, { ...forever, windowBytes: 1_000 });
    for (let taken = 1; taken <= 3; taken++) {
      await stream.next();
      await world.pass(1_000);
      expect(made.elements).to.equal(taken + 1);
    }
    await stream.return();
  });

  it('frees what it held as soon as its reader has left, at both ends', async () => {
    const { world, near, far, ref, made } = await reading(50_000);
    const streams = Array.from({ length: 5 }, () => ref.list({ value: 100 }, forever));
    for (const stream of streams) await stream.next();
    expect(near.router.grantedBytes.used).to.be.within(1, 5 * (limits.rpcStreamBytes + 50_000));
    for (const stream of streams) await stream.return();
    expect(near.router.grantedBytes.used).to.equal(0);
    await world.pass(100);
    expect(made.finallyRan).to.equal(5);
    expect(far.system.statistics.openStreams).to.equal(0);
  });

  it('ends in its own partition only by elements: they are objects of their actor', async () => {
    const { far, made, world } = await reading(0);
    const { behavior, made: local } = bulky(100_000);
    const stream = far.system.spawn(behavior).list({ value: 100 }, { ...forever, windowItems: 10, windowBytes: 1 });
    await stream.next();
    await world.pass(100);
    expect(local.elements).to.equal(10);
    expect(made.elements).to.equal(0);
    await stream.return();
  });
});

describe('the streams of one partition', () => {
  afterEach(endWorlds);

  it('share what they may grant: past it each gets one element at a time, and all of it when others have left', async () => {
    const world = new PartitionWorld({ latencyMs: 1, linkLimits: { rpcStreamsBytes: 100_000 } });
    const [near, far] = [await world.start('a/1'), await world.start('b/1')];
    const { behavior, made } = bulky(1_000);
    const ref = world.reach(near, Listing, far.system.spawn(behavior));
    const options = { timeoutMs: Number.POSITIVE_INFINITY, windowItems: 100, windowBytes: 50_000 };
    const streams = Array.from({ length: 20 }, () => ref.list({ value: 1_000 }, options));
    for (const stream of streams) await stream.next();
    await world.pass(1_000);
    const held = made.elements - streams.length;
    expect(held * 1_000, 'ahead of all readers').to.be.within(90_000, 100_000 + 2 * streams.length * 1_000);
    for (const stream of streams.slice(1)) await stream.return();
    const before = made.elements;
    const [last] = streams;
    if (last === undefined) throw new Error('there are streams');
    for (let taken = 0; taken < 200; taken++) await last.next();
    await until('the window to be whole', () => made.elements >= before + 200 - 1);
    await last.return();
    expect(usedBy(near)).to.equal(0);
  });
});

function usedBy({ router }: Partition): number {
  return router.grantedBytes.used;
}
