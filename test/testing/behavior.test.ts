import { expect } from 'chai';
import { behavior, type Context, deferred, later, untypedBehavior, type UntypedRef } from '#src/actors/kernel/index.js';
import { AskAbortedError, AskTimeoutError, ConfigError, ProtocolError, Refusal, StoppedError } from '#src/errors.js';
import { type Asked, testBehavior } from '#src/testing/index.js';
import { counter } from '../actors/kernel/harness.js';
import { Counting, Pricing, Worker } from '../actors/kernel/shop.js';
import { readAll } from '../support/read-all.js';
import { rejection } from '../support/rejection.js';

const pricing = behavior(Pricing, {
  state: () => new Map<string, number>(),
  observe: (book, { symbol, price }) => void book.set(symbol, price),
  quote: (book, { symbol }) => ({ price: book.get(symbol) ?? 0 }),
});

/** A Worker that does `work` for each ask, and `push` for each tell. */
function worker(does: {
  push?: (value: number, ctx: Context<number>) => void | Promise<void>;
  work?: (value: number, ctx: Context<number>) => number | Promise<number>;
}) {
  return behavior(Worker, {
    state: () => 0,
    push: (_state, { value }, ctx) => does.push?.(value, ctx),
    work: async (_state, { value }, ctx) => ({ value: (await does.work?.(value, ctx)) ?? 0 }),
    on: { terminated: (_state, { reason }, ctx) => ctx.log.info(reason) },
  });
}

