import { AsyncLocalStorage } from 'node:async_hooks';
import { expect } from 'chai';
import { later } from '#src/actors/kernel/index.js';
import {
  AskAbortedError,
  AskTimeoutError,
  ProtocolError,
  Refusal,
  RefusedError,
  SourceError,
  StoppedError,
  UnreachableError,
} from '#src/errors.js';
import { upTo } from '../../support/numbers.js';
import { readAll } from '../../support/read-all.js';
import { rejection } from '../../support/rejection.js';
import { numbersBelow, silentAfter } from '../../support/sources.js';
import { someTurns, until } from '../../support/until.js';
import { Depot } from './errands.js';
import { depot, endWorlds, type Partition, PartitionWorld } from './partitions.js';

type Options = ConstructorParameters<typeof PartitionWorld>[0];

/** Two partitions, and the actor of the far one as the near one reaches it. */
async function setUp(options: Options = {}, made = depot()) {
  const world = new PartitionWorld(options);
  const [near, far] = [await world.start('a/1'), await world.start('b/1')];
  return { world, near, far, ref: world.reach(near, Depot, far.system.spawn(made)) };
}

/** Reads all requests, and notes how they ended. */
function noting() {
  const ends: unknown[] = [];
  const read = async (requests: AsyncIterable<{ value: number }>): Promise<void> => {
    const { error = 'complete' } = await readAll(requests);
    ends.push(error);
    if (error instanceof Error) throw error;
  };
  const made = depot({
    load: async (_state, requests) => {
      await read(requests);
      return {};
    },
    chat: async function* (_state, requests) {
      yield {};
      await read(requests);
    },
  });
  return { ends, made };
}

const openStreams = (...partitions: readonly Partition[]): number =>
  partitions.reduce((sum, { system }) => sum + system.statistics.openStreams, 0);

