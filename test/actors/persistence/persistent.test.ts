import { expect } from 'chai';
import { Deferred } from '#src/deferred.js';
import { MemoryEngine } from '#src/actors/persistence/index.js';
import { BackpressureError, ConfigError, PersistenceError, ProtocolError, StoppedError } from '#src/errors.js';
import { limits } from '#src/limits.js';
import { testBehavior } from '#src/testing/index.js';
import { rejection } from '../../support/rejection.js';
import { someTurns, until } from '../../support/until.js';
import { closeSystems } from '../kernel/harness.js';
import type { Row } from '../runtime/row.js';
import { failureOf, type Ledger, ledger, persistentSystem, TestEngine } from './ledger.js';

describe('a persistent behavior', () => {
  afterEach(closeSystems);

  it('makes the state of the events, and the next actor of its id begins with it', async () => {
    const engine = new TestEngine();
    const { system } = persistentSystem(engine);
    const first = system.spawn(ledger());
    first.push({ value: 3 });
    expect(await first.work({ value: 4 })).to.deep.equal({ value: 7 });
    await system.stop(first);
    const second = persistentSystem(engine).system.spawn(ledger());
    expect(await second.work({ value: 0 })).to.deep.equal({ value: 7 });
    const counted = [];
    for await (const { value } of second.count({})) counted.push(value);
    expect(counted).to.deep.equal([3, 4]);
    expect(engine.events('ledger').map(({ sequenceNumber }) => sequenceNumber)).to.deep.equal([1, 2]);
    expect(engine.events('ledger', 1)[0]?.data).to.deep.equal({ type: 'test.Row', bytes: 'CAQSCHdvcmtlZCA0' });
  });

  it('recovers before its started hook and the first message, while messages wait', async () => {
    const engine = new TestEngine();
    const { system } = persistentSystem(engine);
    const first = system.spawn(ledger({ on: { started: async (_state, ctx) => void (await ctx.persist({ id: 9 })) } }));
    expect(await first.work({ value: 0 })).to.deep.equal({ value: 9 });
    await system.stop(first);
    const seen: unknown[] = [];
    const actor = system.spawn(
      ledger({
        on: { started: ({ sum }) => void seen.push(['started', sum]) },
        push: ({ sum }, { value }) => void seen.push([value, sum]),
      }),
    );
    actor.push({ value: 1 });
    actor.push({ value: 2 });
    await until(() => seen.length === 3);
    expect(seen).to.deep.equal([
      ['started', 9],
      [1, 9],
      [2, 9],
    ]);
  });

  it('takes its id from its context, and an engine of its own', async () => {
    const [of, own] = [new TestEngine(), new TestEngine()];
    const { system } = persistentSystem(of);
    const named = ledger({ id: (ctx) => `account ${ctx.name}` });
    await system.spawn(named, { name: 'one' }).work({ value: 1 });
    await system.spawn(named, { name: 'two' }).work({ value: 2 });
    await system.spawn(ledger({ engine: own })).work({ value: 3 });
    expect(['account one', 'account two', 'ledger'].map((id) => of.events(id).length)).to.deep.equal([1, 1, 0]);
    expect(own.events('ledger')).to.have.length(1);
  });

  it('replies, and handles the next message, when all events of the last one are stored, awaited or not', async () => {
    const engine = new TestEngine();
    const gate = new Deferred<void>();
    engine.held = gate.promise;
    const seen: unknown[] = [];
    const { system } = persistentSystem(engine);
    const actor = system.spawn(
      ledger({
        work: (state, { value }, ctx) => {
          seen.push([value, state.sum, ctx.state.sum]);
          void ctx.persist({ id: value });
          void ctx.persist({ id: value });
          return { value: ctx.state.sum };
        },
      }),
    );
    const replies = [actor.work({ value: 1 }), actor.work({ value: 2 })];
    await until(() => engine.writes.length === 1);
    await someTurns();
    expect(seen).to.deep.equal([[1, 0, 0]]);
    gate.resolve();
    expect(await Promise.all(replies)).to.deep.equal([{ value: 0 }, { value: 2 }]);
    expect(seen).to.deep.equal([
      [1, 0, 0],
      [2, 2, 2],
    ]);
    expect(engine.writes).to.deep.equal([
      [1, 2],
      [3, 4],
    ]);
  });

  it('stores the events of one call together, and resolves to the state after the last', async () => {
    const engine = new TestEngine();
    const states: unknown[] = [];
    const actor = persistentSystem(engine).system.spawn(
      ledger({
        push: async (_state, { value }, ctx) => {
          states.push(await ctx.persist({ id: value }, { id: value + 1 }), await ctx.persist());
        },
      }),
    );
    actor.push({ value: 1 });
    await until(() => states.length === 2);
    expect(states).to.deep.equal([
      { sum: 3, keys: ['', ''] },
      { sum: 3, keys: ['', ''] },
    ]);
    expect(engine.writes).to.deep.equal([[1, 2]]);
  });

  it('stores nothing of what is no event or cannot be applied, and goes on', async () => {
    const engine = new TestEngine();
    const { system, log } = persistentSystem(engine);
    const wrong = [undefined, null, 'text', 7, [], new Error('no event')] as unknown as Partial<Row>[];
    const actor = system.spawn(
      ledger({
        apply: ({ sum, keys }, { id, key }) => {
          if (id > 100) throw new RangeError('too much');
          return { sum: sum + id, keys: [...keys, key] };
        },
        work: async (_state, { value }, ctx) => {
          await ctx.persist({ id: 1 }, wrong[value] ?? { id: value });
          return { value: ctx.state.sum };
        },
      }),
    );
    for (const index of wrong.keys()) {
      if (index < 2) continue;
      const { cause } = await failureOf(actor.work({ value: index }));
      expect(cause).to.be.instanceOf(ProtocolError);
      expect(String(cause)).to.include('with the fields of test.Row');
    }
    // It cannot be encoded: the field is unsigned.
    expect((await failureOf(actor.work({ value: -1 }))).cause).to.be.instanceOf(ProtocolError);
    expect((await failureOf(actor.work({ value: 101 }))).cause).to.be.instanceOf(RangeError);
    expect(engine.writes).to.deep.equal([]);
    expect(await actor.work({ value: 50 })).to.deep.equal({ value: 51 });
    expect(log.filter(({ message }) => message === 'actor failed: restart')).to.deep.equal([]);
  });

  it('may persist in hooks, timers and pipes, and nowhere else', async () => {
    const engine = new TestEngine();
    const { system } = persistentSystem(engine);
    const refused: unknown[] = [];
    const actor = system.spawn(
      ledger({
        push: (_state, _request, ctx) => {
          ctx.after(5, () => ctx.persist({ key: 'timer' }));
          const work = Promise.resolve('piped');
          ctx.pipe(work, (key) => ctx.persist({ key }));
          ctx.pipe(
            Promise.reject(new Error('failed')),
            () => {},
            ({ message: key }) => ctx.persist({ key }),
          );
          void work.then(async () => {
            await Promise.resolve();
            try {
              await ctx.persist({ key: 'stray' });
            } catch (error) {
              refused.push(error);
            }
          });
        },
        async *count(_state, _request, ctx) {
          try {
            yield { value: (await ctx.persist({ key: 'stream' })).sum };
          } catch (error) {
            refused.push(error);
          }
        },
        on: { stopping: async (_state, ctx) => void (await ctx.persist({ key: 'stopping' })) },
      }),
    );
    actor.push({});
    await until(() => engine.events('ledger').length === 3 && refused.length === 1);
    for await (const { value } of actor.count({})) expect.fail(String(value));
    await system.stop(actor);
    for (const error of refused)
      expect(error).to.be.instanceOf(ConfigError).with.property('message').that.includes('ctx.pipe');
    expect(refused).to.have.length(2);
    const again = system.spawn(ledger());
    await again.work({ value: 0 });
    expect(engine.events('ledger')).to.have.length(4);
  });

  it('may not persist through a context from before its stop', async () => {
    const engine = new TestEngine();
    const { system } = persistentSystem(engine);
    const gate = new Deferred<void>();
    const [begun, ended] = [new Deferred<void>(), new Deferred<unknown>()];
    const actor = system.spawn(
      ledger({
        push: async (_state, { value }, ctx) => {
          begun.resolve();
          await gate.promise;
          try {
            await ctx.persist({ id: value });
          } catch (error) {
            ended.resolve(error);
          }
        },
      }),
    );
    await actor.work({ value: 1 });
    actor.push({ value: 2 });
    await begun.promise;
    // Its handler is abandoned after stopTimeoutMs.
    await system.stop(actor);
    const next = system.spawn(ledger());
    gate.resolve();
    expect(await ended.promise)
      .to.be.instanceOf(StoppedError)
      .with.property('message')
      .that.includes('before its stop');
    expect(await next.work({ value: 4 })).to.deep.equal({ value: 5 });
  });

  it('is tested alone like any other behavior', async () => {
    const test = await testBehavior(ledger({ engine: new MemoryEngine() }));
    expect(await test.handle('work', { value: 5 })).to.deep.equal({ value: 5 });
    expect(test.state.state).to.deep.equal({ sum: 5, keys: ['worked 5'] });
    await test.stop();
  });

  it('shows in a test what changes its state in place', async () => {
    const keysOf = ({ keys }: Ledger): string[] => keys as string[];
    const inHandler = ledger({
      engine: new MemoryEngine(),
      work: (state, { value }) => ({ value: keysOf(state).push(`${value}`) }),
    });
    expect(await rejection((await testBehavior(inHandler)).handle('work', { value: 5 }))).to.be.instanceOf(TypeError);
    const inApply = ledger({
      engine: new MemoryEngine(),
      apply: (state, { key }) => ({ ...state, sum: keysOf(state).push(key) }),
    });
    expect(await rejection((await testBehavior(inApply)).handle('work', { value: 5 }))).to.be.instanceOf(TypeError);
  });

  it('stores nothing of a call with too many events, and goes on', async () => {
    const engine = new TestEngine();
    const { system } = persistentSystem(engine);
    const opened = new Deferred<void>();
    engine.held = opened.promise;
    const many = (count: number) => Array.from({ length: count }, () => ({ id: 1 }));
    const errors: unknown[] = [];
    const actor = system.spawn(
      ledger({
        apply: ({ sum, keys }, { id }) => ({ sum: sum + id, keys }),
        work: async (_state, _message, ctx) => {
          const attempt = (count: number): Promise<unknown> => {
            try {
              return ctx.persist(...many(count));
            } catch (error) {
              errors.push(error);
              return Promise.resolve();
            }
          };
          await attempt(limits.pendingEvents + 1);
          const first = attempt(limits.pendingEvents - 1);
          await someTurns();
          await attempt(2);
          const last = attempt(1);
          opened.resolve();
          await Promise.all([first, last]);
          return { value: ctx.state.sum };
        },
      }),
    );
    expect(await actor.work({ value: 1 })).to.deep.equal({ value: limits.pendingEvents });
    expect(errors).to.have.length(2);
    for (const error of errors) expect(error).to.be.instanceOf(BackpressureError);
    expect(engine.events('ledger')).to.have.length(limits.pendingEvents);
    actor.push({ value: 1 });
    await until(() => engine.events('ledger').length === limits.pendingEvents + 1);
  });
});

