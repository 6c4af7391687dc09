import { expect } from 'chai';
import { behavior, deferred, later } from '#src/actors/kernel/index.js';
import { HandlerError, Refusal } from '#src/errors.js';
import { readAll } from '../../support/read-all.js';
import { rejection } from '../../support/rejection.js';
import { closeSystems, counter, testSystem, worker } from './harness.js';
import { Resting } from './shop.js';

type Reply = { readonly value: number };
type Given = Reply | Promise<Reply> | ReturnType<typeof later<Reply>>;

/** Passes a value where the compiler would refuse it, as JavaScript does. */
const untyped = (value: unknown): Reply => value as Reply;

/** What is no message, and what the error says of it. */
const NO_MESSAGES: readonly (readonly [unknown, RegExp])[] = [
  [undefined, /nothing, and test\.Number has fields/],
  [null, /null, which is no message/],
  ['text', /"text", which is no message/],
  [42, /42, which is no message/],
  [5n, /5n, which is no message/],
  [true, /true, which is no message/],
  [[1], /\[ 1 \], which is no message/],
  [new Map([['value', 1]]), /Map\(1\) .*, which is no message/],
  [new Set([1]), /Set\(1\) .*, which is no message/],
  [new Date(0), /1970.*, which is no message/],
  [() => 5, /which is no message/],
  [new TypeError('wrong'), /an error, where it should throw it: TypeError: wrong/],
  [new Refusal('NONE', 'no such'), /the Refusal NONE: throw it/],
];

function expectRefused(error: unknown, method: string, text: RegExp): void {
  expect(error).to.be.instanceOf(HandlerError).and.include({ handlerName: 'ProtocolError', handlerCode: 'PROTOCOL' });
  expect((error as Error).message)
    .to.include(`the handler of ${method} `)
    .and.match(text);
}

describe('a reply that is no message', () => {
  afterEach(closeSystems);

  const ways: Readonly<Record<string, (value: unknown) => Given>> = {
    'returned at once': untyped,
    'of a promise': (value) => Promise.resolve(untyped(value)),
    'of later()': (value) => later(Promise.resolve(untyped(value))),
    'of later() in a promise': (value) => untyped(Promise.resolve(later(Promise.resolve(value)))),
    'of deferred()': (value) => {
      const reply = deferred<Reply>();
      reply.resolve(untyped(value));
      return reply;
    },
  };
  for (const [way, wrap] of Object.entries(ways)) {
    it(`${way} fails its ask, and the actor goes on`, async () => {
      const { system, log } = testSystem();
      let given: unknown;
      let starts = 0;
      const ref = system.spawn(worker({ state: () => ++starts, work: () => wrap(given) }));
      for (const [value, text] of NO_MESSAGES) {
        given = value;
        expectRefused(await rejection(ref.work({})), 'test.Worker.Work', text);
      }
      given = { value: 7 };
      expect(await ref.work({})).to.deep.equal({ value: 7 });
      given = {};
      expect(await ref.work({})).to.deep.equal({ value: 0 });
      expect(starts).to.equal(1);
      expect(system.statistics.failures).to.equal(NO_MESSAGES.length);
      expect(JSON.stringify(log)).to.include('test.Worker.Work');
    });
  }

  it('is supervised as a failure of its ask: a directive holds for it', async () => {
    const { system } = testSystem();
    let starts = 0;
    const ref = system.spawn(worker({ supervision: 'restart', state: () => ++starts, work: () => untyped('text') }));
    expectRefused(await rejection(ref.work({})), 'test.Worker.Work', /"text"/);
    expectRefused(await rejection(ref.work({})), 'test.Worker.Work', /"text"/);
    expect(starts).to.equal(2);
  });

  it('does not concern a response without fields, for which a handler returns nothing', async () => {
    const { system } = testSystem();
    const given: unknown[] = [undefined, {}, new Refusal('NONE', 'no such')];
    const ref = system.spawn(behavior(Resting, { rest: () => given.shift() as object }));
    expect(await ref.rest({})).to.deep.equal({});
    expect(await ref.rest({})).to.deep.equal({});
    expectRefused(await rejection(ref.rest({})), 'test.Resting.Rest', /the Refusal NONE: throw it/);
  });
});

describe('an element that is no message', () => {
  afterEach(closeSystems);

  for (const isLater of [false, true]) {
    it(`fails its stream after the elements before it${isLater ? ', also where it was deferred' : ''}`, async () => {
      const { system } = testSystem();
      let given: unknown;
      let closed = 0;
      const ref = system.spawn(
        counter({
          count: async function* () {
            try {
              yield { value: 1 };
              yield isLater ? later(Promise.resolve(untyped(given))) : untyped(given);
              yield { value: 2 };
            } finally {
              closed++;
            }
          },
        }),
      );
      for (const [value, text] of NO_MESSAGES) {
        given = value;
        const { values, error } = await readAll(ref.count({}));
        expect(values).to.deep.equal([1]);
        const expected = value === undefined ? /yielded nothing, and test\.Number has fields/ : text;
        expectRefused(error, 'test.Counting.Count', expected);
      }
      given = { value: 5 };
      expect(await readAll(ref.count({}))).to.deep.equal({ values: [1, 5, 2] });
      expect(closed).to.equal(NO_MESSAGES.length + 1);
    });
  }
});
