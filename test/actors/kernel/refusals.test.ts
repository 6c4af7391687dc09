import { expect } from 'chai';
import { type Context, later } from '#src/actors/kernel/index.js';
import { ConfigError, HandlerError, Refusal, RefusedError } from '#src/errors.js';
import { Timestamp } from '#src/protocol/index.js';
import { readAll } from '../../support/read-all.js';
import { rejection } from '../../support/rejection.js';
import { until } from '../../support/until.js';
import { closeSystems, counter, testSystem, worker } from './harness.js';

const noSuch = (): never => {
  throw new Refusal('NOT_FOUND', 'no such thing', { type: Timestamp, value: { seconds: 5n } });
};

function refused(error: unknown): RefusedError {
  expect(error).to.be.instanceOf(RefusedError);
  return error as RefusedError;
}

describe('a refusal', () => {
  afterEach(closeSystems);

  it('is the answer of an ask, with its reason, message and detail; the actor goes on, and nothing has failed', async () => {
    const { system, log } = testSystem();
    let starts = 0;
    const ref = system.spawn(
      worker({
        supervision: 'stop',
        state: () => ++starts,
        work: (_state, { value }) => {
          if (value === 1) return noSuch();
          if (value === 2) return Promise.reject(new Refusal('LATE', 'too late'));
          if (value === 3) return later(Promise.reject(new Refusal('LATER', 'not yet')));
          return { value };
        },
      }),
    );
    const error = refused(await rejection(ref.work({ value: 1 })));
    expect(error).to.include({ code: 'REFUSED', reason: 'NOT_FOUND', message: 'no such thing' });
    expect(error.detail?.typeName).to.equal(Timestamp.typeName);
    expect(error.detail?.as(Timestamp)).to.deep.equal({ seconds: 5n, nanos: 0 });
    expect(error.detail?.as({ ...Timestamp, typeName: 'other.Type' })).to.equal(undefined);
    expect(refused(await rejection(ref.work({ value: 2 })))).to.include({ reason: 'LATE', detail: undefined });
    expect(refused(await rejection(ref.work({ value: 3 })))).to.include({ reason: 'LATER' });
    expect(await ref.work({ value: 4 })).to.deep.equal({ value: 4 });
    expect(starts).to.equal(1);
    expect(system.statistics).to.include({ failures: 0, restarts: 0 });
    expect(system.statistics.asks.failed).to.deep.equal({ REFUSED: 3 });
    expect(log.filter(({ level }) => level !== 'debug')).to.deep.equal([]);
  });

  it('ends a stream, after what was read before it', async () => {
    const { system } = testSystem();
    const ref = system.spawn(
      counter({
        count: async function* (_state, { value }) {
          yield { value };
          if (value === 1) noSuch();
          yield later(Promise.reject(new Refusal('LATER', 'not yet')));
        },
      }),
    );
    for (const [value, reason] of [
      [1, 'NOT_FOUND'],
      [2, 'LATER'],
    ] as const) {
      const { values, error } = await readAll(ref.count({ value }));
      expect(values).to.deep.equal([value]);
      expect(refused(error).reason).to.equal(reason);
    }
    expect(system.statistics.failures).to.equal(0);
  });

  it('of a tell reaches nobody, and is no failure; in a timer it is one', async () => {
    const { system } = testSystem();
    const ref = system.spawn(
      worker({ push: (_state, { value }, ctx) => (value === 0 ? noSuch() : void ctx.after(1, noSuch)) }),
    );
    ref.push({ value: 0 });
    expect(await ref.work({ value: 1 })).to.deep.equal({ value: 1 });
    expect(system.statistics.failures).to.equal(0);
    ref.push({ value: 1 });
    await until(() => system.statistics.failures === 1);
  });

  it('is a failure where nobody has asked: in a timer, a hook, ctx.fail and ctx.pipe', async () => {
    const { system } = testSystem();
    const refusal = new Refusal('NONE', 'no such');
    const ways: readonly ((ctx: Context) => void)[] = [
      (ctx) => void ctx.after(1, noSuch),
      (ctx) => ctx.fail(refusal),
      (ctx) => ctx.pipe(Promise.reject(refusal), () => {}),
      (ctx) => ctx.pipe(Promise.resolve(), noSuch),
    ];
    for (const [index, way] of ways.entries()) {
      let starts = 0;
      const ref = system.spawn(worker({ state: () => ++starts, push: (_state, _message, ctx) => way(ctx) }));
      ref.push({});
      await until(() => starts === 2);
      expect(system.statistics.failures).to.equal(index + 1);
    }
  });

  it('that an actor does not catch is a HandlerError for whoever asked that actor', async () => {
    const { system } = testSystem();
    const store = system.spawn(worker({ work: noSuch }));
    const front = system.spawn(worker({ work: (_state, message) => store.work(message) }));
    const error = await rejection(front.work({}));
    expect(error).to.be.instanceOf(HandlerError).and.include({ handlerName: 'RefusedError', handlerCode: 'REFUSED' });
    expect((error as Error).cause).to.be.instanceOf(RefusedError);
  });

  it('needs a reason and a detail that can be sent', async () => {
    expect(() => new Refusal('', 'empty')).to.throw(ConfigError, 'reason');
    const give =
      (...given: unknown[]) =>
      () =>
        void Reflect.construct(Refusal, given);
    expect(give(5, 'x')).to.throw(ConfigError, 'reason');
    expect(give('X', 'x', { left: 1 })).to.throw(ConfigError, 'detail');
    const { system } = testSystem();
    const wrong = { seconds: 'five' } as unknown as { seconds: bigint };
    const ref = system.spawn(
      worker({
        work: () => {
          throw new Refusal('X', 'x', { type: Timestamp, value: wrong });
        },
      }),
    );
    expect(await rejection(ref.work({})))
      .to.be.instanceOf(HandlerError)
      .and.include({ handlerCode: 'PROTOCOL' });
  });
});

describe('a HandlerError', () => {
  afterEach(closeSystems);

  it('has the name, the code, also a number, and as its cause what was thrown', async () => {
    const { system } = testSystem();
    const thrown: Error[] = [
      Object.assign(new RangeError('far'), { code: 'E_FAR' }),
      Object.assign(new TypeError('number'), { code: 5 }),
      new DOMException('gone', 'AbortError'),
    ];
    const ref = system.spawn(
      worker({ work: (_state, { value }) => Promise.reject(thrown[value] ?? new Error('none')) }),
    );
    const expected = [
      { handlerName: 'RangeError', handlerCode: 'E_FAR' },
      { handlerName: 'TypeError', handlerCode: 5 },
      { handlerName: 'AbortError', handlerCode: 20 },
    ];
    for (const [value, fields] of expected.entries()) {
      const error = await rejection(ref.work({ value }));
      expect(error).to.be.instanceOf(HandlerError).and.include(fields);
      expect((error as Error).cause).to.equal(thrown[value]);
    }
  });
});
