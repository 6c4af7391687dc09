import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import { type Context, later, untypedBehavior, type UntypedDefinition } from '#src/actors/kernel/index.js';
import { HandlerError, MillraceError, StoppedError } from '#src/errors.js';
import { isError, messageOf } from '#src/foreign.js';
import { readAll } from '../../support/read-all.js';
import { rejection } from '../../support/rejection.js';
import { until } from '../../support/until.js';
import { closeSystems, testSystem } from './harness.js';
import { Counting } from './shop.js';

/** Evaluated in another realm, whose Promise and Error are not those of the tests. */
function elsewhere(code: string): unknown {
  return runInNewContext(code);
}

function start(definition: UntypedDefinition) {
  const { system } = testSystem();
  const plain = { push: () => {}, work: () => ({}), count: () => [] };
  return { system, ref: system.spawn(untypedBehavior(Counting, { ...plain, ...definition })) };
}

/** Has `then`, and is no promise. */
function thenable(settle: (resolve: (value: unknown) => void, reject: (error: unknown) => void) => void): object {
  // oxlint-disable-next-line unicorn/no-thenable -- what these tests are about.
  return { then: settle };
}

class Sly extends Promise<unknown> {
  // oxlint-disable-next-line unicorn/no-thenable -- what these tests are about.
  override then(): never {
    throw new Error('no then');
  }
}

/** What handlers may throw or reject with that cannot be looked at like an Error. */
/** An object one property of which throws when it is read. */
function getter(name: string, on: object = {}): object {
  return Object.defineProperty(on, name, { get: () => fail('get') });
}

const HOSTILE: Readonly<Record<string, () => unknown>> = {
  'an object without a prototype': () => Reflect.apply(Object.create, undefined, [null]) as unknown,
  'the groups of a match': () => /(?<name>.*)/.exec('x')?.groups,
  'an object whose toString throws': () => ({ toString: (): never => fail('toString') }),
  'an error whose message throws': () => getter('message', new Error('x')),
  'an error whose name is no string': () => Object.assign(new Error('x'), { name: Symbol('name') }),
  'an error whose code throws': () => getter('code', new Error('x')),
  'a proxy whose traps throw': () =>
    new Proxy(new Error('x'), { get: () => fail('get'), getPrototypeOf: () => fail('p') }),
  'a proxy that was revoked': () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  },
  undefined: () => undefined,
  null: () => null,
  'a symbol': () => Symbol('x'),
  'a function': () => () => {},
};

function fail(what: string): never {
  throw new Error(`${what} was called`);
}

