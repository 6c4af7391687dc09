import { expect } from 'chai';
import { type Context, later } from '#src/actors/kernel/index.js';
import { ConfigError, HandlerError, StoppedError } from '#src/errors.js';
import { Deferred } from '#src/deferred.js';
import { rejection } from '../../support/rejection.js';
import { until } from '../../support/until.js';
import { closeSystems, testSystem, worker } from './harness.js';
import { Worker } from './shop.js';

interface State {
  readonly start: number;
}

/** An actor whose contexts of all starts are kept. */
function keeping() {
  const { system, log } = testSystem();
  const contexts: Context<State>[] = [];
  const ref = system.spawn(
    worker<State>({
      state: () => ({ start: contexts.length }),
      on: {
        started: (_state, ctx) => void contexts.push(ctx),
        idle: () => {},
        terminated: () => {},
      },
      push: (_state, { value }, ctx) => {
        if (value < 0) throw new Error('broken');
        if (value > 0) ctx.stop();
      },
      work: ({ start }) => ({ value: start }),
    }),
  );
  const other = system.spawn(worker());
  const acts: Readonly<Record<string, (ctx: Context<State>) => unknown>> = {
    become: (ctx) => ctx.become({ start: 99 }),
    after: (ctx) => ctx.after(1, () => ctx.become({ start: 99 })),
    every: (ctx) => ctx.every(1, () => ctx.become({ start: 99 })),
    spawn: (ctx) => ctx.spawn(worker()),
    watch: (ctx) => ctx.watch(other),
    setIdleTimeout: (ctx) => ctx.setIdleTimeout(5),
    stash: (ctx) => ctx.stash(),
    unstashAll: (ctx) => ctx.unstashAll(),
    options: (ctx) => ctx.options(),
  };
  return { system, log, ref, contexts, acts };
}

describe('the context of an incarnation that has ended', () => {
  afterEach(closeSystems);

  for (const [how, value] of [
    ['restarted', -1],
    ['stopped', 1],
  ] as const) {
    it(`does nothing any more, when its actor has ${how}`, async () => {
      const { system, log, ref, contexts, acts } = keeping();
      expect(await ref.work({})).to.deep.equal({ value: 0 });
      ref.push({ value });
      const [old] = contexts;
      if (value < 0) await until(() => contexts.length === 2);
      else await until(() => system.statistics.actors === 1);
      if (old === undefined) throw new Error('it did not start');
      for (const [name, act] of Object.entries(acts)) expect(() => act(old), name).to.throw(StoppedError);
      old.fail(new Error('too late'));
      old.stop();
      expect(log.filter(({ message }) => message.includes('ctx.fail'))).to.have.length(1);
      expect([old.meta, old.sender]).to.deep.equal([undefined, undefined]);
      if (value > 0) return;
      expect(await ref.work({})).to.deep.equal({ value: 1 });
      expect(system.statistics).to.include({ actors: 2, restarts: 1 });
    });
  }

  it('is still that of on.stopping', async () => {
    const { system } = testSystem();
    const paths: string[] = [];
    const ref = system.spawn(
      worker({
        state: () => 1,
        on: {
          stopping: (state, ctx) => {
            ctx.become(state + 1);
            paths.push(ctx.path);
          },
        },
        push: (_state, _message, ctx) => ctx.stop(),
      }),
      { name: 'ends' },
    );
    ref.push({});
    await until(() => system.statistics.actors === 0);
    expect(paths).to.deep.equal(['test/ends']);
  });
});

describe('a later reply that is settled', () => {
  afterEach(closeSystems);

  const ends: Readonly<Record<string, (settle: () => void, ctx: Context, stop: () => void) => void>> = {
    'ctx.stop()': (settle, ctx) => {
      settle();
      ctx.stop();
    },
    'a throw': (settle) => {
      settle();
      throw new Error('broken');
    },
    'its actor is stopped': (settle, _ctx, stop) => {
      settle();
      stop();
    },
  };
  for (const [end, run] of Object.entries(ends)) {
    it(`before ${end} reaches its caller, also through other promises`, async () => {
      const { system } = testSystem();
      const [plain, chained, failed, never] = [0, 1, 2, 3].map(() => new Deferred<{ value: number }>());
      const chain = async (): Promise<{ value: number }> => {
        const reply = await chained?.promise;
        await Promise.resolve();
        return { value: (reply?.value ?? 0) + 1 };
      };
      const replies = [plain?.promise, chain(), failed?.promise, never?.promise];
      const ref = system.spawn(
        worker({
          work: (_state, { value }) => later(replies[value] ?? Promise.reject(new Error('none'))),
          push: (_state, _message, ctx) =>
            run(
              () => {
                plain?.resolve({ value: 5 });
                chained?.resolve({ value: 6 });
                failed?.reject(new Error('no'));
              },
              ctx,
              () => void system.stop(ref),
            ),
        }),
      );
      const asked = [ref.work({ value: 0 }), ref.work({ value: 1 })];
      const failing = [rejection(ref.work({ value: 2 })), rejection(ref.work({ value: 3 }))];
      ref.push({});
      expect(await Promise.all(asked)).to.deep.equal([{ value: 5 }, { value: 7 }]);
      const [error, unsettled] = await Promise.all(failing);
      expect(error).to.be.instanceOf(HandlerError).and.include({ message: 'no' });
      expect(unsettled).to.be.instanceOf(StoppedError);
    });
  }

  it('after every restart, not only the first', async () => {
    const { system } = testSystem();
    let settle = (_reply: { value: number }): void => {};
    const ref = system.spawn(
      worker({
        work: () => later(new Promise<{ value: number }>((resolve) => (settle = resolve))),
        push: (_state, { value }) => {
          settle({ value });
          throw new Error('broken');
        },
      }),
    );
    for (let value = 1; value < 5; value++) {
      const asked = ref.work({});
      ref.push({ value });
      expect(await asked).to.deep.equal({ value });
    }
  });
});

describe('a context of a system that belongs to no runtime', () => {
  afterEach(closeSystems);

  it('places nothing, and finds no names and groups: its error says what to do', async () => {
    const { system } = testSystem();
    const errors: unknown[] = [];
    const ref = system.spawn(
      worker({
        work: async (_state, message, ctx) => {
          const named = { name: 'any', service: Worker, encodeArgs: () => new Uint8Array() };
          for (const call of [ctx.place(named), ctx.lookup(Worker, 'any'), ctx.group(Worker, 'any')]) {
            errors.push(await rejection(call));
          }
          return message;
        },
      }),
    );
    await ref.work({});
    for (const error of errors) {
      expect(error).to.be.instanceOf(ConfigError);
      expect(error).to.have.property('message').that.contains('Runtime.start()');
    }
  });
});
