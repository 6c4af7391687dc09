import { AsyncLocalStorage } from 'node:async_hooks';
import { expect } from 'chai';
import type { Stream } from '#src/actors/kernel/index.js';
import {
  AskAbortedError,
  AskTimeoutError,
  BackpressureError,
  HandlerError,
  MillraceError,
  Refusal,
  RefusedError,
  SourceError,
  StoppedError,
} from '#src/errors.js';
import { deferred } from '../../support/deferred.js';
import { upTo } from '../../support/numbers.js';
import { readAll } from '../../support/read-all.js';
import { rejection } from '../../support/rejection.js';
import { someTurns, until } from '../../support/until.js';
import { closeSystems, loader, testSystem } from './harness.js';

type Numbers = Stream<{ value: number }>;

/** Numbers without end, and whether the source was told to stop. */
function endless(wait: () => unknown = () => {}) {
  const source = { taken: 0, closed: 0 };
  async function* numbers() {
    try {
      for (;;) {
        await wait();
        yield { value: source.taken++ };
      }
    } finally {
      source.closed++;
    }
  }
  return Object.assign(source, { numbers: numbers() });
}

/** A source that yields one number, and then waits until it is told to stop. */
function silent() {
  const source = { asked: 0, closed: 0 };
  let tell: ((end: IteratorReturnResult<undefined>) => void) | undefined;
  const done = { done: true, value: undefined } as const;
  const iterator: AsyncIterator<{ value: number }, undefined> = {
    next: () =>
      source.asked++ === 0
        ? Promise.resolve({ value: { value: 1 } })
        : new Promise((resolve) => {
            tell = resolve;
          }),
    return: async () => {
      source.closed++;
      tell?.(done);
      return done;
    },
  };
  return { source, numbers: { [Symbol.asyncIterator]: () => iterator } };
}