describe('what user code gives', () => {
  afterEach(closeSystems);

  for (const [name, make] of Object.entries(HOSTILE)) {
    it(`may be ${name}, thrown or rejected with: the asker gets a HandlerError, and the actor goes on`, async () => {
      const { ref } = start({
        work: (_state: unknown, { value }: { value: number }) => {
          // oxlint-disable-next-line typescript/only-throw-error, typescript/prefer-promise-reject-errors -- what this test is about.
          if (value === 1) throw make();
          // oxlint-disable-next-line typescript/only-throw-error, typescript/prefer-promise-reject-errors -- what this test is about.
          if (value === 2) return Promise.reject(make());
          // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- what this test is about.
          return value === 3 ? later(Promise.reject(make())) : { value };
        },
      });
      for (const value of [1, 2, 3]) expect(await rejection(ref.work({ value }))).to.be.instanceOf(HandlerError);
      expect(await ref.work({ value: 4 })).to.deep.equal({ value: 4 });
    });
  }

  for (const [name, make] of Object.entries(HOSTILE)) {
    it(`may be ${name}, thrown by a tell, a timer, a hook, a stream or the supervision`, async () => {
      const thrown: string[] = [];
      const bad = (where: string): never => {
        thrown.push(where);
        // oxlint-disable-next-line typescript/only-throw-error -- what this test is about.
        throw make();
      };
      const { system, ref } = start({
        on: { started: () => void (thrown.length === 0 && bad('hook')) },
        push: (_state: unknown, { value }: { value: number }, ctx: Context) =>
          value === 1 ? bad('tell') : ctx.after(1, () => bad('timer')),
        work: (_state: unknown, { value }: { value: number }) => ({ value }),
        // oxlint-disable-next-line require-yield -- it throws first.
        count: async function* () {
          bad('stream');
        },
        supervision: {
          onFailure: () => (thrown.length < 5 ? 'resume' : bad('supervision')),
        },
      });
      ref.push({ value: 1 });
      ref.push({ value: 2 });
      await until(() => thrown.includes('timer'));
      expect((await readAll(ref.count({}))).error).to.be.instanceOf(HandlerError);
      expect(await ref.work({ value: 4 })).to.deep.equal({ value: 4 });
      ref.push({ value: 1 });
      await until(() => system.statistics.actors === 0);
      expect(thrown).to.deep.equal(['hook', 'tell', 'timer', 'stream', 'tell', 'supervision']);
    });
  }

  it('may be a thenable, a foreign promise or a promise that cannot be waited for', async () => {
    const given = [
      thenable((resolve) => resolve({ value: 1 })),
      elsewhere('Promise.resolve({ value: 1 })'),
      elsewhere('(async () => ({ value: 1 }))()'),
      later(elsewhere('Promise.resolve({ value: 1 })') as Promise<object>),
      Object.assign(
        () => {},
        thenable((resolve) => resolve({ value: 1 })),
      ),
    ];
    const failing = [
      () => thenable((_resolve, reject) => reject(new Error('rejected'))),
      () => thenable(() => fail('then')),
      () => elsewhere("Promise.reject(new Error('foreign'))"),
      () => new Sly(() => {}),
      () => getter('then'),
    ];
    const all = [...given.map((each) => () => each), ...failing];
    const { ref } = start({ work: (_state: unknown, { value }: { value: number }) => all[value]?.() });
    for (const index of given.keys())
      expect(await ref.work({ value: index }), String(index)).to.deep.equal({ value: 1 });
    for (const index of failing.keys()) {
      expect(await rejection(ref.work({ value: given.length + index }))).to.be.instanceOf(HandlerError);
    }
  });

  it('may be waited for by hooks and streams, too', async () => {
    const steps = [
      { value: { value: 5 } },
      { value: later(elsewhere('Promise.resolve({ value: 6 })') as Promise<object>) },
    ];
    const seen: string[] = [];
    const soon = elsewhere('(work) => Promise.resolve().then(work)') as (work: () => void) => Promise<void>;
    const { ref } = start({
      count: () => ({
        [Symbol.asyncIterator]: () => ({
          next: () => thenable((resolve) => resolve(steps.shift() ?? { done: true })),
        }),
      }),
      on: { started: () => soon(() => void seen.push('started')) },
      work: () => ({ value: seen.push('worked') }),
    });
    expect(await ref.work({})).to.deep.equal({ value: 2 });
    expect(await readAll(ref.count({}))).to.deep.equal({ values: [5, 6] });
  });

  it('keeps message and code of an error of another realm', async () => {
    const { ref } = start({
      work: () => {
        throw elsewhere("Object.assign(new RangeError('too far'), { code: 'FAR' })");
      },
    });
    expect(await rejection(ref.work({}))).to.include({ message: 'too far', handlerCode: 'FAR' });
  });

  it('fails an actor for good as well, which says what it can', async () => {
    const { ref, system } = start({
      supervision: 'stop',
      push: () => {
        // oxlint-disable-next-line typescript/only-throw-error -- what this test is about.
        throw { reason: 'no money' };
      },
    });
    const failures: string[] = [];
    system.failures.subscribe(({ error }) => failures.push(error.message));
    ref.push({});
    await until(() => failures.length === 1);
    expect(failures[0]).to.contain("{ reason: 'no money' }");
  });
});

describe('errors', () => {
  it('have names that a minifier leaves alone, and are told apart by brand and code', () => {
    const error = new StoppedError('x');
    expect(error).to.include({ name: 'StoppedError', code: 'STOPPED' });
    expect(Object.keys(error)).to.not.include('name');
    expect(error.stack).to.match(/^StoppedError: x/);
    expect({ code: 'STOPPED' }).to.not.be.instanceOf(StoppedError);
    expect(new HandlerError('x', { handlerCode: 'STOPPED' })).to.not.be.instanceOf(StoppedError);
    expect(new StoppedError('x')).to.be.instanceOf(MillraceError);
    for (const value of [undefined, null, 1, 'STOPPED', () => {}]) expect(value).to.not.be.instanceOf(MillraceError);
  });

  it('of another realm are errors', () => {
    expect(isError(elsewhere("new TypeError('x')"))).to.equal(true);
    expect(messageOf(elsewhere("new TypeError('x')"))).to.equal('x');
    expect(isError({ message: 'x' })).to.equal(false);
  });
});
