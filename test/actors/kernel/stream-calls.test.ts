import { expect } from 'chai';
import '#src/actors/nact/index.js';
import { type ActorRef, type Stream } from '#src/actors/kernel/index.js';
import { BackpressureError, ReentrantAskError } from '#src/errors.js';
import { deferred } from '../../support/deferred.js';
import { upTo } from '../../support/numbers.js';
import { readAll } from '../../support/read-all.js';
import { rejection } from '../../support/rejection.js';
import { turn, until } from '../../support/until.js';
import { closeSystems, counter, testSystem } from './harness.js';
import type { Counting } from './shop.js';

type Numbers = Stream<{ value: number }>;
type Ref = ActorRef<typeof Counting>;

for (const isReal of [false, true]) {
  describe(`a stream among other messages in ${isReal ? 'real' : 'virtual'} time`, () => {
    afterEach(closeSystems);

    const setUp = (limits = {}) => testSystem(limits, { isReal });

    it('opens as an ask does at a full mailbox; pulls have room of their own', async () => {
      const { system } = setUp({ mailboxMessages: 8 });
      const held = deferred();
      const ref = system.spawn(counter({ work: async () => (await held.promise, {}) }));
      const streams = upTo(20).map(() => ref.count({ value: 40 }, { windowItems: 1 }));
      for (const stream of streams) await stream.next();
      const work = ref.work({});
      await turn();
      await turn();
      const nexts = streams.map(async (stream) => stream.next());
      for (const _ of upTo(8)) ref.push({});
      expect(() => ref.push({})).to.throw(BackpressureError);
      expect(await rejection(ref.count({}).next())).to.be.instanceOf(BackpressureError);
      let isReady = false;
      void ref.ready().then(() => (isReady = true));
      held.resolve();
      await work;
      for (const next of nexts) expect(await next).to.deep.equal({ done: false, value: { value: 1 } });
      await until(() => isReady);
      for (const stream of streams) expect((await readAll(stream)).values).to.deep.equal(upTo(40).slice(2));
    });

    it('is refused by an actor that serves as many as it may', async () => {
      const { system } = setUp({ actorStreams: 20 });
      const ref = system.spawn(counter());
      const streams = upTo(20).map(() => ref.count({ value: 2 }, { windowItems: 1 }));
      for (const stream of streams) await stream.next();
      expect(await rejection(ref.count({}).next())).to.be.instanceOf(BackpressureError);
      for (const stream of streams) await stream.return();
      await ref.work({});
      expect(await readAll(ref.count({ value: 1 }))).to.deep.equal({ values: [0] });
    });

    it('does not lose a pull where the mailbox drops the oldest message', async () => {
      const { system } = setUp();
      const held = deferred();
      const seen: number[] = [];
      const ref = system.spawn(
        counter({
          mailbox: { capacity: 2, overflow: 'drop-oldest' },
          work: async () => (await held.promise, {}),
          push: (_state, { value }) => void seen.push(value),
        }),
      );
      const stream = ref.count({ value: 5 }, { windowItems: 1 });
      await stream.next();
      const work = ref.work({});
      await turn();
      await turn();
      const next = stream.next();
      for (const value of upTo(6)) ref.push({ value });
      held.resolve();
      await work;
      expect(await next).to.deep.equal({ done: false, value: { value: 1 } });
      expect((await readAll(stream)).values).to.deep.equal([2, 3, 4]);
      expect(seen).to.deep.equal([4, 5]);
    });

    it('inherits meta, sender and chain: what the generator calls carries them, before and after each yield', async () => {
      const { system } = setUp();
      const metas: unknown[] = [];
      const senders: unknown[] = [];
      const below = system.spawn(counter({ push: (_state, _message, ctx) => void metas.push(ctx.meta) }));
      const ref = system.spawn(
        counter({
          count: async function* (_state, _request, ctx) {
            below.push({});
            senders.push(ctx.sender);
            yield { value: 0 };
            below.push({});
            await Promise.resolve();
            below.push({}, ctx.options());
            yield { value: 1 };
          },
        }),
      );
      const front = system.spawn(
        counter({
          work: async () => ({ value: (await readAll(ref.count({}, { meta: { own: '1' } }))).values.length }),
        }),
      );
      expect(await front.work({}, { meta: { trace: '7' } })).to.deep.equal({ value: 2 });
      await below.work({});
      expect(metas).to.deep.equal(
        [
          { trace: '7', own: '1' },
          { trace: '7', own: '1' },
          { trace: '7', own: '1' },
        ].slice(0, metas.length),
      );
      expect(metas).to.have.length(3);
      expect(senders).to.deep.equal([front.toRef()]);
    });

    it('of an actor that waits for its reader fails at once, as an ask does', async () => {
      const { system } = setUp();
      const failures: unknown[] = [];
      const refs: { server?: Ref; own?: Ref } = {};
      const reader = system.spawn(
        counter({
          work: async (_state, _request, ctx) => {
            await Promise.resolve();
            failures.push((await readAll(refs.server?.count({ value: 1 }, ctx.options()) ?? [])).error);
            return {};
          },
        }),
      );
      refs.server = system.spawn(counter({ work: async () => reader.work({}) }));
      await refs.server.work({});
      refs.own = system.spawn(
        counter({
          work: async () => {
            failures.push((await readAll(refs.own?.count({ value: 1 }) ?? [])).error);
            return {};
          },
        }),
      );
      await refs.own.work({});
      expect(failures).to.have.length(2);
      for (const failure of failures) expect(failure).to.be.instanceOf(ReentrantAskError);
    });

    it('that was opened before fails a pull that the actor waits for', async () => {
      const { system } = setUp();
      let open: Numbers | undefined;
      let failure: unknown;
      const refs: { server?: Ref } = {};
      const reader = system.spawn(
        counter({
          supervision: 'resume',
          push: () => {
            open = refs.server?.count({ value: 10 }, { windowItems: 1 });
            void open?.next();
          },
          work: async () => {
            failure = await rejection(open?.next() ?? Promise.resolve());
            return {};
          },
        }),
      );
      const server = system.spawn(counter({ work: async () => reader.work({}) }));
      refs.server = server;
      reader.push({});
      await until(() => open !== undefined);
      await turn();
      await server.work({}, { timeoutMs: 1_000 });
      expect(failure).to.be.instanceOf(ReentrantAskError);
    });

    it('is no message for nact', async () => {
      const { system } = setUp();
      const { dispatch } = await import('nact');
      const ref = system.spawn(counter(), { name: 'c' });
      expect(() => dispatch(ref as never, { count: {} } as never)).to.throw('iterate');
    });
  });
}
