import { expect } from 'chai';
import { later, type Stream } from '#src/actors/kernel/index.js';
import {
  AskTimeoutError,
  BackpressureError,
  ConfigError,
  HandlerError,
  ProtocolError,
  ReentrantAskError,
  Refusal,
  RefusedError,
  StoppedError,
  UnreachableError,
} from '#src/errors.js';
import { Timestamp } from '#src/protocol/index.js';
import { upTo } from '../../support/numbers.js';
import { readAll } from '../../support/read-all.js';
import { until } from '../../support/until.js';
import { Listing } from './errands.js';
import { endWorlds, listing, PartitionWorld } from './partitions.js';

for (const isReal of [false, true]) {
  describe(`streams over a link, in ${isReal ? 'real' : 'virtual'} time`, () => {
    afterEach(endWorlds);

    async function setUp(options: ConstructorParameters<typeof PartitionWorld>[0] = {}) {
      const world = new PartitionWorld({ isReal, ...options });
      const [near, far] = [await world.start('a/1'), await world.start('b/1')];
      return { world, near, far };
    }

    it('are read to their end, in order', async () => {
      const { world, near, far } = await setUp({ latencyMs: 1, jitterMs: 2 });
      const ref = world.reach(near, Listing, far.system.spawn(listing()));
      const all = await Promise.all([0, 1, 63, 64, 65, 300].map(async (count) => readAll(ref.list({ value: count }))));
      expect(all).to.deep.equal([0, 1, 63, 64, 65, 300].map((count) => ({ values: upTo(count) })));
    });

    it('are never ahead of their reader by more than the window', async () => {
      const { world, near, far } = await setUp();
      for (const windowItems of [1, 3, 16]) {
        let made = 0;
        const ref = world.reach(
          near,
          Listing,
          far.system.spawn(
            listing({
              list: async function* () {
                for (;;) yield { value: made++ };
              },
            }),
          ),
        );
        const stream = ref.list({}, { windowItems });
        for (let read = 1; read <= 30; read++) {
          expect((await stream.next()).value).to.deep.include({ value: read - 1 });
          await ref.run({});
          await ref.run({});
          expect(made).to.be.at.most(read + windowItems - 1);
        }
        await stream.return();
      }
    });

    it('of large elements to a slow reader hold little in between', async () => {
      const { world, near, far } = await setUp({ linkLimits: { linkBacklogBytes: 256 * 1024 } });
      const load = new Uint8Array(100_000).fill(7);
      let made = 0;
      const ref = world.reach(
        near,
        Listing,
        far.system.spawn(
          listing({
            list: async function* () {
              for (; made < 60; made++) yield { value: made, load };
            },
          }),
        ),
      );
      const values: number[] = [];
      for await (const element of ref.list({}, { windowItems: 64 })) {
        expect(element.load.length).to.equal(load.length);
        values.push(element.value);
      }
      expect(values).to.deep.equal(upTo(60));
    });

    it('fail as the actor fails, after the elements that came before', async () => {
      const { world, near, far } = await setUp();
      const ref = world.reach(
        near,
        Listing,
        far.system.spawn(
          listing({
            list: async function* () {
              yield { value: 1 };
              throw new ConfigError('no more');
            },
          }),
        ),
      );
      const { values, error } = await readAll(ref.list({}));
      expect(values).to.deep.equal([1]);
      expect(error).to.be.instanceOf(HandlerError).and.to.include({ handlerCode: 'CONFIG', message: 'no more' });
    });

    it('end with the refusal of their generator, its detail included', async () => {
      const { world, near, far } = await setUp();
      const shelf = listing({
        list: async function* () {
          yield { value: 1 };
          throw new Refusal('EMPTY', 'no more', { type: Timestamp, value: { seconds: 5n } });
        },
      });
      const { values, error } = await readAll(world.reach(near, Listing, far.system.spawn(shelf)).list({}));
      expect(values).to.deep.equal([1]);
      expect(error).to.be.instanceOf(RefusedError).and.to.include({ reason: 'EMPTY', message: 'no more' });
      expect((error as RefusedError).detail?.as(Timestamp)).to.deep.equal({ seconds: 5n, nanos: 0 });
      expect(far.system.statistics.failures).to.equal(0);
    });

    it('fail where an element cannot be encoded, and go on where others can', async () => {
      const { world, near, far } = await setUp({ linkLimits: { maxMessageBytes: 10_000 } });
      const ref = world.reach(
        near,
        Listing,
        far.system.spawn(
          listing({
            list: async function* (_state, { value }) {
              yield { value, load: new Uint8Array(value) };
            },
          }),
        ),
      );
      const { error } = await readAll(ref.list({ value: 20_000 }));
      expect(error).to.be.instanceOf(HandlerError).and.to.include({ handlerCode: 'PROTOCOL' });
      expect(await readAll(ref.list({ value: 2_000 }))).to.deep.equal({ values: [2_000] });
    });

    it('fail with what refused them', async () => {
      const { world, near, far } = await setUp({ kernelLimits: { mailboxMessages: 8, stopTimeoutMs: 50 } });
      const stopped = far.system.spawn(listing());
      const gone = world.reach(near, Listing, stopped);
      await far.system.stop(stopped);
      expect((await readAll(gone.list({}))).error).to.be.instanceOf(StoppedError);
      const chores = near.system.referenceTo(Listing, near.router.routeTo(far.address, far.transportCUid));
      expect((await readAll(chores.list({}))).error).to.be.instanceOf(ProtocolError);
      const nowhere = near.system.referenceTo(Listing, near.router.routeTo('c/1', 7n));
      expect((await readAll(nowhere.list({}))).error).to.be.instanceOf(UnreachableError);
      const busy = far.system.spawn(listing({ run: async () => new Promise<{ value: number }>(() => {}) }));
      const ref = world.reach(near, Listing, busy);
      void ref.run({}, { timeoutMs: 1_000_000 }).catch(() => {});
      for (const value of upTo(8)) ref.push({ value });
      const { error } = await readAll(ref.list({}, { timeoutMs: 1_000_000 }));
      expect(error).to.be.instanceOf(BackpressureError);
    });

    it('are cancelled at the actor when their reader leaves, aborts, or runs out of time', async () => {
      const { world, near, far } = await setUp();
      const closed: number[] = [];
      const ref = world.reach(
        near,
        Listing,
        far.system.spawn(
          listing({
            list: async function* (_state, { value }) {
              try {
                yield { value };
                if (value === 3) yield later(new Promise<{ value: number }>(() => {}));
                for (;;) yield { value };
              } finally {
                closed.push(value);
              }
            },
          }),
        ),
      );
      for await (const _element of ref.list({ value: 1 })) break;
      await until('the first to be closed', () => closed.length === 1);
      const controller = new AbortController();
      const aborted = ref.list({ value: 2 }, { signal: controller.signal });
      await aborted.next();
      controller.abort();
      await until('the second to be closed', () => closed.length === 2);
      const { values, error } = await readAll(ref.list({ value: 3 }, { timeoutMs: isReal ? 500 : 20 }));
      expect(values).to.deep.equal([3]);
      expect(error).to.be.instanceOf(AskTimeoutError);
      await until('the third to be closed', () => closed.length === 3);
      expect(closed).to.deep.equal([1, 2, 3]);
    });

    it('end at both ends when the process at either end is gone', async () => {
      const { world, near, far } = await setUp();
      let closed = 0;
      const endless = listing({
        list: async function* () {
          try {
            for (;;) yield {};
          } finally {
            closed++;
          }
        },
      });
      const ref = world.reach(near, Listing, far.system.spawn(endless));
      const back = world.reach(far, Listing, near.system.spawn(endless));
      const streams = [ref.list({}, { timeoutMs: Number.POSITIVE_INFINITY }), back.list({})];
      for (const stream of streams) await stream.next();
      world.network.crash('b');
      const { error } = await readAll(streams[0] ?? ref.list({}));
      expect(error).to.be.instanceOf(UnreachableError);
      await until('both to be closed', () => closed === 2);
      expect((await readAll(streams[1] ?? ref.list({}))).error).to.be.instanceOf(StoppedError);
    });

    it('of an actor that waits for its reader fail at once', async () => {
      const { world, near, far } = await setUp();
      const failures: unknown[] = [];
      const reader = near.system.spawn(
        listing({
          run: async (_state, _request, ctx) => {
            await Promise.resolve();
            failures.push((await readAll(list(ctx.options({ timeoutMs: 4_000 })))).error);
            return {};
          },
        }),
      );
      const asking = world.reach(far, Listing, reader);
      const server = far.system.spawn(listing({ run: async () => asking.run({}) }));
      const ref = world.reach(near, Listing, server);
      const list = (options: object) => ref.list({ value: 1 }, options);
      await ref.run({});
      expect(failures[0]).to.be.instanceOf(ReentrantAskError);
    });

    it('that were opened before fail a pull that the actor waits for', async () => {
      const { world, near, far } = await setUp();
      let open: Stream<{ value: number }> | undefined;
      let failure: unknown;
      const reader = near.system.spawn(
        listing({
          push: () => {
            open = pulled();
            void open.next();
          },
          run: async () => {
            failure = await open?.next().catch((error: unknown) => error);
            return {};
          },
        }),
      );
      const asking = world.reach(far, Listing, reader);
      const server = far.system.spawn(listing({ run: async () => asking.run({}) }));
      const ref = world.reach(near, Listing, server);
      const pulled = () => ref.list({ value: 10 }, { windowItems: 1 });
      reader.push({});
      await until('the stream to be open', () => far.system.statistics.openStreams === 1);
      await ref.run({});
      expect(failure).to.be.instanceOf(ReentrantAskError);
    });

    it('carry meta and the sender', async () => {
      const { world, near, far } = await setUp();
      const seen: unknown[] = [];
      const ref = world.reach(
        near,
        Listing,
        far.system.spawn(
          listing({
            list: async function* (_state, _request, ctx) {
              seen.push(ctx.meta, ctx.sender?.cUid);
              yield {};
            },
          }),
        ),
      );
      const front = near.system.spawn(
        listing({
          run: async () => {
            await readAll(ref.list({}, { meta: { own: '1' } }));
            return {};
          },
        }),
      );
      await front.run({}, { meta: { trace: '7' } });
      expect(seen).to.deep.equal([{ trace: '7', own: '1' }, front.toRef().cUid]);
    });
  });
}

