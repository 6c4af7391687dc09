import { expect } from 'chai';
import type { RequestSource } from '#src/actors/kernel/index.js';
import { StoppedError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import { upTo } from '../../support/numbers.js';
import { readAll } from '../../support/read-all.js';
import { until } from '../../support/until.js';
import { closeSystems, counter, loader, testSystem } from './harness.js';

/** Elements without end, each of which is ready. */
function endless(each: (made: number) => void = () => {}) {
  return async function* () {
    for (let made = 1; ; made++) {
      each(made);
      yield { value: made };
    }
  };
}

for (const isReal of [false, true]) {
  describe(`a stream whose elements are ready, in ${isReal ? 'real' : 'virtual'} time`, () => {
    afterEach(closeSystems);

    const setUp = (given = {}) => testSystem(given, { isReal });

    it('lets a message that its generator has caused be handled before the next element', async () => {
      const { system } = setUp();
      const seen: string[] = [];
      const ref = system.spawn(
        counter({
          push: (_state, { value }) => void seen.push(`message ${value}`),
          count: async function* (_state, { value }, ctx) {
            for (let made = 0; made < value; made++) {
              seen.push(`element ${made}`);
              if (made % 3 === 1) ctx.self.push({ value: made });
              yield { value: made };
            }
          },
        }),
      );
      await readAll(ref.count({ value: 8 }));
      expect(seen).to.deep.equal([
        'element 0',
        'element 1',
        'message 1',
        'element 2',
        'element 3',
        'element 4',
        'message 4',
        'element 5',
        'element 6',
        'element 7',
        'message 7',
      ]);
    });

    it('goes on beside other streams of its actor, and each gets its share', async () => {
      const { system } = setUp();
      const made = [0, 0, 0];
      const ref = system.spawn(
        counter({
          count: async function* (_state, { value: stream }) {
            for (;;) yield { value: (made[stream] = (made[stream] ?? 0) + 1) };
          },
        }),
      );
      const streams = upTo(3).map((value) => ref.count({ value }, { windowItems: 8 }));
      for (let read = 0; read < 100; read++) await Promise.all(streams.map((stream) => stream.next()));
      expect(Math.max(...made) - Math.min(...made)).to.be.at.most(8);
      await Promise.all(streams.map((stream) => stream.return()));
    });

    it('lets other actors have their turn, which get one for each turn of the stream', async () => {
      const { system } = setUp();
      let made = 0;
      const ref = system.spawn(counter({ count: endless((count) => (made = count)) }));
      const other = system.spawn(counter());
      const stream = ref.count({}, { windowItems: 1_000 });
      await stream.next();
      const before = made;
      await other.work({});
      expect(made - before).to.be.at.most(2 * limits.throughputMessages);
      await stream.return();
    });

    it('ends in the midst when its actor stops, and its generator is closed', async () => {
      const { system } = setUp();
      let isClosed = false;
      const ref = system.spawn(
        counter({
          count: async function* (_state, _request, ctx) {
            try {
              for (let made = 0; ; made++) {
                if (made === 20) ctx.stop();
                yield { value: made };
              }
            } finally {
              isClosed = true;
            }
          },
        }),
      );
      const { values, error } = await readAll(ref.count({}));
      expect(error).to.be.instanceOf(StoppedError);
      expect(values).to.deep.equal(upTo(values.length)).and.to.have.length.within(20, 21);
      await until(() => isClosed);
    });

    it('closes its generator when its reader leaves in the midst, and makes no more than the window ahead', async () => {
      const { system } = setUp();
      let made = 0;
      let isClosed = false;
      const ref = system.spawn(
        counter({
          count: async function* () {
            try {
              for (;;) yield { value: made++ };
            } finally {
              isClosed = true;
            }
          },
        }),
      );
      for await (const { value } of ref.count({}, { windowItems: 5 })) if (value === 100) break;
      await until(() => isClosed);
      expect(made).to.be.within(101, 106);
    });

    it('fails alone where a later element has a wrong shape, or its generator throws, after those before', async () => {
      const { system } = setUp();
      const ref = system.spawn(
        counter({
          state: () => ({ kept: 1 }),
          work: ({ kept }) => ({ value: kept }),
          count: async function* (state, { value: wrong }) {
            state.kept = 2;
            for (let made = 0; made < 30; made++) yield { value: made };
            if (wrong === 1) throw new Error('no');
            yield 'no message' as never;
          },
        }),
      );
      for (const value of [0, 1]) {
        const { values, error } = await readAll(ref.count({ value }));
        expect(values).to.deep.equal(upTo(30));
        expect(error).to.have.property('name', 'HandlerError');
      }
      expect(await ref.work({})).to.deep.equal({ value: 2 });
    });

    it('may not stash in any of its steps', async () => {
      const { system } = setUp();
      const ref = system.spawn(
        counter({
          count: async function* (_state, _request, ctx) {
            for (let made = 0; made < 9; made++) {
              if (made === 5) ctx.stash();
              yield { value: made };
            }
          },
        }),
      );
      const { values, error } = await readAll(ref.count({}));
      expect(values).to.deep.equal(upTo(5));
      expect(error).to.have.property('name', 'HandlerError');
    });

    it('of requests is read with the same order and ends as one whose elements come one by one', async () => {
      const { system } = setUp();
      const ref = system.spawn(loader());
      const all: RequestSource<{ value: number }> = upTo(500).map((value) => ({ value }));
      expect(await ref.load(all)).to.deep.equal({ value: (499 * 500) / 2 });
      expect(await readAll(ref.chat(all))).to.deep.equal({ values: upTo(500).map((value) => value * 2) });
    });
  });
}

describe('an endless stream whose elements are ready', () => {
  afterEach(closeSystems);

  it('leaves the event loop its turns, whether its elements are fast or slow', async () => {
    const busy = (ms: number): void => {
      for (const endMs = performance.now() + ms; performance.now() < endMs; );
    };
    for (const each of [() => {}, () => busy(0.5)]) {
      const { system } = testSystem({}, { isReal: true });
      const stream = system.spawn(counter({ count: endless(each) })).count({});
      let fired = 0;
      const timer = setInterval(() => fired++, 1);
      for await (const _element of stream) if (fired === 3) break;
      clearInterval(timer);
      expect(fired).to.equal(3);
    }
  });

  it('lets a timer of its actor have its turn before the next element', async () => {
    const { system } = testSystem({}, { isReal: true });
    let made = 0;
    let madeAtTimer: number | undefined;
    const ref = system.spawn(
      counter({
        count: async function* (_state, _request, ctx) {
          ctx.after(1, () => (madeAtTimer = made));
          for (;;) yield { value: ++made };
        },
      }),
    );
    const stream = ref.count({});
    for await (const _element of stream) if (madeAtTimer !== undefined) break;
    expect(made - (madeAtTimer ?? 0)).to.be.at.most(2 * limits.rpcStreamItems);
  });
});

describe('the wait for an element', () => {
  afterEach(closeSystems);

  it('ends at timeoutMs after it began, for each element anew, and leaves no timer', async () => {
    const { system, scheduler } = testSystem();
    const ref = system.spawn(
      counter({
        count: async function* (_state, _request, ctx) {
          for (const pauseMs of [0, 90, 90, 101]) {
            await new Promise<void>((resolve) => void ctx.scheduler.setTimer(pauseMs, resolve));
            yield { value: pauseMs };
          }
        },
      }),
    );
    const { values, error } = await readAll(ref.count({}, { timeoutMs: 100, windowItems: 1 }));
    expect(values).to.deep.equal([0, 90, 90]);
    expect(error).to.have.property('name', 'AskTimeoutError');
    expect(scheduler.now()).to.be.within(280, 281);
  });
});
