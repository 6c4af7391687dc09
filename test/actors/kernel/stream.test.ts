import { expect } from 'chai';
import { later } from '#src/actors/kernel/index.js';
import { ConfigError, HandlerError } from '#src/errors.js';
import { upTo } from '../../support/numbers.js';
import { readAll } from '../../support/read-all.js';
import { until } from '../../support/until.js';
import { closeSystems, counter, testSystem } from './harness.js';

for (const isReal of [false, true]) {
  describe(`a stream in ${isReal ? 'real' : 'virtual'} time`, () => {
    afterEach(closeSystems);

    const setUp = (limits = {}) => testSystem(limits, { isReal });

    it('is iterated to its end, in order, and stays ended', async () => {
      const { system } = setUp();
      const stream = system.spawn(counter()).count({ value: 100 });
      expect(await readAll(stream)).to.deep.equal({ values: upTo(100) });
      expect(await stream.next()).to.deep.equal({ done: true, value: undefined });
    });

    it('may have no element', async () => {
      const { system } = setUp();
      expect(await readAll(system.spawn(counter()).count({}))).to.deep.equal({ values: [] });
    });

    it('fills defaults of requests and elements', async () => {
      const { system } = setUp();
      const ref = system.spawn(
        counter({
          count: async function* (_state, request) {
            expect(request).to.deep.equal({ value: 0 });
            yield {};
          },
        }),
      );
      expect(await readAll(ref.count({}))).to.deep.equal({ values: [0] });
    });

    it('sends nothing before the first next', async () => {
      const { system } = setUp();
      let begun = 0;
      const ref = system.spawn(
        counter({
          count: async function* () {
            begun++;
            yield {};
          },
        }),
      );
      const stream = ref.count({});
      await ref.work({});
      expect(begun).to.equal(0);
      await stream.next();
      expect(begun).to.equal(1);
      await stream.return();
    });

    it('takes any AsyncIterable from its handler, and refuses anything else', async () => {
      const { system } = setUp();
      const values = [4, 5];
      const listed = system.spawn(
        counter({
          count: () => ({
            [Symbol.asyncIterator]: () => ({
              next: async () => {
                const value = values.shift();
                return value === undefined ? { done: true, value } : { done: false, value: { value } };
              },
            }),
          }),
        }),
      );
      expect(await readAll(listed.count({}))).to.deep.equal({ values: [4, 5] });
      const wrong = system.spawn(counter({ supervision: 'resume', count: (() => [{ value: 1 }]) as never }));
      const { error } = await readAll(wrong.count({}));
      expect(error).to.be.instanceOf(HandlerError).and.to.include({ handlerCode: 'CONFIG' });
    });

    it('is pulled by credit: its generator is never ahead of the reader by more than the window', async () => {
      const { system } = setUp();
      for (const windowItems of [1, 2, 3, 7, 16, 100]) {
        let made = 0;
        const ref = system.spawn(
          counter({
            count: async function* () {
              for (;;) yield { value: made++ };
            },
          }),
        );
        const stream = ref.count({}, { windowItems });
        for (let read = 1; read <= 50; read++) {
          const { value } = await stream.next();
          expect(value).to.deep.equal({ value: read - 1 });
          await ref.work({});
          await ref.work({});
          expect(made, `window ${windowItems}, read ${read}`).to.be.at.most(read + windowItems - 1);
        }
        await stream.return();
      }
    });

    it('lets other messages in between two elements', async () => {
      const { system } = setUp();
      const seen: string[] = [];
      const ref = system.spawn(
        counter({
          push: (_state, { value }) => void seen.push(`push ${value}`),
          count: async function* () {
            for (let value = 0; value < 3; value++) {
              seen.push(`from ${value}`);
              await Promise.resolve();
              seen.push(`to ${value}`);
              yield { value };
            }
          },
        }),
      );
      const stream = ref.count({}, { windowItems: 1 });
      for (let value = 0; value < 3; value++) {
        const next = stream.next();
        ref.push({ value });
        await next;
        await ref.work({});
      }
      await stream.return();
      expect(seen.filter((entry) => !entry.startsWith('push'))).to.deep.equal(
        upTo(3).flatMap((value) => [`from ${value}`, `to ${value}`]),
      );
      for (const value of upTo(3)) expect(seen.indexOf(`to ${value}`) - seen.indexOf(`from ${value}`)).to.equal(1);
    });

    it('yields later what only another message brings, and the mailbox is free meanwhile', async () => {
      const { system } = setUp();
      const waiting: ((reply: { value: number }) => void)[] = [];
      let isClosed = false;
      const ref = system.spawn(
        counter({
          push: (_state, { value }) => {
            for (const tell of waiting.splice(0)) tell({ value });
          },
          count: async function* () {
            try {
              for (;;) yield later(new Promise<{ value: number }>((tell) => waiting.push(tell)));
            } finally {
              isClosed = true;
            }
          },
        }),
      );
      const stream = ref.count({});
      for (const value of [7, 8, 9]) {
        const next = stream.next();
        await until(() => waiting.length === 1);
        ref.push({ value });
        expect(await next).to.deep.equal({ done: false, value: { value } });
      }
      await until(() => waiting.length === 1);
      await stream.return();
      await until(() => isClosed);
    });

    it('that yields a later which fails, fails alone', async () => {
      const { system } = setUp();
      let isClosed = false;
      const ref = system.spawn(
        counter({
          state: () => ({ kept: 7 }),
          work: ({ kept }) => ({ value: kept }),
          count: async function* (state) {
            state.kept = 8;
            try {
              yield later(Promise.reject(new ConfigError('no')));
            } finally {
              isClosed = true;
            }
          },
        }),
      );
      const { error } = await readAll(ref.count({}));
      expect(error).to.be.instanceOf(HandlerError).and.to.include({ handlerCode: 'CONFIG' });
      await until(() => isClosed);
      expect(await ref.work({})).to.deep.equal({ value: 8 });
    });

    it('may be read by many at once, each at its own pace', async () => {
      const { system } = setUp();
      const ref = system.spawn(counter());
      const all = await Promise.all(upTo(50).map(async (count) => readAll(ref.count({ value: count }))));
      expect(all).to.deep.equal(upTo(50).map((count) => ({ values: upTo(count) })));
    });

    it('takes many calls of next at a time', async () => {
      const { system } = setUp();
      for (const windowItems of [1, 2, 5, 16]) {
        const stream = system.spawn(counter()).count({ value: 60 }, { windowItems });
        const results = await Promise.all(upTo(64).map(async () => stream.next()));
        expect(results.map(({ value }) => value?.value)).to.deep.equal(
          upTo(64).map((value) => (value < 60 ? value : undefined)),
        );
      }
    });
  });
}