for (const isReal of [false, true]) {
  describe(`streams of requests over a link, in ${isReal ? 'real' : 'virtual'} time`, () => {
    afterEach(endWorlds);

    it('are read to their end, in order, in one direction and both', async () => {
      const { ref } = await setUp({ isReal, latencyMs: 1, jitterMs: 2 });
      const counts = [0, 1, 63, 64, 65, 300];
      const sums = await Promise.all(counts.map(async (count) => (await ref.load(numbersBelow(count))).value));
      expect(sums).to.deep.equal(counts.map((count) => upTo(count).reduce((sum, value) => sum + value, 0)));
      const chats = await Promise.all(counts.map(async (count) => readAll(ref.chat(numbersBelow(count)))));
      expect(chats).to.deep.equal(counts.map((count) => ({ values: upTo(count).map((value) => value * 2) })));
    });

    it('go both ways over the same link at a time', async () => {
      const { world, near, far, ref } = await setUp({ isReal });
      const back = world.reach(far, Depot, near.system.spawn(depot()));
      const all = await Promise.all([ref, back, ref, back].map(async (to) => readAll(to.chat(numbersBelow(50)))));
      for (const { values } of all) expect(values).to.deep.equal(upTo(50).map((value) => value * 2));
    });

    it('end as the source does: with its name, message and code at the handler, and the error itself at the caller', async () => {
      const { ends, made } = noting();
      const { far, ref } = await setUp({ isReal }, made);
      const lost = Object.assign(new RangeError('file lost'), { code: 'ENOENT' });
      const failing = async function* () {
        yield { value: 1 };
        throw lost;
      };
      expect(await rejection(ref.load(failing()))).to.equal(lost);
      expect((await readAll(ref.chat(failing()))).error).to.equal(lost);
      await until(() => ends.length === 2);
      for (const error of ends) {
        expect(error)
          .to.be.instanceOf(SourceError)
          .and.to.include({ sourceName: 'RangeError', sourceCode: 'ENOENT', message: 'file lost' });
      }
      expect(far.system.statistics.failures).to.equal(0);
    });

    it('end with the call: by its abort and its deadline, and when the caller leaves the replies', async () => {
      const { ends, made } = noting();
      const { near, far, ref } = await setUp({ isReal }, made);
      const controller = new AbortController();
      const sources = upTo(5).map(() => silentAfter(1));
      const [aborted, late, abortedChat, lateChat, left] = sources.map(({ numbers }) => numbers);
      const { signal } = controller;
      const calls = [
        rejection(ref.load(aborted ?? [], { signal })),
        rejection(ref.load(late ?? [], { timeoutMs: isReal ? 2_000 : 400 })),
        readAll(ref.chat(abortedChat ?? [], { signal })).then(({ error }) => error),
        readAll(ref.chat(lateChat ?? [], { timeoutMs: isReal ? 2_000 : 400 })).then(({ error }) => error),
      ];
      const chat = ref.chat(left ?? []);
      await chat.next();
      await until(() => sources.every(({ asked }) => asked === 2));
      controller.abort();
      await chat.return();
      const errors = await Promise.all(calls);
      for (const index of [0, 2]) expect(errors[index]).to.be.instanceOf(AskAbortedError);
      for (const index of [1, 3]) expect(errors[index]).to.be.instanceOf(AskTimeoutError);
      await until(() => ends.length === 5 && sources.every(({ closed }) => closed === 1));
      const names = ends.map((error) => (error instanceof Error ? error.name : error));
      expect(names.toSorted((left, right) => String(left).localeCompare(String(right)))).to.deep.equal([
        'AskAbortedError',
        'AskAbortedError',
        'AskTimeoutError',
        'AskTimeoutError',
        'StoppedError',
      ]);
      await until(() => openStreams(near, far) === 0);
    });

    it('are taken in the context of the caller', async () => {
      const { ref } = await setUp({ isReal });
      const storage = new AsyncLocalStorage<string>();
      const seen = new Set<string | undefined>();
      const source = () => numbersBelow(3, () => seen.add(storage.getStore()));
      await Promise.all(['a', 'b'].map((name) => storage.run(name, () => ref.load(source()))));
      await storage.run('c', () => readAll(ref.chat(source())));
      expect([...seen]).to.have.members(['a', 'b', 'c']);
    });

    it('end with the reply, and the source is told to stop', async () => {
      const { near, far, ref } = await setUp(
        { isReal },
        depot({
          load: async (_state, requests) => (await requests.next()).value ?? {},
          chat: async function* (_state, requests) {
            for await (const request of requests) {
              yield request;
              if (request.value === 3) throw new Refusal('FULL', 'no room');
            }
          },
        }),
      );
      const source = silentAfter(1);
      expect(await ref.load(source.numbers)).to.include({ value: 0 });
      await until(() => source.closed === 1);
      const { values, error } = await readAll(ref.chat(numbersBelow(1_000)));
      expect(values).to.deep.equal([0, 1, 2, 3]);
      expect(error).to.be.instanceOf(RefusedError);
      await until(() => openStreams(near, far) === 0);
    });

    it('end when the process of the caller is gone, or that of the actor', async () => {
      const { ends, made } = noting();
      const { world, near, far, ref } = await setUp({ isReal }, made);
      const back = world.reach(far, Depot, near.system.spawn(made));
      const [here, there] = [silentAfter(1), silentAfter(1)];
      const lost = rejection(ref.load(here.numbers, { timeoutMs: 600_000 }));
      const dead = rejection(back.load(there.numbers, { timeoutMs: 600_000 }));
      await until(() => here.asked === 2 && there.asked === 2);
      world.network.crash('b');
      expect(await lost).to.be.instanceOf(UnreachableError);
      await dead;
      await until(() => ends.length === 2 && here.closed === 1 && there.closed === 1);
      expect(ends.some((error) => error instanceof UnreachableError)).to.equal(true);
    });

    it('end with the actor that reads', async () => {
      const { near, far, ref } = await setUp({ isReal });
      const [one, two] = [silentAfter(1), silentAfter(1)];
      const load = rejection(ref.load(one.numbers));
      const chat = readAll(ref.chat(two.numbers));
      await until(() => one.asked === 2 && two.asked === 2);
      await far.system.shutdown();
      expect(await load).to.be.instanceOf(StoppedError);
      expect((await chat).error).to.be.instanceOf(StoppedError);
      await until(() => one.closed === 1 && two.closed === 1 && openStreams(near) === 0);
    });

    it('are passed on by an actor in between, to a third partition', async () => {
      const { world, near, far } = await setUp({ isReal });
      const third = await world.start('c/1');
      const inner = world.reach(far, Depot, third.system.spawn(depot()));
      const outer = far.system.spawn(
        depot({
          load: (_state, requests) => inner.load(requests),
          chat: (_state, requests) => inner.chat(requests),
        }),
      );
      const ref = world.reach(near, Depot, outer);
      expect(await ref.load(numbersBelow(40))).to.include({ value: 780 });
      expect((await readAll(ref.chat(numbersBelow(40)))).values).to.have.length(40);
      const source = silentAfter(5);
      const chat = ref.chat(source.numbers);
      await chat.next();
      await chat.return();
      await until(() => source.closed === 1 && openStreams(near, far, third) === 0);
    });

    it('leave the actor free while their handlers wait for more', async () => {
      const { near, far, ref } = await setUp({ isReal });
      const sources = upTo(8).map(() => silentAfter(1));
      const loads = sources.map(({ numbers }) => rejection(ref.load(numbers, { timeoutMs: 600_000 })));
      await until(() => sources.every(({ asked }) => asked === 2));
      expect(await ref.run({ value: 7 })).to.include({ value: 7 });
      await far.system.shutdown();
      await Promise.all(loads);
      await until(() => openStreams(near) === 0);
    });

    it('of large elements hold little in between', async () => {
      let held = 0;
      let most = 0;
      const load = new Uint8Array(100_000).fill(7);
      const { ref } = await setUp(
        { isReal, linkLimits: { linkBacklogBytes: 256 * 1024 } },
        depot({
          load: async (_state, requests) => {
            for await (const request of requests) {
              expect(request.load.length).to.equal(load.length);
              most = Math.max(most, held--);
              for (let wait = 0; wait < 20; wait++) await Promise.resolve();
            }
            return { value: most };
          },
        }),
      );
      const source = async function* () {
        for (const value of upTo(60)) {
          held++;
          yield { value, load };
        }
      };
      expect((await ref.load(source())).value).to.be.at.most(5);
    });

    it('are granted bytes as all streams of the partition have, and one element each past that', async () => {
      const rpcStreamsBytes = 100_000;
      const { near, far, ref } = await setUp(
        { isReal, linkLimits: { rpcStreamsBytes } },
        depot({
          // Each reads one, and no more.
          load: (_state, requests) => later(requests.next().then(() => new Promise<{ value: number }>(() => {}))),
        }),
      );
      const load = new Uint8Array(30_000);
      let taken = 0;
      const source = async function* () {
        for (;;) {
          taken++;
          yield { load };
        }
      };
      const controller = new AbortController();
      const { signal } = controller;
      const calls = upTo(20).map(async () => rejection(ref.load(source(), { timeoutMs: 600_000, signal })));
      await until(() => far.system.unfinished().handlers === 20 && taken >= 20);
      await someTurns();
      expect(taken).to.be.below(60);
      expect(far.router.grantedBytes.used).to.be.at.most(rpcStreamsBytes + 20);
      controller.abort();
      await Promise.all(calls);
      await until(() => openStreams(near, far) === 0 && far.router.grantedBytes.used === 0);
      await far.system.shutdown();
    });

    it('with an element that cannot be sent fail at both ends, and leave the link as it was', async () => {
      const { ends, made } = noting();
      const { ref } = await setUp({ isReal, linkLimits: { maxMessageBytes: 10_000 } }, made);
      const error = await rejection(ref.load([{ value: 1 }, { load: new Uint8Array(20_000) }]));
      expect(error).to.be.instanceOf(ProtocolError);
      await until(() => ends.length === 1);
      expect(ends[0]).to.be.instanceOf(SourceError).and.to.include({ sourceCode: 'PROTOCOL' });
      expect(await rejection(ref.load([{ value: 'many' } as never]))).to.be.instanceOf(ProtocolError);
      expect(await ref.run({ value: 1 })).to.include({ value: 1 });
    });
  });
}