describe('a persistent behavior whose engine fails', () => {
  afterEach(closeSystems);

  const ways: Readonly<Record<string, NonNullable<Parameters<typeof ledger>[0]>>> = {
    'awaits the event': {},
    'does not wait for the event': {
      work: (_state, { value }, ctx) => {
        if (value > 0) void ctx.persist({ id: value });
        return { value: ctx.state.sum };
      },
    },
    'catches the failure': {
      work: async (_state, { value }, ctx) => {
        if (value > 0) await ctx.persist({ id: value }).catch(() => {});
        return { value: ctx.state.sum };
      },
    },
    'has resume as its supervision': { supervision: 'resume' },
    'has a function as its supervision': { supervision: { onFailure: () => 'resume' } },
  };
  for (const [way, definition] of Object.entries(ways)) {
    it(`fails its caller, and begins again with what is stored, when it ${way}`, async () => {
      const engine = new TestEngine();
      const { system } = persistentSystem(engine);
      const actor = system.spawn(ledger(definition));
      await actor.work({ value: 1 });
      engine.failures = [new Error('the disk is full')];
      const [error, next] = await Promise.all([failureOf(actor.work({ value: 2 })), actor.work({ value: 4 })]);
      expect(error.cause).to.be.instanceOf(PersistenceError).with.property('message').that.includes('was not stored');
      expect(next).to.be.an('object');
      expect(await actor.work({ value: 0 })).to.deep.equal({ value: 5 });
      expect(engine.reads).to.deep.equal([0, 0]);
      expect(engine.events('ledger')).to.have.length(2);
    });
  }

  it('gives up when the failures go on, and its callers are told', async () => {
    const engine = new TestEngine();
    const { system, log } = persistentSystem(engine);
    const actor = system.spawn(ledger({ supervision: { maxRestarts: 2 } }));
    engine.failures = Array.from({ length: 9 }, () => new Error('the disk is full'));
    for (let tries = 0; tries < 3; tries++)
      expect(await failureOf(actor.work({ value: 1 }))).to.include({ code: 'HANDLER' });
    expect(await rejection(actor.work({ value: 1 }))).to.be.instanceOf(StoppedError);
    expect(log.at(-1)?.level).to.equal('error');
    expect(engine.events('ledger')).to.deep.equal([]);
  });

  it('refuses the writes of an actor that does not know the last event of its id', async () => {
    const engine = new TestEngine();
    const [one, two] = [persistentSystem(engine), persistentSystem(engine)].map(({ system }) => system.spawn(ledger()));
    if (one === undefined || two === undefined) throw new Error('two actors');
    await two.work({ value: 0 });
    expect(await one.work({ value: 1 })).to.deep.equal({ value: 1 });
    const { cause } = await failureOf(two.work({ value: 2 }));
    expect(cause)
      .to.be.instanceOf(PersistenceError)
      .with.property('message')
      .that.includes('another actor may use this key');
    expect(await two.work({ value: 4 })).to.deep.equal({ value: 5 });
    await failureOf(one.work({ value: 8 }));
    expect(await one.work({ value: 0 })).to.deep.equal({ value: 5 });
  });
});
