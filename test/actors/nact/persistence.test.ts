import { expect } from 'chai';
import fc from 'fast-check';
import {
  configurePersistence,
  dispatch,
  type PersistedEvent,
  type PersistenceEngine,
  type PersistentActorProps,
  type ActorReference,
  query,
  type Ref,
  spawn,
  spawnPersistent,
  stop,
} from '#src/actors/nact/index.js';
import { BackpressureError, ConfigError } from '#src/errors.js';
import { closeSystems, type TestSystem, testSystem } from '../kernel/harness.js';
import { deferred } from '../../support/deferred.js';
import { turn, until } from '../../support/until.js';
import { eventOf, eventsOf, MockPersistenceEngine, snapshotOf } from '../persistence/engines.js';

type Msg = string | { readonly sender: Ref<readonly string[]> };
type System = TestSystem['system'];

/** A system whose persistent actors use `engine`. */
function persistentSystem(engine: PersistenceEngine): TestSystem {
  const made = testSystem();
  configurePersistence(engine)(made.system);
  return made;
}

/** Keeps every word that it is sent, and answers with all of them. */
function spawnWords(
  system: System,
  props: PersistentActorProps<readonly string[], Msg, System> = {},
): ActorReference<Msg> {
  return spawnPersistent(
    system,
    async (words: readonly string[], msg: Msg, ctx) => {
      if (typeof msg !== 'string') {
        dispatch(msg.sender, words);
        return words;
      }
      if (!ctx.recovering) await ctx.persist(msg);
      return [...words, msg];
    },
    'words',
    'words',
    { initialState: [], ...props },
  );
}

const wordsOf = (actor: Ref<Msg>): Promise<readonly string[]> =>
  query(actor, (sender: Ref<readonly string[]>) => ({ sender }), 1_000);

