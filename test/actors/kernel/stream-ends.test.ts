import { expect } from 'chai';
import { later, type Stream } from '#src/actors/kernel/index.js';
import { AskAbortedError, AskTimeoutError, ConfigError, HandlerError, StoppedError } from '#src/errors.js';
import { deferred } from '../../support/deferred.js';
import { upTo } from '../../support/numbers.js';
import { readAll } from '../../support/read-all.js';
import { rejection } from '../../support/rejection.js';
import { turn, until } from '../../support/until.js';
import { closeSystems, counter, testSystem } from './harness.js';

type Numbers = Stream<{ value: number }>;

for (const isReal of [false, true]) {
  describe(`the end of a stream in ${isReal ? 'real' : 'virtual'} time`, () => {
    afterEach(closeSystems);

    const setUp = (limits = {}) => testSystem(limits, { isReal });

    describe('is cancelled, and the generator runs its finally,', () => {
      const closing = (isReady: () => void = () => {}) => {
        const closed: number[] = [];
        const made = counter({
          count: async function* (_state, { value }) {
            try {
              isReady();
              for (let next = 0; ; next++) yield { value: next };
            } finally {
              closed.push(value);
            }
          },
        });
        return { closed, made };
      };

      it('by leaving the loop', async () => {
        const { system } = setUp();
        const { closed, made } = closing();
        for await (const { value } of system.spawn(made).count({ value: 3 })) if (value === 20) break;
        await until(() => closed.length === 1);
        expect(closed).to.deep.equal([3]);
      });

      it('by an error in the loop, throw and dispose', async () => {
        const { system } = setUp();
        const { closed, made } = closing();
        const ref = system.spawn(made);
        const lost = new Error('lost');
        const work = (async () => {
          for await (const { value } of ref.count({ value: 1 })) if (value === 2) throw lost;
        })();
        expect(await rejection(work)).to.equal(lost);
        const thrown = ref.count({ value: 2 });
        await thrown.next();
        expect(await rejection(thrown.throw(lost))).to.equal(lost);
        const disposed = ref.count({ value: 3 });
        await disposed.next();
        await disposed[Symbol.asyncDispose]();
        await until(() => closed.length === 3);
        expect(closed).to.deep.equal([1, 2, 3]);
        expect(await disposed.next()).to.deep.equal({ done: true, value: undefined });
      });

      it('by its signal, at once where it was aborted before', async () => {
        const { system } = setUp();
        const { closed, made } = closing();
        const ref = system.spawn(made);
        const controller = new AbortController();
        const stream = ref.count({ value: 1 }, { signal: controller.signal });
        await stream.next();
        controller.abort('enough');
        const error = await rejection(stream.next());
        expect(error).to.be.instanceOf(AskAbortedError);
        expect((error as Error).cause).to.equal('enough');
        await until(() => closed.length === 1);
        expect(await rejection(ref.count({}, { signal: controller.signal }).next())).to.be.instanceOf(AskAbortedError);
        await ref.work({});
        expect(closed).to.deep.equal([1]);
      });

      it('when the actor that reads stops, and when it starts anew', async () => {
        const { system } = setUp();
        const { closed, made } = closing();
        const ref = system.spawn(made);
        const reads: Numbers[] = [];
        const reading = counter({
          push: (_state, { value }) => {
            if (value === 0) throw new Error('again');
            const stream = ref.count({ value });
            reads.push(stream);
            stream.next().catch(() => {});
          },
        });
        const reader = system.spawn(reading);
        reader.push({ value: 1 });
        await reader.work({});
        reader.push({ value: 0 });
        await until(() => closed.length === 1);
        reader.push({ value: 2 });
        await reader.work({});
        await system.stop(reader);
        await until(() => closed.length === 2);
        expect(closed).to.deep.equal([1, 2]);
        for (const stream of reads) expect(await rejection(stream.next())).to.be.instanceOf(StoppedError);
      });

      it('also while it waits in the mailbox, where it is never begun', async () => {
        const { system } = setUp();
        const { closed, made } = closing();
        const held = deferred();
        const ref = system.spawn({ ...made, on: { started: () => held.promise } });
        const stream = ref.count({});
        const first = stream.next();
        await stream.return();
        expect(await first).to.deep.equal({ done: true, value: undefined });
        held.resolve();
        await ref.work({});
        expect(closed).to.deep.equal([]);
      });

      it('before the actor itself ends, while its state is there', async () => {
        const { system } = setUp();
        const events: string[] = [];
        const ref = system.spawn(
          counter({
            state: () => ({ name: 'state' }),
            count: async function* (state) {
              try {
                for (;;) yield {};
              } finally {
                await Promise.resolve();
                events.push(state.name);
              }
            },
            on: { stopping: () => void events.push('stopping') },
          }),
        );
        const streams = [ref.count({}), ref.count({})];
        for (const stream of streams) await stream.next();
        await system.stop(ref);
        expect(events).to.deep.equal(['state', 'state', 'stopping']);
        for (const stream of streams) expect((await readAll(stream)).error).to.be.instanceOf(StoppedError);
      });
    });

    it('fails with HandlerError when its generator throws; the failure is reported once, and supervision applies', async () => {
      const { system, log } = setUp();
      let starts = 0;
      const ref = system.spawn(
        counter({
          supervision: 'restart',
          state: () => ++starts,
          count: async function* (_state, { value }) {
            yield { value };
            if (value === 1) throw new ConfigError('no more');
            yield { value };
          },
        }),
      );
      const other = ref.count({ value: 2 }, { windowItems: 1 });
      await other.next();
      const { values, error } = await readAll(ref.count({ value: 1 }));
      expect(values).to.deep.equal([1]);
      expect(error).to.be.instanceOf(HandlerError).and.to.include({ message: 'no more', handlerCode: 'CONFIG' });
      expect(await rejection(other.next()))
        .to.be.instanceOf(StoppedError)
        .and.to.have.property('message')
        .that.contains('no more');
      await ref.work({});
      expect(starts).to.equal(2);
      expect(log.filter(({ message }) => message.startsWith('actor failed'))).to.have.length(1);
      expect(await readAll(ref.count({ value: 3 }))).to.deep.equal({ values: [3, 3] });
    });

    it('whose element has a wrong shape fails, and its generator is closed', async () => {
      const { system } = setUp();
      let isClosed = false;
      const ref = system.spawn(
        counter({
          supervision: 'resume',
          count: async function* () {
            try {
              yield Object.defineProperty({}, 'value', {
                enumerable: true,
                get: () => {
                  throw new Error('no value');
                },
              });
            } finally {
              isClosed = true;
            }
          },
        }),
      );
      expect((await readAll(ref.count({}))).error).to.be.instanceOf(HandlerError);
      await until(() => isClosed);
    });

    it('fails when no element comes within timeoutMs, and is cancelled', async () => {
      const { system, scheduler } = setUp();
      let isClosed = false;
      const ref = system.spawn(
        counter({
          count: async function* () {
            try {
              yield { value: 1 };
              yield later(new Promise<{ value: number }>(() => {}));
            } finally {
              isClosed = true;
            }
          },
        }),
      );
      // The first element has to come in that time, and a busy machine takes its time.
      const timeoutMs = isReal ? 500 : 30;
      const stream = ref.count({}, { timeoutMs });
      await stream.next();
      const fromMs = scheduler.now();
      expect(await rejection(stream.next())).to.be.instanceOf(AskTimeoutError);
      expect(scheduler.now() - fromMs).to.be.at.least(timeoutMs);
      expect(await rejection(stream.next()), 'an error is never followed by an end').to.be.instanceOf(AskTimeoutError);
      await until(() => isClosed);
    });

    it('waits at first no longer than the message being handled has left', async () => {
      const { system, scheduler } = setUp({ stopTimeoutMs: 20 });
      const silent = system.spawn(
        counter({
          count: async function* () {
            yield later(new Promise<{ value: number }>(() => {}));
          },
        }),
      );
      let waitedMs = 0;
      const front = system.spawn(
        counter({
          supervision: 'resume',
          work: async () => {
            const fromMs = scheduler.now();
            const error = await rejection(silent.count({}, { timeoutMs: 60_000 }).next());
            expect(error).to.be.instanceOf(AskTimeoutError);
            waitedMs = scheduler.now() - fromMs;
            return {};
          },
        }),
      );
      await rejection(front.work({}, { timeoutMs: isReal ? 500 : 40 }));
      await until(() => waitedMs > 0);
      if (isReal) expect(waitedMs).to.be.below(50_000);
      else expect(waitedMs).to.be.within(39, 1_000);
    });

    it('refuses options that make no sense', async () => {
      const { system } = setUp();
      const ref = system.spawn(counter());
      for (const options of [
        { timeoutMs: 0 },
        { timeoutMs: -1 },
        { timeoutMs: Number.NaN },
        { windowItems: 0 },
        { windowItems: 1.5 },
        { windowItems: 1_025 },
        { windowBytes: 0 },
        { windowBytes: 1.5 },
        { windowBytes: 2 ** 26 + 1 },
      ]) {
        expect(await rejection(ref.count({}, options).next()), JSON.stringify(options)).to.be.instanceOf(ConfigError);
      }
      expect(await readAll(ref.count({ value: 3 }, { timeoutMs: Number.POSITIVE_INFINITY }))).to.deep.equal({
        values: [0, 1, 2],
      });
    });

    it('fails with StoppedError when the actor stops, after the elements that came, and when it has stopped', async () => {
      const { system } = setUp();
      const ref = system.spawn(counter());
      const stream = ref.count({ value: 1_000 });
      await stream.next();
      await ref.work({});
      await ref.work({});
      await system.stop(ref);
      const { values, error } = await readAll(stream);
      expect(values.length).to.be.at.most(16);
      expect(values).to.deep.equal(upTo(values.length + 1).slice(1));
      expect(error).to.be.instanceOf(StoppedError);
      expect((await readAll(ref.count({}))).error).to.be.instanceOf(StoppedError);
    });

    it('whose generator hangs is given up when its actor stops', async () => {
      const { system } = setUp({ stopTimeoutMs: 20 });
      for (const count of [
        async function* () {
          await new Promise(() => {});
          yield {};
        },
        async function* () {
          try {
            yield {};
            yield {};
          } finally {
            await new Promise(() => {});
          }
        },
      ]) {
        const ref = system.spawn(counter({ count }));
        const stream = ref.count({}, { windowItems: 1, timeoutMs: Number.POSITIVE_INFINITY });
        const first = stream.next().catch(() => {});
        await turn();
        await turn();
        await system.stop(ref);
        await first;
        expect(await rejection(stream.next())).to.be.instanceOf(StoppedError);
      }
    });
  });
}
