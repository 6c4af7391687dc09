import { expect } from 'chai';
import { Deferred } from '#src/deferred.js';
import { persistent } from '#src/actors/persistence/index.js';
import { numbersBelow, silentAfter } from '../../support/sources.js';
import { rejection } from '../../support/rejection.js';
import { someTurns, until } from '../../support/until.js';
import { closeSystems } from '../kernel/harness.js';
import { Loading } from '../kernel/shop.js';
import { Row } from '../runtime/row.js';
import { persistentSystem, TestEngine } from './ledger.js';

/** Adds up what is loaded, each as an event that its handler does not wait for. `seen`: at each ask, the state and the sum of all events. */
function scale(seen: (readonly [state: number, made: number])[] = []) {
  let made = 0;
  return persistent(Loading, {
    id: 'scale',
    events: Row,
    state: () => ({ sum: 0 }),
    apply: ({ sum }, { id }) => ({ sum: sum + id }),
    push: () => {},
    work: (state) => {
      seen.push([state.sum, made]);
      return { value: state.sum };
    },
    load: async (_state, requests, ctx) => {
      for await (const { value } of requests) {
        made += value;
        void ctx.persist({ id: value });
      }
      return { value: ctx.state.sum };
    },
    async *chat(_state, requests) {
      yield* requests;
    },
  });
}

describe('a persistent actor that reads a stream of requests', () => {
  afterEach(closeSystems);

  it('stores an event of each, and the next actor of its id has them', async () => {
    const engine = new TestEngine();
    const { system } = persistentSystem(engine);
    const ref = system.spawn(scale());
    await ref.load(numbersBelow(5));
    expect(await ref.work({})).to.deep.equal({ value: 10 });
    await system.stop(ref);
    expect(await persistentSystem(engine).system.spawn(scale()).work({})).to.deep.equal({ value: 10 });
  });

  it('has stored what it has made of one before it handles another message', async () => {
    const engine = new TestEngine();
    const { system } = persistentSystem(engine);
    const seen: (readonly [number, number])[] = [];
    const ref = system.spawn(scale(seen));
    const gate = new Deferred<void>();
    engine.held = gate.promise;
    const source = silentAfter(4);
    const loaded = rejection(ref.load(source.numbers, { timeoutMs: 600_000 }));
    await until(() => engine.writes.length === 1);
    const work = ref.work({}, { timeoutMs: 600_000 });
    await someTurns();
    gate.resolve();
    await work;
    await until(() => engine.events('scale').length === 4);
    await ref.work({});
    for (const [state, made] of seen) expect(state).to.equal(made);
    expect(seen.at(-1)).to.deep.equal([6, 6]);
    await system.stop(ref);
    await loaded;
  });
});
