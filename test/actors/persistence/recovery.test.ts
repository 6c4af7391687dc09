import { expect } from 'chai';
import { configurePersistence, MemoryEngine, persistent, type SnapshotCodec } from '#src/actors/persistence/index.js';
import { ConfigError, type MillraceError, PersistenceError, StoppedError } from '#src/errors.js';
import { rejection } from '../../support/rejection.js';
import { until } from '../../support/until.js';
import { closeSystems, testSystem, worker } from '../kernel/harness.js';
import { Counting } from '../kernel/shop.js';
import { Row } from '../runtime/row.js';
import { failureOf, type Ledger, ledger, persistentSystem, TestEngine } from './ledger.js';

/** A ledger as one text. */
const ledgerCodec: SnapshotCodec<Ledger> = {
  encode: ({ sum, keys }) => `${sum}:${keys.join(',')}`,
  decode: (data) => {
    const [sum = '', keys = ''] = String(data).split(':');
    return { sum: Number(sum), keys: keys.split(',') };
  },
};

describe('the recovery of a persistent behavior', () => {
  afterEach(closeSystems);

  it('begins at the latest snapshot, whose codec is given', async () => {
    const engine = new TestEngine();
    const { system } = persistentSystem(engine);
    const kept = ledger({ snapshot: ledgerCodec, snapshotEvery: 3 });
    const actor = system.spawn(kept);
    for (const value of [1, 2, 3, 4, 5, 6, 7]) await actor.work({ value });
    await system.stop(actor);
    expect((await engine.latestSnapshot('ledger'))?.data).to.equal(
      '21:worked 1,worked 2,worked 3,worked 4,worked 5,worked 6',
    );
    const again = system.spawn(kept);
    expect(await again.work({ value: 0 })).to.deep.equal({ value: 28 });
    expect(engine.reads).to.deep.equal([0, 6]);
    const without = persistentSystem(engine).system.spawn(ledger());
    expect(await without.work({ value: 0 })).to.deep.equal({ value: 28 });
    expect(engine.reads).to.deep.equal([0, 6, 0]);
  });

  it('reads a state that is a message by its type', async () => {
    const engine = new TestEngine();
    const { system } = persistentSystem(engine);
    const keeper = persistent(Counting, {
      id: 'row',
      events: Row,
      state: () => Row.create(),
      apply: (_row, event) => event,
      snapshot: Row,
      snapshotEvery: 2,
      push: () => {},
      work: async ({ id }, { value }, ctx) => ({
        value: value === 0 ? id : (await ctx.persist({ id: value, key: `${value}` })).id,
      }),
      async *count() {},
    });
    const actor = system.spawn(keeper);
    await actor.work({ value: 7 });
    await actor.work({ value: 8 });
    await system.stop(actor);
    expect((await engine.latestSnapshot('row'))?.data).to.deep.equal({ type: 'test.Row', bytes: 'CAgSATg=' });
    expect(await system.spawn(keeper).work({ value: 0 })).to.deep.equal({ value: 8 });
    expect(engine.reads).to.deep.equal([0, 2]);
  });

  const damages: Readonly<Record<string, unknown>> = {
    'is a message of type shop.Other': { type: 'shop.Other', bytes: '' },
    'its bytes are damaged': { type: 'test.Row', bytes: 'no base64!' },
    'cannot be decoded': { type: 'test.Row', bytes: '//8=' },
    'is no stored protobuf message': 'a text',
  };
  for (const [why, data] of Object.entries(damages)) {
    it(`fails with the number of the event that it cannot read: ${why}`, async () => {
      const engine = new TestEngine();
      const { system, log } = persistentSystem(engine);
      const actor = system.spawn(ledger());
      for (const value of [1, 2, 3]) await actor.work({ value });
      await system.stop(actor);
      engine.damage = (event) => (event.sequenceNumber === 2 ? { ...event, data } : event);
      const failures: MillraceError[] = [];
      system.failures.subscribe(({ error }) => void failures.push(error as MillraceError));
      const again = system.spawn(ledger({ supervision: { maxRestarts: 1 } }));
      expect(await rejection(again.work({ value: 0 }))).to.be.instanceOf(StoppedError);
      await until(() => failures.length === 1);
      expect(failures[0]).to.be.instanceOf(PersistenceError).and.to.include({ key: 'ledger', sequenceNumber: 2 });
      expect(failures[0]?.message).to.include('event 2 of ledger cannot be decoded').and.to.include(why);
      expect(log.filter(({ message }) => message.startsWith('actor failed')).map(({ level }) => level)).to.deep.equal([
        'warn',
        'error',
      ]);
      expect(engine.writes).to.have.length(3);
    });
  }

  it('fails on an event that cannot be applied, and tries again', async () => {
    const engine = new TestEngine();
    const { system } = persistentSystem(engine);
    await system.spawn(ledger()).work({ value: 1 });
    let isBroken = true;
    const again = persistentSystem(engine).system.spawn(
      ledger({
        apply: ({ sum, keys }, { id, key }) => {
          if (isBroken) throw new RangeError('broken');
          return { sum: sum + id, keys: [...keys, key] };
        },
      }),
    );
    const reply = again.work({ value: 0 });
    await until(() => engine.reads.length >= 3);
    isBroken = false;
    expect(await reply).to.deep.equal({ value: 1 });
  });

  it('ends when the actor is stopped meanwhile', async () => {
    const engine = new TestEngine();
    const { system } = persistentSystem(engine);
    const stopped: unknown[] = [];
    const behavior = ledger({ on: { stopping: (state) => void stopped.push(state) } });
    const actor = system.spawn(behavior);
    const reply = rejection(actor.work({ value: 1 }));
    await system.stop(actor);
    expect(await reply).to.be.instanceOf(StoppedError);
    expect(engine.writes).to.deep.equal([]);
  });

  it('needs an engine and an id', async () => {
    const { system } = testSystem();
    expect(() => system.spawn(ledger(), { name: 'early' })).to.throw(ConfigError, 'early needs an engine');
    let inHandler: unknown;
    const parent = worker({
      work: (_state, message, ctx) => {
        try {
          ctx.spawn(ledger(), { name: 'child' });
        } catch (error) {
          inHandler = error;
        }
        return message;
      },
    });
    await system.spawn(parent).work({});
    expect(inHandler).to.be.instanceOf(ConfigError).with.property('message').that.includes('child needs an engine');
    configurePersistence(new MemoryEngine())(system);
    const nameless = system.spawn(ledger({ id: () => '', supervision: 'resume' }), { name: 'early' });
    expect((await failureOf(nameless.work({ value: 1 }))).cause).to.be.instanceOf(PersistenceError);
  });

  it('takes no args', () => {
    const { system } = persistentSystem(new MemoryEngine());
    const options: object = { args: { limit: 5 } };
    expect(() => system.spawn(ledger(), options)).to.throw(ConfigError, 'args');
  });
});
