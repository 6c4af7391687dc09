import { expect } from 'chai';
import { behavior, later } from '#src/actors/kernel/index.js';
import { HandlerError, Refusal } from '#src/errors.js';
import { readAll } from '../../support/read-all.js';
import { rejection } from '../../support/rejection.js';
import { Errands } from '../transport/errands.js';
import { endWorlds, errands, PartitionWorld } from '../transport/partitions.js';
import { closeSystems, testSystem, worker } from './harness.js';
import { Counting, Resting } from './shop.js';

/** What a handler in plain JavaScript may return, and what the error shows of it. */
const WRONG: readonly (readonly [value: unknown, shown: string])[] = [
  [undefined, 'undefined. Return the reply'],
  [null, 'null'],
  ['text', 'text'],
  [42, '42'],
  [[1], '['],
  [new RangeError('no'), 'Throw what is an error'],
  [new Refusal('NO', 'no'), 'Throw what is an error'],
];

const untyped = (value: unknown): never => value as never;

describe('a reply that is no message', () => {
  afterEach(closeSystems);
  afterEach(endWorlds);

  it('fails the ask of its caller, and costs the actor nothing', async () => {
    const { system } = testSystem();
    for (const [value, shown] of WRONG) {
      for (const reply of [() => value, async () => value, () => later(Promise.resolve(value))]) {
        const ref = system.spawn(
          worker({ work: (_state, request) => (request.value === 7 ? request : untyped(reply())) }),
        );
        const error = await rejection(ref.work({}));
        expect(error).to.be.instanceOf(HandlerError);
        expect(String(error)).to.include('test.Worker').and.include(shown);
        expect(await ref.work({ value: 7 })).to.deep.equal({ value: 7 });
      }
    }
  });

  it('fails the ask of a caller over a link', async () => {
    const world = new PartitionWorld();
    const [near, far] = [await world.start('a/1'), await world.start('b/1')];
    for (const [value, shown] of WRONG) {
      const ref = world.reach(near, Errands, far.system.spawn(errands({ run: () => untyped(value) })));
      const error = await rejection(ref.run({}));
      expect(error).to.be.instanceOf(HandlerError);
      expect(String(error)).to.include(shown);
    }
  });

  it('fails the reader of a stream, after the elements before it', async () => {
    const { system } = testSystem();
    for (const [value, shown] of WRONG) {
      const ref = system.spawn(
        behavior(Counting, {
          push: () => {},
          work: (_state, request) => request,
          count: async function* () {
            yield { value: 1 };
            yield untyped(value);
          },
        }),
      );
      const { values, error } = await readAll(ref.count({}));
      expect(values).to.deep.equal([1]);
      expect(error).to.be.instanceOf(HandlerError);
      expect(String(error)).to.include(shown);
    }
  });

  it('may be left out where a reply has no fields', async () => {
    const { system } = testSystem();
    const ref = system.spawn(behavior(Resting, { rest: () => untyped(undefined) }));
    expect(await ref.rest({})).to.deep.equal({});
  });
});