describe('spawnPersistent of millrace/nact', () => {
  afterEach(closeSystems);

  it('stores events through an engine of nact, numbered from 1, and begins with them the next time', async () => {
    const engine = new MockPersistenceEngine();
    const { system, scheduler } = persistentSystem(engine);
    const actor = spawnWords(system);
    for (const word of ['one', 'two', 'three']) dispatch(actor, word);
    expect(await wordsOf(actor)).to.deep.equal(['one', 'two', 'three']);
    expect(engine._events).to.deep.equal({ words: eventsOf('words', 'one', 'two', 'three') });
    stop(actor);
    await until(() => system.statistics.actors === 0);
    const again = spawnWords(system);
    dispatch(again, 'four');
    expect(await wordsOf(again)).to.deep.equal(['one', 'two', 'three', 'four']);
    expect(engine._events['words']?.at(-1)).to.deep.equal(eventOf('words', 4, 'four'));
    expect(scheduler.now()).to.equal(0);
  });

  it('stores tags in order, hands further arguments on to the engine, and the time of day', async () => {
    const persisted: unknown[] = [];
    const engine: PersistenceEngine = Object.assign(new MockPersistenceEngine(), {
      persist: async (...given: unknown[]) => void persisted.push(given),
    });
    const { system, scheduler } = testSystem({}, { isReal: true });
    configurePersistence(engine)(system);
    const actor = spawnPersistent(
      system,
      (_state: unknown, msg: string, ctx) => ctx.persist(msg, ['b', 'a'], 'extra', 7),
      'tagged',
    );
    dispatch(actor, 'it');
    await until(() => persisted.length === 1);
    const [[event, ...rest]] = persisted as [[PersistedEvent, ...unknown[]]];
    expect(event).to.deep.include({ data: 'it', tags: ['a', 'b'], key: 'tagged', isDeleted: false });
    expect(rest).to.deep.equal(['extra', 7]);
    expect(event.createdAt).to.be.closeTo(scheduler.epochMs + scheduler.now(), 60_000);
    expect(event.createdAt).to.be.closeTo(Date.now(), 60_000);
  });

  it('sets recovering, and itself as the sender, for events only; deleted ones are passed over', async () => {
    const events = [...eventsOf('seen', 'a'), eventOf('seen', 2, 'deleted', true), eventOf('seen', 3, 'b')];
    const { system } = persistentSystem(new MockPersistenceEngine({ seen: events }));
    const seen: unknown[] = [];
    const actor = spawnPersistent(
      system,
      async (_state: unknown, msg: string, ctx) => {
        seen.push([msg, ctx.recovering, ctx.sender === ctx.self]);
        if (!ctx.recovering) await ctx.persist(msg);
      },
      'seen',
    );
    dispatch(actor, 'c');
    await until(() => seen.length === 3);
    expect(seen).to.deep.equal([
      ['a', true, true],
      ['b', true, true],
      ['c', false, false],
    ]);
  });

  it('lets messages wait while it recovers, no more than the mailbox holds, and children live meanwhile', async () => {
    const { promise, resolve } = deferred<readonly PersistedEvent[]>();
    const engine: PersistenceEngine = Object.assign(new MockPersistenceEngine(), {
      events: () => ({ reduce: (add: never, start: never) => promise.then((all) => all.reduce(add, start)) }),
    });
    const { system } = persistentSystem(engine);
    const actor = spawnWords(system, { mailbox: { capacity: 2 } });
    const child = spawn(actor, (state: number, msg: number) => state + msg, 'child', { initialState: 0 });
    dispatch(actor, 'one');
    dispatch(actor, 'two');
    expect(() => dispatch(actor, 'three')).to.throw(BackpressureError);
    dispatch(child, 1);
    await until(() => system.statistics.messages >= 3);
    resolve(eventsOf('words', 'zero'));
    await actor.ready();
    expect(await wordsOf(actor)).to.deep.equal(['zero', 'one', 'two']);
  });

  it('takes a snapshot after snapshotEvery events, and goes on from the latest', async () => {
    const engine = new MockPersistenceEngine();
    const { system } = persistentSystem(engine);
    const props: PersistentActorProps<readonly string[], Msg, System> = {
      snapshotEvery: 2,
      snapshotEncoder: (words) => words.join(' '),
      snapshotDecoder: (text) => String(text).split(' '),
      encoder: (msg) => ({ word: msg }),
      decoder: (data) => (data as { word: string }).word,
    };
    const actor = spawnWords(system, props);
    for (const word of ['a', 'b', 'c', 'd', 'e']) dispatch(actor, word);
    await wordsOf(actor);
    expect(engine._snapshots).to.deep.equal({
      words: [snapshotOf('words', 2, 'a b'), snapshotOf('words', 4, 'a b c d')],
    });
    expect(engine._events['words']?.[0]?.data).to.deep.equal({ word: 'a' });
    stop(actor);
    await until(() => system.statistics.actors === 0);
    // What a snapshot knows of is not read again.
    for (const number of [0, 1, 2, 3]) Object.assign(engine._events['words']?.[number] ?? {}, { data: undefined });
    expect(await wordsOf(spawnWords(system, props))).to.deep.equal(['a', 'b', 'c', 'd', 'e']);
    expect(engine._snapshots['words']).to.have.length(2);
  });

  it('takes a snapshot that is due after recovering', async () => {
    const engine = new MockPersistenceEngine({ words: eventsOf('words', 'a', 'b', 'c') });
    const { system } = persistentSystem(engine);
    await wordsOf(spawnWords(system, { snapshotEvery: 3 }));
    expect(engine._snapshots).to.deep.equal({ words: [snapshotOf('words', 3, ['a', 'b', 'c'])] });
  });

  it('logs a snapshot that cannot be taken, loses nothing, and tries again', async () => {
    const engine = new MockPersistenceEngine({}, {}, false);
    const { system, log } = persistentSystem(engine);
    const actor = spawnWords(system, { snapshotEvery: 1 });
    dispatch(actor, 'a');
    expect(await wordsOf(actor)).to.deep.equal(['a']);
    await until(() => log.some(({ message }) => message.startsWith('a snapshot was not taken')));
    engine.takeSnapshotIsWorking = true;
    dispatch(actor, 'b');
    expect(await wordsOf(actor)).to.deep.equal(['a', 'b']);
    await until(() => engine._snapshots['words'] !== undefined);
    expect(engine._snapshots['words']).to.deep.equal([snapshotOf('words', 2, ['a', 'b'])]);
    expect(engine._events['words']).to.have.length(2);
  });

  it('handles the next message when all events of the last are stored, awaited or not', async () => {
    const { promise, resolve } = deferred();
    const mock = new MockPersistenceEngine();
    const persist = mock.persist.bind(mock);
    const { system } = persistentSystem(
      Object.assign(mock, { persist: (event: PersistedEvent) => promise.then(() => persist(event)) }),
    );
    const seen: string[] = [];
    const actor = spawnPersistent(
      system,
      (_state: unknown, msg: string, ctx) => {
        seen.push(msg);
        if (!ctx.recovering) void ctx.persist(msg);
        return msg;
      },
      'lazy',
    );
    dispatch(actor, 'a');
    dispatch(actor, 'b');
    await until(() => seen.length === 1);
    for (let turns = 0; turns < 10; turns++) await turn();
    expect(seen).to.deep.equal(['a']);
    resolve();
    await until(() => seen.length === 2);
  });

  it('keeps the order of events that are persisted together, however long the engine takes for each', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 12 }), async (delays) => {
        const mock = new MockPersistenceEngine();
        const store = mock.persist.bind(mock);
        const { system, scheduler } = testSystem();
        let underWay = 0;
        const persist = async (event: PersistedEvent): Promise<void> => {
          expect(++underWay).to.equal(1);
          for (let turns = 0; turns < (delays[event.sequenceNumber - 1] ?? 0); turns++) await turn();
          await store(event);
          underWay--;
        };
        configurePersistence(Object.assign(mock, { persist }))(system);
        const actor = spawnPersistent(
          system,
          async (_state: unknown, msg: { readonly sender: Ref<string> } | number, ctx) => {
            if (typeof msg === 'number') return;
            await Promise.all(delays.map((_, index) => ctx.persist(index)));
            dispatch(msg.sender, 'stored');
          },
          'order',
        );
        expect(await query(actor, (sender: Ref<string>) => ({ sender }), 1_000)).to.equal('stored');
        expect(mock._events['order']).to.deep.equal(eventsOf('order', ...delays.keys()));
        expect(scheduler.now(), 'virtual time stands still while an engine is at work').to.equal(0);
        await closeSystems();
      }),
      { numRuns: 20 },
    );
  });

  it('hands events that are persisted together to an engine that takes them all at once', async () => {
    const given: number[][] = [];
    const engine: PersistenceEngine = Object.assign(new MockPersistenceEngine(), {
      persist: async (event: PersistedEvent) => void given.push([event.sequenceNumber]),
      persistAll: async (events: readonly PersistedEvent[]) =>
        void given.push(events.map((event) => event.sequenceNumber)),
    });
    const { system } = persistentSystem(engine);
    const actor = spawnPersistent(
      system,
      async (_state: unknown, count: number, ctx) => {
        await Promise.all(Array.from({ length: count }, (_, index) => ctx.persist(index)));
      },
      'together',
    );
    for (const count of [3, 1, 2]) dispatch(actor, count);
    await until(() => given.length === 3);
    expect(given).to.deep.equal([[1, 2, 3], [4], [5, 6]]);
  });

  it('refuses a key, an interval, a parent or an engine that is none', () => {
    const { system } = testSystem();
    const f = (state: unknown): unknown => state;
    expect(() => spawnPersistent(system, f, 'key')).to.throw(ConfigError, 'configurePersistence');
    // @ts-expect-error: no engine
    expect(() => configurePersistence(undefined)).to.throw(ConfigError, 'latestSnapshot');
    // @ts-expect-error: half an engine
    expect(() => configurePersistence({ events: () => [] })).to.throw(ConfigError, 'latestSnapshot');
    configurePersistence(new MockPersistenceEngine())(system);
    for (const key of ['', undefined, 7]) {
      // @ts-expect-error: a key is a string
      expect(() => spawnPersistent(system, f, key)).to.throw(ConfigError, 'persistence key');
    }
    for (const snapshotEvery of [-1, 1.5, Number.NaN]) {
      expect(() => spawnPersistent(system, f, 'key', 'name', { snapshotEvery })).to.throw(ConfigError, 'snapshotEvery');
    }
  });
});
