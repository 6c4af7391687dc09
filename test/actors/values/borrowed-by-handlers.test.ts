import { expect } from 'chai';
import * as fc from 'fast-check';
import { type Behavior, behavior, type Handlers, later, type RetainedBytes } from '#src/actors/kernel/index.js';
import type { Runtime } from '#src/actors/runtime/index.js';
import { Deferred } from '#src/deferred.js';
import { ConsumedError } from '#src/errors.js';
import { messageOf } from '#src/foreign.js';
import { limits } from '#src/limits.js';
import type { BorrowedBytes } from '#src/protocol/index.js';
import { exposedGc } from '../../support/exposed-gc.js';
import { rejection } from '../../support/rejection.js';
import { upTo } from '../../support/numbers.js';
import { closeAfterEach, Cluster, until } from '../runtime/harness.js';
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

describe('borrowed fields and the handlers that have them', () => {
  closeAfterEach();
  const newCluster = (): Cluster => new Cluster();

  for (const [how, run] of Object.entries<(keep: (pixels: BorrowedBytes) => void) => Work<undefined>>({
    'has returned': (keep) => ({ show: (_state, { pixels }) => keep(pixels) }),
    'has failed': (keep) => ({
      show: (_state, { pixels }) => {
        keep(pixels);
        throw new Error('the frame is wrong');
      },
    }),
    'has rejected': (keep) => ({
      show: async (_state, { pixels }) => {
        keep(pixels);
        throw new Error('the frame is wrong');
      },
    }),
  })) {
    it(`cannot be retained any more when the handler ${how}`, async () => {
      const both = await pair(newCluster());
      const kept: BorrowedBytes[] = [];
      const ref = await desk(both, {
        ...run((pixels) => kept.push(pixels)),
        check: (_state, _frame, ctx) => {
          for (const pixels of kept) ctx.retain(pixels);
          return {};
        },
      });
      ref.show({ pixels: patterned(MIB, 1) });
      await until(() => kept.length === 1);
      await settled(both.writer, both.reader);
      expect(messageOf(await rejection(ref.check({})))).to.include('ctx.retain(bytes)');
    });
  }

  it('are there until a deferred reply has settled', async () => {
    const both = await pair(newCluster());
    const go = new Deferred<void>();
    const ref = await desk(both, {
      check: (_state, { pixels }) => later(go.promise.then(() => ({ number: isPatterned(pixels, 4) ? 1 : 0 }))),
    });
    const reply = ref.check({ pixels: patterned(MIB, 4) });
    await until(() => held(both.reader) === 1);
    go.resolve();
    expect((await reply).number).to.equal(1);
    await settled(both.writer, both.reader);
  });

  it('are there when a message that was stashed is handled', async () => {
    const both = await pair(newCluster());
    let isOpen = false;
    const right: boolean[] = [];
    const ref = await desk(both, {
      show: (_state, { number, pixels }, ctx) => {
        if (number === 99) {
          isOpen = true;
          ctx.unstashAll();
        } else if (isOpen) right.push(isPatterned(pixels, number));
        else ctx.stash();
      },
    });
    for (const number of upTo(3)) ref.show({ number, pixels: patterned(MIB, number) });
    await until(() => held(both.reader) === 3);
    ref.show({ number: 99 });
    await until(() => right.length === 3);
    expect(right).to.deep.equal([true, true, true]);
    await settled(both.writer, both.reader);
  });

  it('that were retained are given back when their actor stops', async () => {
    const both = await pair(newCluster());
    const kept: RetainedBytes[] = [];
    const ref = await desk(both, { show: (_state, { pixels }, ctx) => void kept.push(ctx.retain(pixels)) });
    for (const number of upTo(3)) ref.show({ pixels: patterned(MIB, number) });
    await until(() => kept.length === 3);
    expect(held(both.reader)).to.equal(3);
    await both.reader.stopActor(await both.reader.lookup(Frames, 'desk'));
    await settled(both.writer, both.reader);
    for (const { isDisposed } of kept) expect(isDisposed).to.equal(true);
  });

  it('are given back when a handler that has them is abandoned, because its actor stops', async () => {
    const cluster = newCluster();
    const both: Pair = {
      cluster,
      writer: await cluster.start(),
      reader: await cluster.start({ kernelLimits: { stopTimeoutMs: 50 } }),
    };
    const ref = await desk(both, { show: () => new Promise<void>(() => {}) });
    ref.show({ pixels: patterned(MIB, 1) });
    await until(() => held(both.reader) === 1);
    await both.reader.stopActor(await both.reader.lookup(Frames, 'desk'));
    await settled(both.writer, both.reader);
  });

  it('of a reply, and of the request of a stream, are copies', async () => {
    const both = await pair(newCluster());
    const ref = await desk(both, {});
    const { pixels } = await ref.check({ pixels: patterned(MIB, 6) });
    const elements: BorrowedBytes[] = [];
    for await (const element of ref.list({ pixels: patterned(MIB, 7) })) elements.push(element.pixels.slice() as never);
    await settled(both.writer, both.reader);
    expect(isPatterned(pixels, 6)).to.equal(true);
    expect(isPatterned(elements[0] ?? new Uint8Array(1), 7)).to.equal(true);
  });

  it('within a partition are the object itself, and stay when their sender has disposed the block', async () => {
    const { reader } = await pair(newCluster());
    const pool = reader.createPool({ poison: true });
    const seen: { frame: Frame; isRight: boolean }[] = [];
    const kept: RetainedBytes[] = [];
    const ref = reader.spawn(
      frames({
        show: async (_state, frame, ctx) => {
          if (frame.number === 2) kept.push(ctx.retain(frame.pixels));
          await Promise.resolve();
          seen.push({ frame, isRight: isPatterned(frame.pixels, frame.number) });
        },
        check: (_state, { number, pixels }) => ({ number: isPatterned(pixels, number) ? 1 : 0 }),
        async *list() {
          using block = await pool.allocate(MIB);
          block.bytes.set(patterned(MIB, 8));
          yield { number: 8, pixels: block.bytes };
        },
      }),
    );
    for (const number of upTo(3)) {
      using block = await pool.allocate(MIB);
      block.bytes.set(patterned(MIB, number));
      ref.show({ number, pixels: block.bytes });
    }
    let asked: Promise<Frame>;
    {
      using block = await pool.allocate(MIB);
      block.bytes.set(patterned(MIB, 5));
      asked = ref.check({ number: 5, pixels: block.bytes });
    }
    expect((await asked).number).to.equal(1);
    const plain = patterned(MIB, 4);
    ref.show({ number: 4, pixels: plain });
    await until(() => seen.length === 4);
    expect(seen.map(({ isRight }) => isRight)).to.deep.equal([true, true, true, true]);
    expect(seen[3]?.frame.pixels).to.equal(plain);
    for await (const { number, pixels } of ref.list({})) expect(isPatterned(pixels, number)).to.equal(true);
    expect(pool.statistics.blocks).to.equal(1);
    expect(isPatterned(kept[0]?.bytes ?? new Uint8Array(1), 2)).to.equal(true);
    kept[0]?.dispose();
    expect(pool.statistics.blocks).to.equal(0);
  });

  it('of a block that was disposed are refused when they are sent', async () => {
    const { reader } = await pair(newCluster());
    const ref = reader.spawn(frames({}));
    const block = await reader.createPool().allocate(MIB);
    const { bytes } = block;
    block.dispose();
    expect(() => ref.show({ pixels: bytes })).to.throw(ConsumedError);
    expect(await rejection(ref.check({ pixels: bytes }))).to.be.instanceOf(ConsumedError);
  });

  it('are overwritten when they are released, with the option that finds uses after that', async () => {
    const cluster = newCluster();
    const writer = await cluster.start();
    const both = { cluster, writer, reader: await cluster.start({ borrowedFields: 'poisoned' }) };
    const [frames, right]: [Frame[], boolean[]] = [[], []];
    const kept: RetainedBytes[] = [];
    const ref = await desk(both, {
      show: (_state, frame, ctx) => {
        right.push(isPatterned(frame.pixels, 1));
        if (frame.number === 1) kept.push(ctx.retain(frame.pixels));
        frames.push(frame);
      },
    });
    for (const number of upTo(2)) ref.show({ number, pixels: patterned(MIB, 1), label: patterned(ABOVE, 1) });
    await until(() => frames.length === 2);
    await settled(both.writer, both.reader);
    expect(right).to.deep.equal([true, true]);
    expect(frames.map(({ label }) => isPatterned(label, 1))).to.deep.equal([true, true]);
    const isPoisoned = (): boolean[] => frames.map(({ pixels }) => pixels.every((byte) => byte === 0xdb));
    expect(isPoisoned()).to.deep.equal([true, false]);
    kept[0]?.dispose();
    expect(isPoisoned()).to.deep.equal([true, true]);
  });

  it('that were retained and lost are logged with the line that has retained them', async () => {
    const both = await pair(newCluster());
    const gc = await exposedGc();
    let handled = 0;
    const ref = await desk(both, {
      show: (_state, { pixels }, ctx) => {
        ctx.retain(pixels);
        handled += 1;
      },
    });
    ref.show({ pixels: patterned(MIB, 1) });
    await until(() => handled === 1);
    const found = (): boolean =>
      both.cluster.log.some(({ message, fields }) => {
        return (
          message.includes('retained bytes were lost') && JSON.stringify(fields).includes('borrowed-by-handlers.test')
        );
      });
    await until(() => {
      gc();
      return found();
    });
    expect(held(both.reader)).to.equal(1);
    await both.reader.stopActor(await both.reader.lookup(Frames, 'desk'));
    await settled(both.writer, both.reader);
  });

  it('retain refuses what are no bytes', async () => {
    const { reader } = await pair(newCluster());
    const wrong = 'bytes' as unknown as BorrowedBytes;
    const ref = reader.spawn(frames({ check: (_state, _frame, ctx) => void ctx.retain(wrong) as never }));
    expect(messageOf(await rejection(ref.check({})))).to.include('ctx.retain needs bytes');
  });

  it('are held as the ledger says, in whatever order they are retained and released', async () => {
    const both = await pair(newCluster());
    const kept = new Map<number, RetainedBytes[]>();
    const ref = await desk(both, {
      show: (_state, { number, pixels, label }, ctx) => {
        kept.set(
          number,
          Array.from(label, () => ctx.retain(pixels)),
        );
      },
    });
    const step = fc.oneof(
      fc.record({ kind: fc.constant('send' as const), retained: fc.integer({ min: 0, max: 3 }) }),
      fc.record({ kind: fc.constant('release' as const), which: fc.nat() }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
        kept.clear();
        for (const [number, one] of steps.entries()) {
          if (one.kind === 'send') {
            ref.show({ number, pixels: patterned(ABOVE, number), label: new Uint8Array(one.retained) });
            await until(() => kept.has(number));
          } else {
            const all = [...kept.values()].flat();
            all[one.which % Math.max(1, all.length)]?.dispose();
          }
          const open = [...kept].filter(([, list]) => list.some(({ isDisposed }) => !isDisposed));
          await until(() => held(both.reader) === open.length);
          for (const [mark, list] of open)
            for (const { bytes } of list.filter(({ isDisposed }) => !isDisposed))
              expect(isPatterned(bytes, mark)).to.equal(true);
        }
        for (const bytes of [...kept.values()].flat()) bytes.dispose();
      }),
      { numRuns: 50 },
    );
    await settled(both.writer, both.reader);
  });
});