describe('a behavior as a pure function', () => {
  it('handles messages, and has a state to look at', async () => {
    const test = await testBehavior(pricing);
    await test.handle('observe', { symbol: 'ACME', price: 12.5 });
    expect(await test.handle('quote', { symbol: 'ACME' })).to.deep.equal({ price: 12.5, currency: 'EUR' });
    expect([...test.state]).to.deep.equal([['ACME', 12.5]]);
    expect(test.takeEffects()).to.deep.equal([]);
  });

  it('has done what it does synchronously when handle returns', async () => {
    const test = await testBehavior(pricing);
    const handled = test.handle('observe', { symbol: 'ACME', price: 1 });
    expect(test.state.size).to.equal(1);
    await handled;
  });

  it('rejects with what its handler throws', async () => {
    const error = new Error('no');
    const test = await testBehavior(worker({ work: () => Promise.reject(error) }));
    expect(await rejection(test.handle('work', {}))).to.equal(error);
  });

  it('aborts ctx.signal as the caller of an ask does: by its signal, at its deadline, and when it is answered', async () => {
    const used: AbortSignal[] = [];
    const test = await testBehavior(
      worker({
        push: (_value, { signal }) => void used.push(signal),
        work: async (value, { signal }) => {
          used.push(signal);
          if (value > 0) await new Promise((resolve) => signal.addEventListener('abort', resolve));
          return signal.aborted ? 1 : 0;
        },
      }),
    );
    expect(await test.handle('work', { value: 0 })).to.deep.equal({ value: 0 });
    expect(used[0]?.reason).to.be.instanceOf(StoppedError);
    const caller = new AbortController();
    const given = test.handle('work', { value: 1 }, { signal: caller.signal });
    caller.abort(new RangeError('enough'));
    expect(await given).to.deep.equal({ value: 1 });
    expect(used[1]?.reason).to.be.instanceOf(AskAbortedError).with.nested.property('cause.message', 'enough');
    const late = test.handle('work', { value: 1 }, { timeoutMs: 50 });
    await test.advance(49);
    expect(used[2]?.aborted).to.equal(false);
    await test.advance(1);
    expect(await late).to.deep.equal({ value: 1 });
    expect(used[2]?.reason).to.be.instanceOf(AskTimeoutError);
    await test.handle('push', {}, { signal: AbortSignal.abort() });
    expect(used[3]?.aborted, 'nobody waits for a tell').to.equal(false);
  });

  it('answers with what later brings', async () => {
    const test = await testBehavior(
      behavior(Worker, { push: () => {}, work: () => later(Promise.resolve({ value: 3 })) }),
    );
    expect(await test.handle('work', {})).to.deep.equal({ value: 3 });
  });

  it('answers with what an async handler returns, as the runtime does: later, deferred or a message', async () => {
    const replying = async (value: number): Promise<unknown> => {
      await Promise.resolve();
      if (value === 0) return { value: 5 };
      if (value === 1) return later(Promise.resolve({ value: 6 }));
      const reply = deferred<{ value: number }>();
      queueMicrotask(() => reply.resolve({ value: 7 }));
      return reply;
    };
    const work = (_state: unknown, { value }: { readonly value: number }): Promise<unknown> => replying(value);
    const test = await testBehavior(untypedBehavior(Worker, { push: () => {}, work }));
    const replies = await Promise.all([0, 1, 2].map((value) => test.handle('work', { value })));
    expect(replies).to.deep.equal([{ value: 5 }, { value: 6 }, { value: 7 }]);
  });

  it('sees meta and sender, and replaces its state', async () => {
    const seen: unknown[] = [];
    const test = await testBehavior(
      worker({
        push: (value, ctx) => {
          seen.push(ctx.meta, ctx.sender?.service);
          ctx.become(value);
        },
      }),
    );
    await test.handle('push', { value: 5 }, { meta: { tenant: 'a' }, sender: test.probe(Pricing) });
    expect(seen).to.deep.equal([{ tenant: 'a' }, 'test.Pricing']);
    expect(test.state).to.equal(5);
    expect(test.takeEffects()).to.deep.equal([{ kind: 'became', state: 5 }]);
  });

  it('records tells to a probe, with every field filled', async () => {
    let send = (): boolean => false;
    const test = await testBehavior(worker({ push: () => void send() }));
    const probe = test.probe(Pricing);
    send = () => probe.observe({ symbol: 'ACME' });
    await test.handle('push', {});
    expect(test.takeEffects()).to.deep.equal([
      { kind: 'told', to: probe, method: 'observe', message: { symbol: 'ACME', price: 0 }, meta: undefined },
    ]);
    expect(test.takeEffects(), 'taken once').to.deep.equal([]);
  });

  it('asks a probe that answers', async () => {
    let ask = (): Promise<number> => Promise.resolve(0);
    const test = await testBehavior(worker({ work: () => ask() }));
    const probe = test.probe(Pricing, { quote: ({ symbol }) => ({ price: symbol.length }) });
    ask = async () => (await probe.quote({ symbol: 'ACME' }, { timeoutMs: 100 })).price;
    expect(await test.handle('work', {})).to.deep.equal({ value: 4 });
    const [asked] = test.takeEffects();
    expect(asked).to.include({ kind: 'asked', to: probe, method: 'quote', timeoutMs: 100 });
  });

  for (const [how, settle, outcome] of [
    ['a reply', (asked: Asked) => asked.reply({ price: 7 }), 7],
    ['a failure', (asked: Asked) => asked.fail(new ProtocolError('strange')), -1],
  ] as const) {
    it(`waits for the test to answer with ${how}`, async () => {
      let ask = (): Promise<number> => Promise.resolve(0);
      const test = await testBehavior(worker({ work: () => ask().catch(() => -1) }));
      const probe = test.probe(Pricing);
      ask = async () => (await probe.quote({})).price;
      const handled = test.handle('work', {});
      const [asked] = test.takeEffects();
      if (asked?.kind !== 'asked') throw new Error('it did not ask');
      settle(asked);
      expect(await handled).to.deep.equal({ value: outcome });
    });
  }

  it('yields what a stream yields, later elements too, each filled', async () => {
    const test = await testBehavior(
      counter({
        count: async function* (_state, { value }) {
          yield {};
          yield later(Promise.resolve({ value }));
        },
      }),
    );
    expect(await readAll(test.handle('count', { value: 7 }))).to.deep.equal({ values: [0, 7] });
  });

  it('reads the stream of a probe that says what it yields', async () => {
    const test = await testBehavior(
      counter({
        state: (ctx) => ctx.path,
        work: async (_state, { value }) => {
          const { values, error } = await readAll(
            (value === 1 ? answered : silent).count({ value }, { windowItems: 3 }),
          );
          if (error instanceof Error) throw error;
          return { value: values.length };
        },
      }),
    );
    const answered = test.probe(Counting, { count: ({ value }) => [{ value }, {}] });
    const silent = test.probe(Counting);
    expect(await test.handle('work', { value: 1 })).to.deep.equal({ value: 2 });
    const [opened] = test.takeEffects();
    expect(opened).to.deep.include({
      kind: 'opened',
      to: answered,
      method: 'count',
      message: { value: 1 },
      windowItems: 3,
    });
    expect(await rejection(test.handle('work', {}))).to.be.instanceOf(ProtocolError);
  });

  it('spawns and watches, and hears that one is gone', async () => {
    let child: UntypedRef | undefined;
    const test = await testBehavior(
      worker({
        push: (_value, ctx) => {
          child = ctx.spawn(pricing, { name: 'book' });
          ctx.watch(child);
        },
      }),
    );
    await test.handle('push', {});
    expect(test.takeEffects()).to.deep.equal([
      { kind: 'spawned', name: 'book', ref: child, behavior: pricing },
      { kind: 'watched', ref: child },
    ]);
    if (child === undefined) throw new Error('no child');
    await test.terminated(child, 'unreachable');
    expect(test.log).to.have.length(1);
    expect(test.log[0]).to.include({ level: 'info', message: 'unreachable' });
    const gone = child;
    const again = await rejection(test.terminated(gone));
    expect(again, 'once').to.be.instanceOf(ConfigError).with.property('message').that.contains('not watched');
    expect(await rejection(test.handle('push', {}))).to.be.instanceOf(ConfigError);
  });

  it('creates the state from args, and records those of a child', async () => {
    const offset = behavior(Worker, {
      state: (_ctx, args: { readonly add: number }) => args.add,
      push: (add, { value }, ctx) => void ctx.spawn(offset, { name: 'next', args: { add: add + value } }),
      work: (add, { value }) => ({ value: value + add }),
    });
    const test = await testBehavior(offset, { args: { add: 3 } });
    expect(test.state).to.equal(3);
    await test.handle('push', { value: 1 });
    const [effect] = test.takeEffects();
    expect(effect)
      .to.include({ kind: 'spawned', behavior: offset })
      .and.deep.include({ args: { add: 4 } });
    expect(await rejection(testBehavior<typeof Worker, number, unknown>(offset))).to.be.instanceOf(ConfigError);
  });

  it('finds a probe again by its wire record, and refuses another service', async () => {
    const test = await testBehavior(
      worker({ push: (_value, ctx) => void ctx.ref(Pricing, ctx.sender ?? { cUid: 0n, service: '' }).observe({}) }),
    );
    const probe = test.probe(Pricing);
    await test.handle('push', {}, { sender: probe });
    expect(test.takeEffects()[0]).to.include({ kind: 'told', to: probe });
    const other = test.probe(Worker);
    expect(await rejection(test.handle('push', {}, { sender: other }))).to.be.instanceOf(ProtocolError);
  });

  it('lets its timers fire when time passes, and no sooner', async () => {
    const fired: string[] = [];
    const test = await testBehavior(
      worker({
        push: (_value, ctx) => {
          ctx.after(50, () => fired.push(`after ${ctx.scheduler.now()}`));
          const every = ctx.every(20, () => {
            fired.push(`every ${ctx.scheduler.now()}`);
            if (ctx.scheduler.now() === 60) ctx.cancel(every);
          });
        },
      }),
    );
    await test.handle('push', {});
    expect(test.takeEffects().map(({ kind }) => kind)).to.deep.equal(['timer set', 'timer set']);
    await test.advance(19);
    expect(fired).to.deep.equal([]);
    await test.advance(1_000);
    expect(fired).to.deep.equal(['every 20', 'every 40', 'after 50', 'every 60']);
    expect(test.takeEffects().map(({ kind }) => kind)).to.deep.equal(['timer cancelled']);
  });

  it('puts messages aside and hears that none comes, as the test says', async () => {
    const heard: string[] = [];
    const test = await testBehavior(
      behavior(Worker, {
        idleTimeoutMs: 5,
        push: (_state, { value }, ctx) => (value > 0 ? ctx.stash() : ctx.unstashAll()),
        work: (_state, { value }, ctx) => {
          ctx.setIdleTimeout(value);
          return {};
        },
        on: {
          idle: async () => {
            await Promise.resolve();
            heard.push('idle');
          },
        },
      }),
    );
    await test.handle('push', { value: 1 });
    await test.handle('push', {});
    await test.handle('work', { value: 9 });
    expect(test.takeEffects()).to.deep.equal([
      { kind: 'stashed' },
      { kind: 'unstashed' },
      { kind: 'idle timeout set', timeoutMs: 9 },
    ]);
    await test.idle();
    expect(heard).to.deep.equal(['idle']);
  });

  it('refuses a reply that is no message, as a runtime does, but for a stashed ask, which has none', async () => {
    let given: unknown;
    const test = await testBehavior(
      behavior(Worker, {
        push: () => {},
        work: (_state, { value }, ctx) => {
          if (value > 0) ctx.stash();
          return given as object;
        },
      }),
    );
    for (given of [undefined, 'text', [1], new Refusal('NONE', 'no such')]) {
      expect(await rejection(test.handle('work', {}))).to.be.instanceOf(ProtocolError);
    }
    given = undefined;
    expect(await test.handle('work', { value: 1 })).to.deep.equal({ value: 0 });
    const probe = test.probe(Worker, { work: () => [1] as object });
    expect(await rejection(probe.work({}))).to.be.instanceOf(ProtocolError);
  });

  it('waits for what a timer awaits, and throws what that throws', async () => {
    const test = await testBehavior(
      behavior(Worker, {
        push: (_state, _message, ctx) => void ctx.after(10, () => Promise.reject(new Error('broken'))),
        work: () => ({}),
      }),
    );
    await test.handle('push', {});
    expect(await rejection(test.advance(10))).to.have.property('message', 'broken');
  });

  it('stops: its timers end, and stopping runs', async () => {
    const heard: string[] = [];
    const test = await testBehavior(
      behavior(Worker, {
        push: (_state, _message, ctx) => ctx.stop(),
        work: () => ({}),
        on: {
          started: (_state, ctx) => void ctx.after(10, () => heard.push('timer')),
          stopping: () => void heard.push('stopping'),
        },
      }),
    );
    await test.handle('push', {});
    expect(test.takeEffects().map(({ kind }) => kind)).to.deep.equal(['timer set', 'stopped']);
    await test.stop();
    await test.advance(100);
    expect(heard).to.deep.equal(['stopping']);
  });
});
