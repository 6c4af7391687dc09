import { expect } from 'chai';
import { behavior, type Context } from '#src/actors/kernel/index.js';
import { ConfigError, HandlerError, ProtocolError } from '#src/errors.js';
import { rejection } from '../../support/rejection.js';
import { closeSystems, counter, testSystem, worker } from './harness.js';
import { Worker } from './shop.js';

/** Calls as JavaScript does: without the compiler. */
function call(on: unknown, name: string, ...args: readonly unknown[]): unknown {
  if (typeof on !== 'object' || on === null) throw new Error('there is no object to call');
  const method: unknown = Reflect.get(on, name);
  if (typeof method !== 'function') throw new Error(`there is no ${name}`);
  return Reflect.apply(method, on, args);
}

describe('options given in code', () => {
  afterEach(closeSystems);

  it('of an ask are refused when they have another type or name', async () => {
    const { system } = testSystem();
    const ref = system.spawn(worker());
    for (const [options, told] of [
      [{ timeoutMs: '1000' }, 'timeoutMs of an ask must be a number of milliseconds, not "1000"'],
      [{ timeoutMs: null }, 'not null'],
      [{ timeout: 5 }, 'Did you mean timeoutMs?'],
      [{ timeoutms: 5 }, 'Did you mean timeoutMs?'],
      [{ signal: {} }, 'signal of an ask must be an AbortSignal'],
      [{ meta: 'me' }, 'meta of an ask must be an object'],
      [{ windowItems: 5 }, 'no option windowItems'],
      [1_000, 'must be an object, not 1000'],
      [null, 'must be an object, not null'],
    ] as const) {
      const error = await rejection(Promise.resolve(call(ref, 'work', {}, options)));
      expect(error, told).to.be.instanceOf(ConfigError).with.property('message').that.contains(told);
    }
    expect(await ref.work({ value: 3 }, { timeoutMs: undefined, signal: undefined })).to.deep.equal({ value: 3 });
  });

  it('of a tell and of a stream are refused, too', async () => {
    const { system } = testSystem();
    const ref = system.spawn(counter());
    expect(() => call(ref, 'push', {}, { timeoutMs: 5 })).to.throw(ConfigError, 'a tell has no option timeoutMs');
    expect(() => call(ref, 'push', {}, { mata: {} })).to.throw(ConfigError, 'Did you mean meta?');
    for (const options of [{ timeoutMs: '5' }, { windowitems: 5 }, { windowItems: '5' }]) {
      const stream = call(ref, 'count', { value: 1 }, options);
      expect(await rejection(Promise.resolve(call(stream, 'next')))).to.be.instanceOf(ConfigError);
    }
  });

  it('of ctx.options() and of timers are refused in the handler', async () => {
    const { system } = testSystem();
    const attempts: ((ctx: Context) => unknown)[] = [
      (ctx) => call(ctx, 'options', { timeout: 5 }),
      (ctx) => call(ctx, 'after', '5', () => {}),
      (ctx) => call(ctx, 'after', 5, undefined),
      (ctx) => call(ctx, 'every', 5),
      (ctx) => call(ctx, 'spawn', worker(), { nam: 'child' }),
    ];
    const errors: unknown[] = [];
    const ref = system.spawn(
      worker({
        work: (_state, { value }, ctx) => {
          for (const attempt of attempts) {
            try {
              attempt(ctx);
            } catch (error) {
              errors.push(error);
            }
          }
          return { value };
        },
      }),
    );
    await ref.work({});
    expect(errors).to.have.length(attempts.length);
    for (const error of errors) expect(error).to.be.instanceOf(ConfigError);
  });

  it('in place of a reference or a function are refused in the handler, and the actor restarts and stops as usual', async () => {
    const { system } = testSystem();
    const watched = system.spawn(counter());
    const notReferences = [watched.toRef(), {}, 'a text', undefined, null, 5];
    const attempts = [
      ...notReferences.flatMap((value) => [
        (ctx: Context) => call(ctx, 'watch', value),
        (ctx: Context) => call(ctx, 'unwatch', value),
        (ctx: Context) => call(ctx, 'stopChild', value),
      ]),
      (ctx: Context) => call(ctx, 'pipe', Promise.resolve()),
      (ctx: Context) => call(ctx, 'pipe', Promise.resolve(), 'then'),
      (ctx: Context) => call(ctx, 'ref', undefined, watched.toRef()),
    ];
    const trying = worker({
      supervision: { onFailure: 'restart' },
      on: { terminated: () => {} },
      work: async (_state, { value }, ctx) => {
        await attempts[value]?.(ctx);
        return { value };
      },
    });
    for (const value of attempts.keys()) {
      const ref = system.spawn(trying);
      const error = await rejection(ref.work({ value }));
      expect(error).to.be.instanceOf(HandlerError).with.property('cause').that.is.instanceOf(ConfigError);
      expect(await ref.work({ value: attempts.length })).to.deep.equal({ value: attempts.length });
      await system.stop(ref);
    }
  });

  it('of spawn are refused, as is what is no behavior', () => {
    const { system } = testSystem();
    for (const [args, told] of [
      [[worker(), { nam: 'x' }], 'Did you mean name?'],
      [[worker(), { name: 5 }], 'name of spawn must be a text of whole characters, not 5'],
      [[worker(), { name: '\ud800' }], 'name of spawn must be a text of whole characters'],
      [[worker(), { cUid: 7 }], 'cUid of spawn must be a bigint, not 7'],
      [[Worker], 'spawn needs a behavior'],
      [[], 'spawn needs a behavior'],
    ] as const) {
      expect(() => call(system, 'spawn', ...args), told).to.throw(ConfigError, told);
    }
    expect(system.statistics.actors).to.equal(0);
  });

  it('of a behavior are refused when they have another type or name', () => {
    const handlers = { push: () => {}, work: () => ({}) };
    for (const [definition, told] of [
      [{ ...handlers, on: { start() {} } }, 'Did you mean started?'],
      [{ ...handlers, on: { started: 5 } }, 'started of on of the behavior'],
      [{ ...handlers, mailbox: { capcity: 5 } }, 'Did you mean capacity?'],
      [{ ...handlers, mailbox: { capacity: '5' } }, 'must be a number, not "5"'],
      [{ ...handlers, state: {} }, 'state of the behavior of'],
      [{ ...handlers, on: { idle() {} }, idleTimeoutMs: '5' }, 'must be a number of milliseconds, not "5"'],
      [{ ...handlers, supervision: { onFailur: 'stop' } }, 'Did you mean onFailure?'],
      [{ ...handlers, supervision: { maxRestarts: '3' } }, 'must be a number, not "3"'],
      [{ ...handlers, supervision: { backoff: { minMs: 1, max: 5 } } }, 'Did you mean maxMs?'],
      [{ ...handlers, supervison: 'stop' }, 'Did you mean supervision?'],
      [{ ...handlers, mailBox: {} }, 'Did you mean mailbox?'],
      [{ push: () => {}, wrok: () => ({}) }, 'Did you mean work?'],
      [{ ...handlers, somethingElse: 5 }, 'which is no rpc and no option. Its rpcs are push, work'],
      [undefined, 'needs its handlers'],
    ] as const) {
      const make = (): unknown => call({ behavior }, 'behavior', Worker, definition);
      expect(make, told).to.throw(ConfigError, told);
    }
    expect(() => call({ behavior }, 'behavior', undefined, handlers)).to.throw(ConfigError, 'needs a service');
  });

  it('are apart from the message, which must be an object', async () => {
    const { system } = testSystem();
    const ref = system.spawn(counter());
    for (const message of [null, 5, 'ACME', true]) {
      expect(() => call(ref, 'push', message)).to.throw(ProtocolError, 'needs a message');
      expect(await rejection(Promise.resolve(call(ref, 'work', message)))).to.be.instanceOf(ProtocolError);
      const stream = call(ref, 'count', message);
      expect(await rejection(Promise.resolve(call(stream, 'next')))).to.be.instanceOf(ProtocolError);
    }
  });
});
