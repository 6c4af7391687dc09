import { expect } from 'chai';
import {
  configurePersistence,
  type InferMsgFromPersistentQuery,
  type InferStateFromPersistentQuery,
  persistentQuery,
  type PersistentQueryFunc,
  spawnStateless,
  stop,
} from '#src/actors/nact/index.js';
import { ConfigError, HandlerError, PersistenceError, StoppedError } from '#src/errors.js';
import { Deferred } from '#src/deferred.js';
import { rejection } from '../../support/rejection.js';
import { until } from '../../support/until.js';
import { closeSystems, type TestSystem, testSystem } from '../kernel/harness.js';
import { eventOf, eventsOf, snapshotOf } from '../persistence/engines.js';
import { TestEngine } from '../persistence/ledger.js';

const join: PersistentQueryFunc<string, string> = (state: string, word: string) => `${state}${word}`;
const stateOfJoin: InferStateFromPersistentQuery<typeof join> = '';
const word: InferMsgFromPersistentQuery<typeof join> = 'a';

describe('persistentQuery of millrace/nact', () => {
  afterEach(closeSystems);

  async function systemWith(...words: string[]): Promise<TestSystem & { readonly engine: TestEngine }> {
    const engine = new TestEngine();
    await engine.persistAll(eventsOf('words', ...words));
    const made = testSystem();
    configurePersistence(engine)(made.system);
    return { ...made, engine };
  }

  it('makes a state of the events of a key, and reads only new ones the next time', async () => {
    const { system, engine } = await systemWith(word, 'b', 'c');
    const query = persistentQuery(system, join, 'words', { initialState: stateOfJoin });
    expect(await query()).to.equal('abc');
    await engine.persist(eventOf('words', 4, 'd'));
    expect(await query()).to.equal('abcd');
    expect(engine.reads).to.deep.equal([0, 3]);
    expect(await persistentQuery(system, join, 'none')()).to.equal(undefined);
  });

  it('passes over deleted events, decodes the others, and waits for promises of the function', async () => {
    const { system, engine } = await systemWith('a');
    await engine.persist(eventOf('words', 2, 'b', true));
    await engine.persist(eventOf('words', 3, 'c'));
    const query = persistentQuery(system, async (state: string, each: string) => `${state}${each}`, 'words', {
      initialState: '',
      decoder: (data) => `<${String(data)}>`,
    });
    expect(await query()).to.equal('<a><c>');
  });

  it('shares one promise among calls that overlap', async () => {
    const { system } = await systemWith('a');
    const gate = new Deferred<string>();
    const query = persistentQuery(system, () => gate.promise, 'words');
    const first = query();
    expect(query()).to.equal(first);
    gate.resolve('done');
    expect(await first).to.equal('done');
    expect(query()).not.to.equal(first);
  });

  it('begins at its own snapshot, and takes one when enough events have come', async () => {
    const { system, engine } = await systemWith('a', 'b', 'c', 'd');
    await engine.takeSnapshot(snapshotOf('snapshots', 2, 'AB'));
    const options = { snapshotKey: 'snapshots', snapshotEvery: 2 };
    expect(await persistentQuery(system, join, 'words', options)()).to.equal('ABcd');
    await until(() => engine.reads.length === 1);
    expect(engine.reads).to.deep.equal([2]);
    const latest = await engine.latestSnapshot('snapshots');
    expect(latest).to.include({ data: 'ABcd', sequenceNumber: 4, key: 'snapshots' });
  });

  it('forgets its state after cacheDuration without a call', async () => {
    const { system, engine, scheduler } = await systemWith('a', 'b');
    const query = persistentQuery(system, join, 'words', { initialState: '', cacheDuration: 100 });
    const pause = (ms: number): Promise<void> => new Promise((resolve) => void scheduler.setTimer(ms, resolve));
    await query();
    await pause(60);
    await query();
    await pause(60);
    await query();
    await pause(101);
    expect(await query()).to.equal('ab');
    expect(engine.reads).to.deep.equal([0, 2, 2, 0]);
    const long = persistentQuery(system, join, 'words', { cacheDuration: Number.MAX_SAFE_INTEGER, initialState: '' });
    expect(await long()).to.equal('ab');
  });

  it('rejects when events cannot be read or the function throws, and reads all again the next time', async () => {
    const { system, engine } = await systemWith('a', 'b');
    let fails = true;
    const query = persistentQuery(
      system,
      (state: string, each: string) => {
        if (fails && each === 'b') throw new RangeError('no b');
        return state + each;
      },
      'words',
      { initialState: '' },
    );
    const error = await rejection(query());
    expect(error).to.be.instanceOf(HandlerError).with.property('message').that.includes('failed on event 2: no b');
    fails = false;
    engine.damage = () => {
      throw new Error('the disk is broken');
    };
    expect(await rejection(query())).to.be.instanceOf(PersistenceError);
    engine.damage = (event) => event;
    expect(await query()).to.equal('ab');
  });

  it('ends with its parent, also while it reads', async () => {
    const { system } = await systemWith('a', 'b');
    const gate = new Deferred<string>();
    const seen: unknown[] = [];
    const parent = spawnStateless(system, () => {}, 'parent');
    const read = (_state: unknown, each: string): Promise<string> => (seen.push(each), gate.promise);
    const query = persistentQuery(parent, read, 'words');
    const pending = rejection(query());
    await until(() => seen.length === 1);
    stop(parent);
    gate.resolve('done');
    expect(await pending).to.be.instanceOf(StoppedError);
    await until(() => system.statistics.actors === 0);
    expect(await rejection(query())).to.be.instanceOf(StoppedError);
    expect(seen).to.deep.equal(['a']);
  });

  it('refuses a wrong key, function, interval or time, and needs an engine', async () => {
    const { system } = await systemWith('a');
    const make =
      (...given: unknown[]) =>
      () =>
        (persistentQuery as (...given: unknown[]) => unknown)(...given);
    for (const key of [undefined, null, 1, '', [], {}]) expect(make(system, join, key)).to.throw(ConfigError, 'key');
    expect(make(system, 'join', 'words')).to.throw(ConfigError, 'must be a function');
    const wrong = [
      { snapshotEvery: 1 },
      { snapshotEvery: 'a', snapshotKey: 'test' },
      { snapshotKey: '' },
      { snapshotKey: 7 },
      { cacheDuration: {} },
      { cacheDuration: -1 },
    ];
    for (const options of wrong)
      expect(make(system, join, 'words', options), JSON.stringify(options)).to.throw(ConfigError);
    expect(make(testSystem().system, join, 'words')).to.throw(ConfigError, 'need an engine');
  });
});
