import { expect } from 'chai';
import { type Behavior, behavior, type Handlers, type RetainedBytes } from '#src/actors/kernel/index.js';
import type { Runtime } from '#src/actors/runtime/index.js';
import { Deferred } from '#src/deferred.js';
import { ConsumedError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import type { BorrowedBytes } from '#src/protocol/index.js';
import { lackingSharedMemory } from '../../descriptors/pools.js';
import { upTo } from '../../support/numbers.js';
import { describeLinked, until } from '../runtime/harness.js';
import { type Frame, Frames } from './frames.js';
import { isPatterned, type Pair, pair, patterned, settled } from './harness.js';

const MIB = 1024 * 1024;
const ABOVE = limits.inlineFieldBytes + 1;

type Work<State> = Partial<Handlers<typeof Frames, State>>;

/** A behavior of which a test gives only the handlers that it needs. */
function frames<State = undefined>(work: Work<State>, state?: () => State): Behavior<typeof Frames, State> {
  const handlers = {
    show() {},
    check: (_state: State, frame: Frame) => frame,
    async *list(_state: State, frame: Frame) {
      yield frame;
    },
    load: () => ({}),
    ...work,
  };
  return behavior<typeof Frames, State>(Frames, { ...handlers, ...(state === undefined ? {} : { state }) } as never);
}

/** An actor of the reader, as the writer reaches it. */
async function desk<State>({ reader, writer }: Pair, work: Work<State>, state?: () => State) {
  reader.spawn(frames(work, state), { name: 'desk', register: true });
  return writer.lookup(Frames, 'desk');
}

/** Values of others that this runtime holds. */
function held(runtime: Runtime): number {
  return runtime.metrics().values.held;
}

describeLinked('borrowed fields of messages', (newCluster) => {
  const isMapped = (both: Pair): boolean => !both.cluster.isVirtual && lackingSharedMemory() === undefined;

  it('are where their sender has written them, are not copied, and are released when the handler has settled', async () => {
    const both = await pair(newCluster());
    const [seen, go] = [new Deferred<BorrowedBytes>(), new Deferred<void>()];
    const ref = await desk(both, {
      show: async (_state, { pixels }) => {
        seen.resolve(pixels);
        await go.promise;
      },
    });
    const block = await both.writer.createPool().allocate(MIB);
    block.bytes.set(patterned(MIB, 9));
    ref.show({ pixels: block.bytes });
    const pixels = await seen.promise;
    expect(isPatterned(pixels, 9)).to.equal(true);
    expect(both.writer.metrics().values.bytesCopied).to.equal(0);
    if (isMapped(both)) {
      expect(both.reader.metrics().values.bytesCopied).to.equal(0);
      // The same memory: what the owner writes is seen by the reader.
      block.bytes[5] = 200;
      expect(pixels[5]).to.equal(200);
    }
    expect(held(both.reader)).to.equal(1);
    go.resolve();
    block.dispose();
    await settled(both.writer, both.reader);
  });

  it('arrive equal to what was sent, beside fields that are copied, whatever their sizes', async () => {
    const both = await pair(newCluster());
    const ref = await desk(both, {
      check: (_state, { number, pixels, label }) => {
        const isRight = isPatterned(pixels, number) && isPatterned(label, number + 1);
        return { number: isRight ? pixels.length : -1 };
      },
    });
    for (const size of [0, 1, ABOVE - 1, ABOVE, MIB, 5 * MIB]) {
      const { number } = await ref.check({ number: 7, pixels: patterned(size, 7), label: patterned(ABOVE, 8) });
      expect(number).to.equal(size);
    }
    await settled(both.writer, both.reader);
  });

  it('are kept with retain, whole and in part, until that is disposed, once or twice', async () => {
    const both = await pair(newCluster());
    const kept: RetainedBytes[] = [];
    const ref = await desk(both, {
      show: (_state, { pixels }, ctx) => {
        kept.push(ctx.retain(pixels), ctx.retain(pixels.subarray(100, 200) as BorrowedBytes));
      },
    });
    ref.show({ pixels: patterned(MIB, 3) });
    await until(() => kept.length === 2);
    const [whole, part] = kept;
    expect(isPatterned(whole?.bytes ?? new Uint8Array(1), 3)).to.equal(true);
    whole?.dispose();
    whole?.dispose();
    expect(() => whole?.bytes).to.throw(ConsumedError);
    expect(held(both.reader)).to.equal(1);
    expect(part?.copy()).to.deep.equal(patterned(MIB, 3).slice(100, 200));
    part?.dispose();
    await settled(both.writer, both.reader);
  });

  it('of an element are there until the next one is asked for, and when the reader leaves', async () => {
    const both = await pair(newCluster());
    const block = await both.reader.createPool().allocate(MIB);
    const ref = await desk(both, {
      async *list(_state, { number }) {
        for (const mark of upTo(number)) yield { number: mark, pixels: patterned(MIB, mark) };
        block.bytes.set(patterned(MIB, number));
        yield { number, pixels: block.bytes };
      },
    });
    let count = 0;
    for await (const { number, pixels } of ref.list({ number: 4 })) {
      expect(isPatterned(pixels, number)).to.equal(true);
      if (number === 4 && isMapped(both)) {
        block.bytes[1] = 250;
        expect(pixels[1]).to.equal(250);
      }
      count += 1;
    }
    expect(count).to.equal(5);
    for await (const { number } of ref.list({ number: 50 })) if (number === 3) break;
    block.dispose();
    await settled(both.writer, both.reader);
  });

  it('of a stream of requests are there until the handler asks for the next one, and can be retained', async () => {
    const both = await pair(newCluster());
    const kept: RetainedBytes[] = [];
    const ref = await desk(both, {
      async load(_state, requests, ctx) {
        let right = 0;
        for await (const { number, pixels } of requests) {
          if (isPatterned(pixels, number)) right += 1;
          if (number === 1) kept.push(ctx.retain(pixels));
        }
        return { number: right };
      },
    });
    const sent = (function* () {
      for (const number of upTo(4)) yield { number, pixels: patterned(MIB, number) };
    })();
    expect((await ref.load(sent)).number).to.equal(4);
    expect(isPatterned(kept[0]?.bytes ?? new Uint8Array(1), 1)).to.equal(true);
    await until(() => held(both.reader) === 1);
    kept[0]?.dispose();
    await settled(both.writer, both.reader);
  });

  it('can be sent on, to this partition and back, also when the handler settles first', async () => {
    const both = await pair(newCluster());
    const go = new Deferred<void>();
    const right: boolean[] = [];
    const look = async (_state: undefined, { number, pixels }: Frame): Promise<void> => {
      await go.promise;
      right.push(isPatterned(pixels, number));
    };
    const near = both.reader.spawn(frames({ show: look }));
    both.writer.spawn(frames({ show: look }), { name: 'origin', register: true });
    const origin = await both.reader.lookup(Frames, 'origin');
    const ref = await desk(both, {
      show: (_state, frame) => {
        near.show(frame);
        origin.show(frame);
      },
    });
    for (const number of upTo(3)) ref.show({ number, pixels: patterned(MIB, number) });
    const [last] = [await ref.check({ number: 1 })];
    expect(last.number).to.equal(1);
    go.resolve();
    await until(() => right.length === 6);
    expect(right.every(Boolean)).to.equal(true);
    await settled(both.writer, both.reader);
  });

  it('stay readable when their sender is gone, until they are released', async () => {
    const cluster = newCluster();
    await cluster.start();
    const both = await pair(cluster);
    const kept: RetainedBytes[] = [];
    const ref = await desk(both, { show: (_state, { pixels }, ctx) => void kept.push(ctx.retain(pixels)) });
    ref.show({ pixels: patterned(MIB, 5) });
    await until(() => kept.length === 1);
    both.cluster.executor.crash(both.writer.node);
    await until(() => held(both.reader) === 0);
    expect(isPatterned(kept[0]?.bytes ?? new Uint8Array(1), 5)).to.equal(true);
    kept[0]?.dispose();
    await settled(both.reader);
  });
});