describe('streams of requests over a link that loses, doubles and reorders frames', () => {
  afterEach(endWorlds);

  for (const seed of upTo(12)) {
    it(`arrive complete, in order and once, or fail at both ends (seed ${seed})`, async () => {
      const network = { latencyMs: 2, jitterMs: 3, loss: 0.2, duplicate: 0.1, reorder: 0.1, linkDeadMs: 600_000 };
      const read: number[][] = [];
      const { near, far, ref } = await setUp(
        { seed, ...network },
        depot({
          load: async (_state, requests) => {
            const values: number[] = [];
            read.push(values);
            for await (const { value } of requests) values.push(value);
            return { value: values.length };
          },
        }),
      );
      // An ask that is lost is not sent again.
      for (const count of [0, 1, 7, 40]) {
        const { value } = await again(() => ref.load(numbersBelow(count), { timeoutMs: 20_000 }));
        expect(value).to.equal(count);
      }
      const forever = { timeoutMs: Number.POSITIVE_INFINITY };
      expect((await readAll(ref.chat(numbersBelow(40), forever))).values).to.deep.equal(
        upTo(40).map((value) => value * 2),
      );
      const source = silentAfter(5);
      const chat = ref.chat(source.numbers, forever);
      await chat.next();
      await chat.return();
      await until(() => source.closed === 1 && openStreams(near, far) === 0);
      for (const values of read) expect(values).to.deep.equal(upTo(values.length));
      expect(far.router.protocolErrors + near.router.protocolErrors).to.equal(0);
    });
  }

  async function again<T>(call: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await call();
      } catch (error) {
        if (!(error instanceof AskTimeoutError)) throw error;
      }
    }
  }
});
