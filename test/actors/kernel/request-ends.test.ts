import { AsyncLocalStorage } from 'node:async_hooks';
import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import type { Stream } from '#src/actors/kernel/index.js';
import {
  AskAbortedError,
  AskTimeoutError,
  BackpressureError,
  Refusal,
  RefusedError,
  SourceError,
  StoppedError,
} from '#src/errors.js';
import { deferred } from '../../support/deferred.js';
import { upTo } from '../../support/numbers.js';
import { readAll } from '../../support/read-all.js';
import { rejection } from '../../support/rejection.js';
import { silentAfter } from '../../support/sources.js';
import { someTurns, until } from '../../support/until.js';
import { closeSystems, loader, testSystem } from './harness.js';

type Numbers = Stream<{ value: number }>;

/** A value of another realm. */
function foreign(code: string): unknown {
  return runInNewContext(code);
}

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
      const waiting = silentAfter(2);
      expect(await ref.load(waiting.numbers)).to.deep.equal({ value: 7 });
      await until(() => waiting.closed === 1);
      const listed = [{ value: 1 }, { value: 2 }];
      expect(await ref.load(listed)).to.deep.equal({ value: 7 });
    });

    it('comes when its caller leaves the replies', async () => {
      const { system } = setUp();
      const { ends, made } = noting();
      const ref = system.spawn(made);
      const source = silentAfter(1);
      for await (const _reply of ref.chat(source.numbers)) {
        await until(() => source.asked === 2);
        break;
      }
      await until(() => source.closed === 1 && ends.length === 1);
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

    it('is whatever a source throws or does: the call fails, and the actor goes on', async () => {
      const { system } = setUp();
      const ref = system.spawn(loader());
      const throwing = new Proxy({}, { get: () => { throw new Error('trap'); }, has: () => { throw new Error('trap'); } }); // biome-ignore format: one line
      const iterators: readonly unknown[] = [
        ...[undefined, null, 'text', Object.create(null), throwing].map((thrown) => ({
          next: () => Promise.reject(thrown), // oxlint-disable-line typescript/prefer-promise-reject-errors -- users may throw anything.
        })),
        { next: () => 7 },
        { next: () => Promise.resolve(undefined) },
        { next: () => foreign("Promise.resolve({ done: false, value: 'no message' })") },
        {
          next: () => {
            throw new Error('at once');
          },
        },
        {},
        { next: () => Promise.resolve({ value: 7 }), return: () => Promise.reject(new Error('not closed')) },
      ];
      for (const [index, iterator] of iterators.entries()) {
        const source = { [Symbol.asyncIterator]: () => iterator } as never;
        let isFailed = false;
        await ref.load(source).catch(() => (isFailed = true));
        expect(isFailed, `iterator ${index}`).to.equal(true);
        expect((await readAll(ref.chat(source))).values, `iterator ${index}`).to.deep.equal([]);
      }
      expect(await rejection(ref.load(throwing as never))).to.be.instanceOf(Error);
      const ended = { next: () => foreign('Promise.resolve({ done: true })') };
      expect(await ref.load({ [Symbol.asyncIterator]: () => ended } as never)).to.deep.equal({ value: 0 });
      expect(await ref.load(foreign('[{ value: 3 }, { value: 4 }]') as never)).to.deep.equal({ value: 7 });
      await until(() => system.statistics.openStreams === 0);
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
        const source = silentAfter(1);
        const call = start(source.numbers, controller.signal);
        await until(() => source.asked === 2);
        controller.abort('enough');
        expect(await rejection(call)).to.be.instanceOf(AskAbortedError);
        await until(() => source.closed === 1 && ends.length === 1);
        expect(ends.pop()).to.be.instanceOf(AskAbortedError);
      }
      const never = silentAfter(1);
      expect(await rejection(ref.load(never.numbers, { signal: AbortSignal.abort() }))).to.be.instanceOf(
        AskAbortedError,
      );
      expect(never.asked).to.equal(0);
    });

    it('is the deadline of the call, at both ends', async () => {
      const { system, scheduler } = setUp();
      const { ends, made } = noting();
      const ref = system.spawn(made);
      const source = silentAfter(1);
      const fromMs = scheduler.now();
      // It has to begin first, and a busy machine takes its time.
      const timeoutMs = isReal ? 500 : 40;
      expect(await rejection(ref.load(source.numbers, { timeoutMs }))).to.be.instanceOf(AskTimeoutError);
      expect(scheduler.now() - fromMs).to.be.within(timeoutMs - 1, isReal ? Number.POSITIVE_INFINITY : 1_000);
      await until(() => source.closed === 1 && ends.length === 1);
      expect(ends[0]).to.be.instanceOf(AskTimeoutError);
      const chat = silentAfter(1);
      expect((await readAll(ref.chat(chat.numbers, { timeoutMs }))).error).to.be.instanceOf(AskTimeoutError);
      await until(() => chat.closed === 1 && ends.length === 2);
      expect(ends[1]).to.be.instanceOf(AskTimeoutError);
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
      ref.work({}).catch(() => {});
      await someTurns();
      const sources = upTo(4).map(() => silentAfter(1));
      const loads = Promise.all(sources.map(({ numbers }) => rejection(ref.load(numbers, { timeoutMs: 50 }))));
      const errors = await loads;
      expect(errors.filter((error) => error instanceof BackpressureError)).to.have.length(2);
      expect(errors.filter((error) => error instanceof AskTimeoutError)).to.have.length(2);
      held.resolve();
      await someTurns();
      await ref.work({});
      expect(sources.map(({ asked }) => asked)).to.deep.equal([0, 0, 0, 0]);
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
