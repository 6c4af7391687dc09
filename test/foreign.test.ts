import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import { codeOf, errorOf, hasMark, isError, isRecord, messageOf, namedMessageOf, promiseOf } from '#src/foreign.js';
import { isBehavior, nodeOf } from '#src/actors/kernel/index.js';
import { isPipeline } from '#src/actors/runtime/index.js';
import { isWorkload } from '#src/simulation/index.js';

const elsewhere = (code: string): unknown => runInNewContext(code);
const thrown = (): never => {
  throw new Error('no');
};

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

/** Values that throw when they are looked at. */
const hostile: Readonly<Record<string, () => object>> = {
  'a revoked proxy': revoked,
  'a proxy whose traps throw': () =>
    new Proxy({}, { get: thrown, has: thrown, getPrototypeOf: thrown, ownKeys: thrown }),
  'an error whose code throws': () => Object.defineProperty(new Error('x'), 'code', { get: thrown }),
  'an error whose message throws': () => Object.defineProperty(new Error('x'), 'message', { get: thrown }),
};

describe('foreign values', () => {
  it('of another realm have the message and the code of an error', () => {
    const error = elsewhere("Object.assign(new Error('ENOENT: no such file'), { code: 'ENOENT' })");
    expect(error).to.not.be.instanceOf(Error);
    expect(isError(error)).to.equal(true);
    expect(messageOf(error)).to.equal('ENOENT: no such file');
    expect(namedMessageOf(error)).to.equal('Error: ENOENT: no such file');
    expect(codeOf(error)).to.equal('ENOENT');
  });

  it('have a code only if it is the text of an error', () => {
    expect(codeOf(Object.assign(new Error('x'), { code: 'EEXIST' }))).to.equal('EEXIST');
    for (const value of [
      Object.assign(new Error('x'), { code: 17 }),
      new Error('x'),
      { code: 'EEXIST' },
      'EEXIST',
      null,
    ]) {
      expect(codeOf(value)).to.equal(undefined);
    }
  });

  it('are records if they are objects', () => {
    for (const value of [{}, [], Object.create(null), elsewhere('({})')]) expect(isRecord(value)).to.equal(true);
    for (const value of [null, undefined, 1, 'a', () => 1]) expect(isRecord(value)).to.equal(false);
  });

  for (const [what, make] of Object.entries(hostile)) {
    it(`are looked at without an error where one is ${what}`, async () => {
      const value = make();
      expect(codeOf(value)).to.equal(undefined);
      expect(messageOf(value)).to.be.a('string');
      expect(namedMessageOf(value)).to.be.a('string');
      expect(errorOf(value)).to.be.instanceOf(Error);
      await promiseOf(value)?.catch(() => undefined);
      expect(hasMark(value, Symbol.iterator)).to.equal(false);
    });

    it(`are neither a pipeline nor a behavior nor a workload nor a reference where one is ${what}`, () => {
      for (const is of [isPipeline, isBehavior, isWorkload]) expect(is(value())).to.equal(false);
      expect(nodeOf(value())).to.equal(undefined);

      function value(): object {
        return make();
      }
    });
  }
});
