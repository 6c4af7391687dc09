import { expect } from 'chai';
import * as fc from 'fast-check';
import type { Runtime } from '#src/actors/runtime/index.js';
import { behavior } from '#src/actors/kernel/index.js';
import { ResourceError, StoppedError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import { rejection } from '../../support/rejection.js';
import { upTo } from '../../support/numbers.js';
import { lackingSharedMemory } from '../../descriptors/pools.js';
import { describeLinked, until } from '../runtime/harness.js';
import { type Errand, Errands, Listing } from '../transport/errands.js';
import { errands } from '../transport/partitions.js';
import { isPatterned, type Pair, pair, patterned, settled } from './harness.js';

const MIB = 1024 * 1024;
const ABOVE = limits.inlineFieldBytes + 1;

/** An actor of the reader that keeps what it is told, and answers with what it is asked. */
async function desk({ reader, writer }: Pair, work: Partial<Parameters<typeof errands>[0]> = {}) {
  const handled: Errand[] = [];
  const keep = (_state: unknown, errand: Errand): void => void handled.push(errand);
  reader.spawn(
    errands({ push: keep, urge: keep, run: (_state, errand) => errand, rush: (_state, errand) => errand, ...work }),
    { name: 'desk', register: true },
  );
  return { ref: await writer.lookup(Errands, 'desk'), handled };
}

function copied(...runtimes: readonly Runtime[]): number {
  return runtimes.reduce((sum, runtime) => sum + runtime.metrics().values.bytesCopied, 0);
}

describeLinked('large fields of messages', (newCluster) => {
  it('arrive whole, in their order among other messages, and leave nothing', async () => {
    const both = await pair(newCluster());
    const { ref, handled } = await desk(both);
    const sizes = [10, ABOVE, 0, MIB, 5 * MIB, 7, ABOVE - 1, 3 * MIB, 1];
    for (const [value, size] of sizes.entries()) ref.push({ value, load: patterned(size, value) });
    const last = await ref.run({ value: sizes.length });
    expect(last.value).to.equal(sizes.length);
    expect(handled.map(({ load }) => load.length)).to.deep.equal(sizes);
    for (const [value, errand] of handled.entries()) {
      expect(errand.value).to.equal(value);
      expect(isPatterned(errand.load, value)).to.equal(true);
    }
    await settled(both.writer, both.reader);
    expect(both.writer.metrics().values.violations + both.reader.metrics().values.violations).to.equal(0);
  });

  it('go both ways with an ask, on both lanes, also when they are larger than a message may be', async () => {
    const both = await pair(newCluster());
    const { ref } = await desk(both);
    const size = limits.maxMessageBytes + MIB;
    for (const ask of ['run', 'rush'] as const) {
      const { load } = await ref[ask]({ load: patterned(size, 3) }, { timeoutMs: 20_000 });
      expect(load.length).to.equal(size);
      expect(isPatterned(load, 3)).to.equal(true);
    }
    await settled(both.writer, both.reader);
  });

  it('are those of the moment when the message was sent', async () => {
    const both = await pair(newCluster());
    const { ref, handled } = await desk(both);
    const load = new Uint8Array(MIB);
    for (const value of upTo(5)) {
      load.fill(value);
      ref.push({ value, load });
    }
    await ref.run({});
    for (const { value, load: received } of handled) expect(received.every((byte) => byte === value)).to.equal(true);
    expect(handled).to.have.length(5);
    await settled(both.writer, both.reader);
  });

  it('are not copied by their sender when they lie in a block of a pool, and mapped by their reader where it can', async () => {
    const both = await pair(newCluster());
    const { ref, handled } = await desk(both);
    const pool = both.writer.createPool({ limitBytes: 8 * MIB });
    await ref.run({});
    const block = await pool.allocate(MIB);
    block.bytes.set(patterned(MIB, 9));
    ref.push({ load: block.bytes });
    block.dispose();
    await ref.run({});
    expect(isPatterned(handled[0]?.load ?? new Uint8Array(0), 9)).to.equal(true);
    expect(copied(both.writer)).to.equal(0);
    // Its reader maps them where it can, and fetches them elsewhere.
    const isMapped = !both.cluster.isVirtual && lackingSharedMemory() === undefined;
    expect(copied(both.reader)).to.equal(isMapped ? 0 : MIB);
    await until(() => pool.statistics.blocks === 0);
    await settled(both.writer, both.reader);
  });

  it('of the elements of a stream arrive in order, read from where they lie when the reader asks for them', async () => {
    const both = await pair(newCluster());
    both.reader.spawn(
      behavior(Listing, {
        push() {},
        run: (_state, errand) => errand,
        async *list(_state, { value, load }) {
          for (const number of upTo(value))
            yield { value: number, load: patterned(number % 2 === 0 ? MIB : 10, number) };
          yield { value, load };
        },
      }),
      { name: 'listing', register: true },
    );
    const ref = await both.writer.lookup(Listing, 'listing');
    let count = 0;
    for await (const { value, load } of ref.list({ value: 6, load: patterned(ABOVE, 6) })) {
      expect(value).to.equal(count);
      expect(isPatterned(load, value)).to.equal(true);
      count += 1;
    }
    expect(count).to.equal(7);
    for await (const { value } of ref.list({ value: 50 })) if (value === 3) break;
    await settled(both.writer, both.reader);
  });

  it('wait for memory in the pool of their sender, and arrive when there is some', async () => {
    const cluster = newCluster();
    const both = await pair(cluster);
    const { ref, handled } = await desk(both);
    // More than fits into the pool at a time, which is limited to 1 GiB: as many as show that memory is used again.
    const count = cluster.many(20, 40);
    for (const value of upTo(count)) {
      if (!ref.push({ value, load: patterned(MIB, value) })) await ref.ready();
    }
    await ref.run({});
    expect(handled.map(({ value }) => value)).to.deep.equal(upTo(count));
    await settled(both.writer, both.reader);
  });

  it('that will never fit into the pool are refused with a typed error', async () => {
    const both = await pair(newCluster());
    const { ref } = await desk(both);
    await ref.run({ load: new Uint8Array(ABOVE) });
    const { length } = { length: limits.poolBytes + 1 };
    const load = new Uint8Array(length);
    expect(await rejection(ref.run({ load }))).to.be.instanceOf(ResourceError);
    expect(() => ref.push({ load })).to.throw(ResourceError);
    await settled(both.writer, both.reader);
  });

  it('of messages to an actor that has stopped are given back, and the sender has a dead letter', async () => {
    const both = await pair(newCluster());
    const held: Promise<void>[] = [];
    let open = (): void => {};
    held.push(new Promise((resolve) => (open = resolve)));
    const { ref } = await desk(both, { push: () => held[0] });
    const letters: unknown[] = [];
    both.writer.deadLetters.subscribe(({ message }) => letters.push(message));
    for (const value of upTo(4)) ref.push({ value, load: patterned(MIB, value) });
    const asked = rejection(ref.run({ load: patterned(MIB, 1) }));
    await until(() => both.reader.metrics().values.held >= 1);
    const actor = await both.reader.lookup(Errands, 'desk');
    await until(() => both.reader.metrics().mailboxes.queued === 4);
    const stopped = both.reader.stopActor(actor);
    open();
    await stopped;
    expect(await asked).to.be.instanceOf(StoppedError);
    await until(() => letters.length === 3);
    expect(letters).to.deep.equal([undefined, undefined, undefined]);
    await settled(both.writer, both.reader);
  });

  it('are free again when the process of their reader ends before it has read them', async () => {
    const cluster = newCluster();
    const both = await pair(cluster);
    const { ref } = await desk(both, { push: () => new Promise<void>(() => {}) });
    for (const value of upTo(4)) ref.push({ value, load: patterned(MIB, value) });
    await until(() => both.writer.metrics().values.owned >= 3);
    both.cluster.executor.crash(both.reader.node);
    await settled(both.writer);
  });

  it('arrive equal, whatever their sizes', async () => {
    const both = await pair(newCluster());
    const { ref } = await desk(both);
    const size = fc.oneof(
      fc.integer({ min: 0, max: 300 }),
      fc.integer({ min: ABOVE - 3, max: ABOVE + 3 }),
      fc.integer({ min: 0, max: MIB }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(size, { minLength: 1, maxLength: 6 }), async (sizes) => {
        const replies = await Promise.all(
          sizes.map((bytes, value) => ref.run({ value, load: patterned(bytes, value) })),
        );
        for (const [value, reply] of replies.entries()) {
          expect(reply.load.length).to.equal(sizes[value]);
          expect(isPatterned(reply.load, value)).to.equal(true);
        }
      }),
      { numRuns: 15 },
    );
    await settled(both.writer, both.reader);
  });
});
