import { expect } from 'chai';
import type { Stream } from '#src/actors/kernel/index.js';
import { HandlerError, StoppedError } from '#src/errors.js';
import { deferred } from '../../support/deferred.js';
import { upTo } from '../../support/numbers.js';
import { readAll } from '../../support/read-all.js';
import { rejection } from '../../support/rejection.js';
import { silentAfter, type Source } from '../../support/sources.js';
import { someTurns, until } from '../../support/until.js';
import { closeSystems, loader, testSystem } from './harness.js';

type Numbers = Stream<{ value: number }>;

for (const isReal of [false, true]) {
  describe(`an actor in a stream of requests that ends, in ${isReal ? 'real' : 'virtual'} time`, () => {
    afterEach(closeSystems);

    const setUp = (limits = {}) => testSystem(limits, { isReal });

    /** A Loading whose handlers read all, and note how the requests ended. */
    const noting = () => {
      const ends: unknown[] = [];
      const read = async (requests: Numbers): Promise<void> => {
        try {
          for await (const _request of requests);
          ends.push('complete');
        } catch (error) {
          ends.push(error);
          throw error;
        }
      };
      const made = loader({
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
    };

    it('has not failed when its handler passes that on, whatever its supervision', async () => {
      const { system, log } = setUp();
      let starts = 0;
      const ref = system.spawn(loader({ supervision: 'restart', state: () => ++starts }));
      const controller = new AbortController();
      const loads = [
        ref.load(silentAfter(1).numbers, { signal: controller.signal }),
        ref.load(silentAfter(1).numbers, { timeoutMs: isReal ? 1_000 : 30 }),
      ];
      const ended = Promise.all(loads.map(rejection));
      await someTurns();
      controller.abort();
      await ended;
      await until(() => log.filter(({ message }) => message === 'the requests of a call have ended').length === 2);
      await ref.work({});
      expect(starts).to.equal(1);
      expect(system.statistics.failures).to.equal(0);
    });

    it('that sends them ends them when it stops and when it restarts', async () => {
      const { system } = setUp();
      const { ends, made } = noting();
      const ref = system.spawn(made);
      const sources: Source[] = [];
      const sender = system.spawn(
        loader({
          supervision: 'restart',
          push: (_state, { value }) => {
            if (value === 0) throw new Error('again');
            const source = silentAfter(1);
            const { numbers } = source;
            sources.push(source);
            if (value === 1) ref.load(numbers).catch(() => {});
            else
              ref
                .chat(numbers)
                .next()
                .catch(() => {});
          },
        }),
      );
      for (const value of [1, 2]) sender.push({ value });
      await until(() => sources.length === 2 && sources.every(({ asked }) => asked === 2));
      sender.push({ value: 0 });
      await until(() => ends.length === 2);
      for (const value of [1, 2]) sender.push({ value });
      await until(() => sources.length === 4 && sources.every(({ asked }) => asked === 2));
      await system.stop(sender);
      await until(() => ends.length === 4 && sources.every(({ closed }) => closed === 1));
      for (const error of ends) expect(error).to.be.instanceOf(StoppedError);
    });

    it('that reads them stops when its handlers have settled, and then calls `stopping`', async () => {
      const { system } = setUp();
      const events: string[] = [];
      const reading = async (state: { readonly name: string }, requests: Numbers): Promise<void> => {
        try {
          for await (const _request of requests);
        } catch (error) {
          await Promise.resolve();
          events.push(`${state.name} ${error instanceof StoppedError}`);
        }
      };
      const ref = system.spawn(
        loader({
          state: () => ({ name: 'state' }),
          load: async (state, requests) => {
            await reading(state, requests);
            return { value: 9 };
          },
          chat: async function* (state, requests) {
            yield {};
            await reading(state, requests);
          },
          on: { stopping: () => void events.push('stopping') },
        }),
      );
      const [one, two] = [silentAfter(1), silentAfter(1)];
      const load = ref.load(one.numbers);
      const chat = readAll(ref.chat(two.numbers));
      await until(() => one.asked === 2 && two.asked === 2);
      await system.stop(ref);
      expect(events).to.deep.equal(['state true', 'state true', 'stopping']);
      expect(await load).to.deep.equal({ value: 9 });
      expect((await chat).error).to.be.instanceOf(StoppedError);
      await until(() => one.closed === 1 && two.closed === 1);
      const late = silentAfter(1);
      expect(await rejection(ref.load(late.numbers))).to.be.instanceOf(StoppedError);
      expect((await readAll(ref.chat(late.numbers))).error).to.be.instanceOf(StoppedError);
      expect(late.asked).to.equal(0);
    });

    it('that reads them restarts: what comes then has the new state', async () => {
      const { system } = setUp();
      let starts = 0;
      const { made } = noting();
      const ref = system.spawn(
        loader({
          supervision: 'restart',
          state: () => ++starts,
          push: () => {
            throw new Error('again');
          },
          load: async (state, requests) => {
            for await (const { value } of requests) expect(state, `request ${value}`).to.equal(starts);
            return { value: state };
          },
          chat: made.handlers.get(made.service.methods.chat) as never,
        }),
      );
      const [one, two] = [silentAfter(1), silentAfter(1)];
      const load = ref.load(one.numbers);
      const chat = readAll(ref.chat(two.numbers));
      await until(() => one.asked === 2 && two.asked === 2);
      ref.push({});
      expect(await rejection(load)).to.be.instanceOf(StoppedError);
      expect((await chat).error)
        .to.be.instanceOf(StoppedError)
        .with.property('message')
        .that.contains('again');
      await until(() => one.closed === 1 && two.closed === 1);
      expect(await ref.load([{}, {}])).to.deep.equal({ value: 2 });
      const third = silentAfter(1);
      const again = ref.load(third.numbers);
      await until(() => third.asked === 2);
      ref.push({});
      expect(await rejection(again)).to.be.instanceOf(StoppedError);
      expect(await ref.load([{}])).to.deep.equal({ value: 3 });
    });

    it('is idle while its handlers wait for requests', async () => {
      const { system } = setUp();
      const ref = system.spawn(loader({ idleTimeoutMs: 30, on: { idle: (_state, ctx) => ctx.stop() } }));
      const source = silentAfter(1);
      expect(await rejection(ref.load(source.numbers))).to.be.instanceOf(StoppedError);
      await until(() => source.closed === 1);
    });

    it('that stops gives up a handler that goes on without its requests', async () => {
      const { system } = setUp({ stopTimeoutMs: 20 });
      const hanging = system.spawn(
        loader({
          load: async (_state, requests) => {
            await readAll(requests);
            return new Promise<{ value: number }>(() => {});
          },
        }),
      );
      const source = silentAfter(1);
      const load = rejection(hanging.load(source.numbers));
      await until(() => source.asked === 2);
      await system.stop(hanging);
      expect(await load).to.be.instanceOf(StoppedError);
    });

    it('whose mailbox drops its oldest messages drops no step of a handler', async () => {
      // In virtual time the asks would expire while the test waits.
      const { system } = testSystem({}, { isReal: true });
      const held = deferred();
      let pushed = 0;
      const ref = system.spawn(
        loader({
          mailbox: { capacity: 2, overflow: 'drop-oldest' },
          push: () => void pushed++,
          work: () => held.promise.then(() => ({})),
        }),
      );
      const go = deferred();
      const load = ref.load(
        (async function* () {
          yield { value: 1 };
          await go.promise;
          yield { value: 2 };
        })(),
      );
      await someTurns();
      const work = ref.work({});
      await someTurns();
      go.resolve();
      await someTurns();
      for (const value of upTo(9)) ref.push({ value });
      held.resolve();
      await work;
      expect(await load).to.deep.equal({ value: 3 });
      expect(pushed).to.equal(2);
    });

    it('takes the result of a handler that did not wait for its next request', async () => {
      const { system } = setUp();
      const left: Promise<unknown>[] = [];
      const ref = system.spawn(
        loader({
          load: async (_state, requests) => {
            await requests.next();
            left.push(requests.next().catch((error: unknown) => error));
            return { value: 5 };
          },
        }),
      );
      const source = silentAfter(1);
      expect(await ref.load(source.numbers)).to.deep.equal({ value: 5 });
      await until(() => source.closed === 1);
      expect(await left[0]).to.be.instanceOf(StoppedError);
      const failing = system.spawn(
        loader({
          supervision: 'restart',
          load: async (_state, requests) => {
            await Promise.race([requests.next().then(() => requests.next()), Promise.resolve().then(() => {})]);
            throw new Error('enough');
          },
        }),
      );
      expect(await rejection(failing.load(silentAfter(1).numbers))).to.be.instanceOf(HandlerError);
      expect(await failing.work({ value: 1 })).to.deep.equal({ value: 1 });
    });
  });
}