for (const isReal of [false, true]) {
  describe(`the end of a stream of requests in ${isReal ? 'real' : 'virtual'} time`, () => {
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

    it('comes when the handler has its reply: the source is told to stop, wherever it is', async () => {
      const { system } = setUp();
      const ref = system.spawn(
        loader({
          load: async (_state, requests) => {
            for await (const { value } of requests) if (value === 1) return { value: 7 };
            return {};
          },
          chat: async function* (_state, requests) {
            const { value } = await requests.next();
            yield { value: value?.value ?? 0 };
          },
        }),
      );
      const one = endless();
      expect(await ref.load(one.numbers)).to.deep.equal({ value: 7 });
      await until(() => one.closed === 1);
      const two = endless();
      expect(await readAll(ref.chat(two.numbers))).to.deep.equal({ values: [0] });
      await until(() => two.closed === 1);
      const waiting = silent();
      expect(await ref.load(waiting.numbers)).to.deep.equal({ value: 7 });
      await until(() => waiting.source.closed === 1);
      const listed = [{ value: 1 }, { value: 2 }];
      expect(await ref.load(listed)).to.deep.equal({ value: 7 });
    });

    it('comes when its caller leaves the replies', async () => {
      const { system } = setUp();
      const { ends, made } = noting();
      const ref = system.spawn(made);
      const source = silent();
      for await (const _reply of ref.chat(source.numbers)) {
        await until(() => source.source.asked === 2);
        break;
      }
      await until(() => source.source.closed === 1 && ends.length === 1);
      expect(ends[0]).to.be.instanceOf(StoppedError);
    });

    it('is an error of the source: the handler learns its name and message, the caller gets the error itself', async () => {
      const { system } = setUp();
      const { ends, made } = noting();
      const ref = system.spawn(made);
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
          .and.to.include({ sourceName: 'RangeError', sourceCode: 'ENOENT', message: 'file lost', cause: lost });
      }
      const odd = async function* () {
        yield {};
        throw 7; // oxlint-disable-line typescript/only-throw-error -- users may throw anything.
      };
      expect(await ref.load(odd()).catch((error: unknown) => error)).to.equal(7);
      expect(system.statistics.failures).to.equal(0);
    });

    it('is no failure of an actor whose handler passes it on, whatever its supervision', async () => {
      const { system, log } = setUp();
      let starts = 0;
      const ref = system.spawn(loader({ supervision: 'restart', state: () => ++starts }));
      const controller = new AbortController();
      const loads = [
        ref.load(silent().numbers, { signal: controller.signal }),
        ref.load(silent().numbers, { timeoutMs: 30 }),
      ];
      const ended = Promise.all(loads.map(rejection));
      await someTurns();
      controller.abort();
      await ended;
      await until(() => log.filter(({ message }) => message === 'the caller of a message has left').length === 2);
      await ref.work({});
      expect(starts).to.equal(1);
      expect(system.statistics.failures).to.equal(0);
    });

    it('is the abort of the call', async () => {
      const { system } = setUp();
      const { ends, made } = noting();
      const ref = system.spawn(made);
      for (const start of [
        (numbers: AsyncIterable<{ value: number }>, signal: AbortSignal) => ref.load(numbers, { signal }),
        async (numbers: AsyncIterable<{ value: number }>, signal: AbortSignal) => {
          for await (const _reply of ref.chat(numbers, { signal }));
        },
      ]) {
        const controller = new AbortController();
        const source = silent();
        const call = start(source.numbers, controller.signal);
        await until(() => source.source.asked === 2);
        controller.abort('enough');
        expect(await rejection(call)).to.be.instanceOf(AskAbortedError);
        await until(() => source.source.closed === 1 && ends.length === 1);
        expect(ends.pop()).to.be.instanceOf(AskAbortedError);
      }
      const never = silent();
      expect(await rejection(ref.load(never.numbers, { signal: AbortSignal.abort() }))).to.be.instanceOf(
        AskAbortedError,
      );
      expect(never.source.asked).to.equal(0);
    });

    it('is the deadline of the call, at both ends', async () => {
      const { system, scheduler } = setUp();
      const { ends, made } = noting();
      const ref = system.spawn(made);
      const source = silent();
      const fromMs = scheduler.now();
      expect(await rejection(ref.load(source.numbers, { timeoutMs: 40 }))).to.be.instanceOf(AskTimeoutError);
      expect(scheduler.now() - fromMs).to.be.within(39, 1_000);
      await until(() => source.source.closed === 1 && ends.length === 1);
      expect(ends[0]).to.be.instanceOf(AskTimeoutError);
      const chat = silent();
      expect((await readAll(ref.chat(chat.numbers, { timeoutMs: 40 }))).error).to.be.instanceOf(AskTimeoutError);
      await until(() => chat.source.closed === 1 && ends.length === 2);
      expect(ends[1]).to.be.instanceOf(AskTimeoutError);
    });

    it('is the end of the actor that sends them, and its restart', async () => {
      const { system } = setUp();
      const { ends, made } = noting();
      const ref = system.spawn(made);
      const sources: ReturnType<typeof silent>['source'][] = [];
      const sender = system.spawn(
        loader({
          supervision: 'restart',
          push: (_state, { value }) => {
            if (value === 0) throw new Error('again');
            const { source, numbers } = silent();
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

    it('is the stop of the actor that reads them: its handlers settle first, and before `stopping`', async () => {
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
      const [one, two] = [silent(), silent()];
      const load = ref.load(one.numbers);
      const chat = readAll(ref.chat(two.numbers));
      await until(() => one.source.asked === 2 && two.source.asked === 2);
      await system.stop(ref);
      expect(events).to.deep.equal(['state true', 'state true', 'stopping']);
      expect(await load).to.deep.equal({ value: 9 });
      expect((await chat).error).to.be.instanceOf(StoppedError);
      await until(() => one.source.closed === 1 && two.source.closed === 1);
      const late = silent();
      expect(await rejection(ref.load(late.numbers))).to.be.instanceOf(StoppedError);
      expect((await readAll(ref.chat(late.numbers))).error).to.be.instanceOf(StoppedError);
      expect(late.source.asked).to.equal(0);
    });

    it('is the restart of the actor that reads them; what comes then has the new state', async () => {
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
      const [one, two] = [silent(), silent()];
      const load = ref.load(one.numbers);
      const chat = readAll(ref.chat(two.numbers));
      await until(() => one.source.asked === 2 && two.source.asked === 2);
      ref.push({});
      expect(await rejection(load)).to.be.instanceOf(MillraceError);
      expect((await chat).error)
        .to.be.instanceOf(StoppedError)
        .with.property('message')
        .that.contains('again');
      await until(() => one.source.closed === 1 && two.source.closed === 1);
      expect(await ref.load([{}, {}])).to.deep.equal({ value: 2 });
    });

    it('does not keep an actor that stops: a handler that goes on without its requests is given up', async () => {
      const { system } = setUp({ stopTimeoutMs: 20 });
      const hanging = system.spawn(
        loader({
          load: async (_state, requests) => {
            await readAll(requests);
            return new Promise<{ value: number }>(() => {});
          },
        }),
      );
      const source = silent();
      const load = hanging.load(source.numbers);
      await until(() => source.source.asked === 2);
      await system.stop(hanging);
      expect(await rejection(load)).to.be.instanceOf(StoppedError);
    });

    it('is a refusal, which is no failure', async () => {
      const { system } = setUp();
      const ref = system.spawn(
        loader({
          load: async (_state, requests) => {
            await requests.next();
            throw new Refusal('FULL', 'no room');
          },
          chat: async function* (_state, requests) {
            const { done } = await requests.next();
            if (done === true) yield {};
            throw new Refusal('FULL', 'no room');
          },
        }),
      );
      const [one, two] = [endless(), endless()];
      expect(await rejection(ref.load(one.numbers)))
        .to.be.instanceOf(RefusedError)
        .and.to.include({ reason: 'FULL' });
      expect((await readAll(ref.chat(two.numbers))).error).to.be.instanceOf(RefusedError);
      await until(() => one.closed === 1 && two.closed === 1);
      expect(system.statistics.failures).to.equal(0);
    });

    it('is known to one who reads on after the reply', async () => {
      const { system } = setUp();
      const kept: Numbers[] = [];
      const ref = system.spawn(
        loader({
          load: async (_state, requests) => {
            kept.push(requests);
            return requests.next().then(({ value }) => value ?? {});
          },
        }),
      );
      const source = endless(() => Promise.resolve());
      expect(await ref.load(source.numbers)).to.deep.equal({ value: 0 });
      await until(() => source.closed === 1);
      const untouched = system.spawn(loader({ load: (_state, requests) => (kept.push(requests), {}) }));
      await untouched.load(source.numbers);
      for (const requests of kept) {
        const { error } = await readAll(requests);
        expect(error).to.be.instanceOf(StoppedError);
      }
    });

    it('of calls that are never handled touches no source', async () => {
      const { system } = setUp({ mailboxMessages: 2 });
      const held = deferred();
      const ref = system.spawn(loader({ work: () => held.promise.then(() => ({})) }));
      void ref.work({});
      await someTurns();
      const sources = upTo(4).map(() => silent());
      const loads = Promise.all(sources.map(({ numbers }) => rejection(ref.load(numbers, { timeoutMs: 50 }))));
      const errors = await loads;
      expect(errors.filter((error) => error instanceof BackpressureError)).to.have.length(2);
      expect(errors.filter((error) => error instanceof AskTimeoutError)).to.have.length(2);
      held.resolve();
      await someTurns();
      await ref.work({});
      expect(sources.map(({ source }) => source.asked)).to.deep.equal([0, 0, 0, 0]);
    });

    it('leaves the step of a handler alone where the mailbox drops its oldest messages', async () => {
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

    it('comes with the result of a handler that did not wait for its next request', async () => {
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
      const source = silent();
      expect(await ref.load(source.numbers)).to.deep.equal({ value: 5 });
      await until(() => source.source.closed === 1);
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
      expect(await rejection(failing.load(silent().numbers))).to.be.instanceOf(HandlerError);
      expect(await failing.work({ value: 1 })).to.deep.equal({ value: 1 });
    });

    it('of a source that fails while it is told to stop is nobody’s error', async () => {
      const { system } = setUp();
      const ref = system.spawn(loader({ load: async (_state, requests) => (await requests.next(), {}) }));
      const source = async function* () {
        try {
          for (;;) yield {};
        } finally {
          throw new Error('not closed'); // oxlint-disable-line no-unsafe-finally -- what the test is about.
        }
      };
      expect(await ref.load(source())).to.deep.equal({ value: 0 });
      await until(() => system.statistics.openStreams === 0);
      expect(system.statistics.failures).to.equal(0);
    });

    it('comes in the context of the caller: its source and the handler see its AsyncLocalStorage', async () => {
      const { system } = setUp();
      const storage = new AsyncLocalStorage<string>();
      const seen = new Set<string | undefined>();
      const ref = system.spawn(
        loader({
          load: async (_state, requests) => {
            for await (const _request of requests) seen.add(`handler ${storage.getStore()}`);
            return {};
          },
        }),
      );
      const source = async function* (name: string) {
        for (const value of upTo(5)) {
          await Promise.resolve();
          if (storage.getStore() !== name) seen.add(`${name} runs in the context of ${storage.getStore()}`);
          yield { value };
        }
      };
      await Promise.all(['a', 'b'].map((name) => storage.run(name, () => ref.load(source(name)))));
      expect([...seen]).to.have.members(['handler a', 'handler b']);
    });
  });
}