describe('streams over a link that loses, doubles and reorders frames', () => {
  afterEach(endWorlds);

  for (const seed of upTo(12)) {
    it(`arrive complete, in order and once, or are cancelled for good (seed ${seed})`, async () => {
      const world = new PartitionWorld({
        seed,
        latencyMs: 2,
        jitterMs: 3,
        loss: 0.2,
        duplicate: 0.1,
        reorder: 0.1,
        linkDeadMs: 600_000,
      });
      const [near, far] = [await world.start('a/1'), await world.start('b/1')];
      let [begun, closed] = [0, 0];
      const server = far.system.spawn(
        listing({
          list: async function* (_state, { value }) {
            begun++;
            try {
              for (let next = 0; next < value; next++) yield { value: next };
            } finally {
              closed++;
            }
          },
        }),
      );
      const ref = world.reach(near, Listing, server);
      const options = { timeoutMs: Number.POSITIVE_INFINITY, windowItems: 1 + (seed % 9) };
      const counts = [0, 1, 7, 40];
      const all = await Promise.all(counts.map(async (count) => readAll(ref.list({ value: count }, options))));
      expect(all).to.deep.equal(counts.map((count) => ({ values: upTo(count) })));
      const left = ref.list({ value: 1_000 }, options);
      await left.next();
      await left.return();
      await until(
        'both ends to be gone',
        () => near.system.statistics.openStreams + far.system.statistics.openStreams === 0,
      );
      expect([begun, closed]).to.deep.equal([5, 5]);
    });
  }
});
