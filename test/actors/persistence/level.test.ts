import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { ClassicLevel } from 'classic-level';
import fc from 'fast-check';
import nact from 'nact';
import { configurePersistence, dispatch, messages, query, type Ref, spawnPersistent } from '#src/actors/nact/index.js';
import { LevelEngine, type LevelOptions } from '#src/actors/persistence/level/index.js';
import { ConfigError, MillraceError, PersistenceError, StoppedError } from '#src/errors.js';
import { closeSystems, testSystem } from '../kernel/harness.js';
import { rejection } from '../../support/rejection.js';
import { until } from '../../support/until.js';
import { eventOf, eventsOf, snapshotOf } from './engines.js';

describe('LevelEngine', () => {
  let folder: string;
  const open: LevelEngine[] = [];

  beforeEach(() => {
    folder = join(mkdtempSync(join(tmpdir(), 'millrace-level-')), 'store');
  });
  afterEach(async () => {
    await closeSystems();
    for (const engine of open.splice(0)) await engine.close();
    rmSync(join(folder, '..'), { recursive: true });
  });

  async function engineOf(options?: LevelOptions): Promise<LevelEngine> {
    const engine = await LevelEngine.open(folder, options);
    open.push(engine);
    return engine;
  }

  /** Changes the store behind the engine's back. */
  async function tamper(change: (db: ClassicLevel) => Promise<void>): Promise<void> {
    for (const engine of open.splice(0)) await engine.close();
    const db = new ClassicLevel(folder);
    await change(db);
    await db.close();
  }

  it('keeps the events of a key in order, also when it is opened again', async () => {
    const events = eventsOf('key', ...Array.from({ length: 600 }, (_, index) => ({ index })));
    const first = await engineOf();
    await Promise.all(events.map((event) => first.persist(event)));
    expect(await first.events('key')).to.deep.equal(events);
    await first.close();
    const again = await engineOf({ sync: false });
    expect(await again.events('key')).to.deep.equal(events);
    expect(await again.events('key', 590)).to.deep.equal(events.slice(590));
    expect(await again.events('key', 5, 3)).to.deep.equal(events.slice(5, 8));
    expect(await again.events('key', 600)).to.deep.equal([]);
    expect(await again.events('key', 0, 0)).to.deep.equal([]);
    expect(await again.events('other')).to.deep.equal([]);
  });

  it('gives the events that have all tags wanted', async () => {
    const engine = await engineOf();
    const tagged = [['a'], ['a', 'b'], ['b'], ['a', 'b', 'c']].map((tags, index) => ({
      ...eventOf('key', index + 1, index),
      tags,
    }));
    await engine.persistAll(tagged);
    const data = async (...tags: string[]) => (await engine.events('key', 0, 2, tags)).map((event) => event.data);
    expect(await data('a', 'b')).to.deep.equal([1, 3]);
    expect(await data('c')).to.deep.equal([3]);
    expect(await data()).to.deep.equal([0, 1]);
  });

  it('keeps keys apart, whatever is in them', async () => {
    const engine = await engineOf({ sync: false });
    const keys = fc.uniqueArray(fc.string({ minLength: 1, unit: 'grapheme' }), { minLength: 2, maxLength: 5 });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(keys, async (names) => {
        const prefix = `${run++} `;
        const all = names.flatMap((name) => eventsOf(prefix + name, name, `${name}2`));
        await engine.persistAll(all);
        for (const name of names) {
          expect(await engine.events(prefix + name)).to.deep.equal(eventsOf(prefix + name, name, `${name}2`));
        }
      }),
      { numRuns: 30 },
    );
    for (const key of ['a', 'a/', 'a/0000000000000001', 'ab', 'a%2F', 'ü', '/']) {
      await engine.persist(eventOf(key, 1, key));
      expect(await engine.events(key)).to.deep.equal([eventOf(key, 1, key)]);
    }
  });

  it('refuses an event that does not follow the last one of its key, and stores none of those that came with it', async () => {
    const engine = await engineOf();
    await engine.persist(eventOf('key', 1, 'a'));
    for (const number of [1, 3]) {
      const error = await rejection(engine.persist(eventOf('key', number, 'b')));
      expect(error).to.be.instanceOf(PersistenceError).and.to.include({ key: 'key', sequenceNumber: number });
      expect(String(error)).to.include('another actor may use this key');
    }
    const all = [eventOf('other', 1, 'x'), eventOf('key', 2, 'b'), eventOf('key', 4, 'c')];
    expect(await rejection(engine.persistAll(all))).to.include({ code: 'PERSISTENCE', sequenceNumber: 4 });
    expect(await engine.events('other')).to.deep.equal([]);
    await engine.persistAll(all.slice(0, 2));
    expect(await engine.events('key')).to.deep.equal(eventsOf('key', 'a', 'b'));
  });

  it('refuses the second of two that write under one key at the same time', async () => {
    const engine = await engineOf();
    const outcomes = await Promise.allSettled([
      engine.persist(eventOf('key', 1, 'a')),
      engine.persist(eventOf('key', 1, 'b')),
    ]);
    expect(outcomes.map(({ status }) => status)).to.deep.equal(['fulfilled', 'rejected']);
    expect(await engine.events('key')).to.deep.equal(eventsOf('key', 'a'));
  });

  it('keeps the latest snapshots, as many as it is told', async () => {
    const engine = await engineOf({ snapshots: 3 });
    expect(await engine.latestSnapshot('key')).to.equal(undefined);
    for (const number of [2, 4, 6, 8, 10]) await engine.takeSnapshot(snapshotOf('key', number, { number }));
    await engine.takeSnapshot(snapshotOf('key/', 1, 'another'));
    expect(await engine.latestSnapshot('key')).to.deep.equal(snapshotOf('key', 10, { number: 10 }));
    await tamper(async (db) => {
      const records = await db.keys({ gt: 'snapshot/key/', lt: 'snapshot/key/:' }).all();
      expect(records.map((record) => Number(record.slice(-16)))).to.deep.equal([6, 8, 10]);
    });
  });

  it('has its folder for itself, until it is closed', async () => {
    const engine = await engineOf();
    const error = await rejection(LevelEngine.open(folder));
    expect(error)
      .to.be.instanceOf(PersistenceError)
      .with.property('message')
      .that.matches(/already open/);
    await engine.close();
    await (await engineOf()).persist(eventOf('key', 1, 'a'));
  });

  it('writes what it has accepted before it closes, and refuses the rest', async () => {
    const engine = await engineOf();
    const writes = [1, 2, 3].map((number) => engine.persist(eventOf('key', number, number)));
    const closed = engine.close();
    expect(engine.close()).to.equal(closed);
    await Promise.all([...writes, closed]);
    const refusals = [
      engine.persist(eventOf('key', 4, 4)),
      engine.takeSnapshot(snapshotOf('key', 3, 3)),
      engine.latestSnapshot('key'),
    ];
    for (const refusal of refusals) expect(await rejection(refusal)).to.be.instanceOf(StoppedError);
    expect(() => engine.events('key')).to.throw(StoppedError, folder);
    expect(await (await engineOf()).events('key')).to.deep.equal(eventsOf('key', 1, 2, 3));
  });

  it('refuses options, folders and stores that are none', async () => {
    for (const options of [{ snapshots: 0 }, { snapshots: 1.5 }, { sync: 'yes' as never }]) {
      expect(await rejection(LevelEngine.open(folder, options))).to.be.instanceOf(ConfigError);
    }
    expect(await rejection(LevelEngine.open(''))).to.be.instanceOf(ConfigError);
    writeFileSync(`${folder}-file`, 'no folder');
    expect(await rejection(LevelEngine.open(`${folder}-file`))).to.be.instanceOf(PersistenceError);
    await tamper((db) => db.put('something', 'else'));
    expect(String(await rejection(LevelEngine.open(folder)))).to.include('another program');
    await tamper((db) => db.put('format', '2'));
    expect(String(await rejection(LevelEngine.open(folder)))).to.include('format 2, expected 1');
  });

  it('says what was not written and why, and goes on when writing is possible again', async () => {
    const engine = await engineOf();
    const batch: unknown = Reflect.get(ClassicLevel.prototype, 'batch');
    const full = () => Promise.reject(new RangeError('no space left on device'));
    Object.assign(ClassicLevel.prototype, { batch: full });
    try {
      const error = await rejection(engine.persistAll(eventsOf('key', 'a', 'b')));
      expect(error).to.be.instanceOf(PersistenceError).and.to.include({ key: 'key', sequenceNumber: 1 });
      expect(String(error)).to.include(`was not written to ${folder}: no space left on device`);
    } finally {
      Object.assign(ClassicLevel.prototype, { batch });
    }
    await engine.persist(eventOf('key', 1, 'a'));
    expect(await engine.events('key')).to.deep.equal(eventsOf('key', 'a'));
  });

  it('refuses what cannot be written, and says what to do', async () => {
    const engine = await engineOf();
    const circular: Record<string, unknown> = {};
    circular['self'] = circular;
    const cases: [Promise<unknown>, RegExp][] = [
      [engine.persist(eventOf('key', 1, 1n)), /event 1 of key cannot be written as JSON .*encoder/],
      [engine.takeSnapshot(snapshotOf('key', 1, circular)), /snapshot 1 of key cannot be written as JSON/],
      [engine.persist(eventOf('key', 0, 'x')), /sequence number 0/],
      [engine.persist(eventOf('key', 1.5, 'x')), /sequence number 1.5/],
      [engine.persist(eventOf('\ud800', 1, 'x')), /not well-formed Unicode/],
    ];
    for (const [refusal, message] of cases) {
      const error = await rejection(refusal);
      expect(error).to.be.instanceOf(PersistenceError);
      expect(String(error)).to.match(message);
    }
  });

  it('names the key and number of a record that is damaged or missing', async () => {
    const engine = await engineOf();
    await engine.persistAll(eventsOf('key', 'a', 'b', 'c'));
    await engine.takeSnapshot(snapshotOf('key', 2, 'b'));
    const record = (kind: string, number: number): string => `${kind}/key/${String(number).padStart(16, '0')}`;
    const texts = [
      '',
      '{',
      'null',
      '7',
      '{"tags":[]}',
      '{"tags":[7],"createdAt":1,"isDeleted":false}',
      '{"data":1,"tags":[],"createdAt":"x","isDeleted":false}',
    ];
    for (const text of texts) {
      await tamper((db) => db.put(record('event', 2), text));
      const error = await rejection(Promise.resolve((await engineOf()).events('key')));
      expect(error, text).to.be.instanceOf(PersistenceError).and.to.include({ key: 'key', sequenceNumber: 2 });
      expect(String(error)).to.include('event 2 of key is damaged');
    }
    await tamper((db) => db.del(record('event', 2)));
    expect(String(await rejection(Promise.resolve((await engineOf()).events('key'))))).to.include(
      'event 2 of key is missing',
    );
    await tamper((db) => db.put(record('snapshot', 2), '{"createdAt":'));
    expect(await rejection((await engineOf()).latestSnapshot('key'))).to.include({
      code: 'PERSISTENCE',
      key: 'key',
      sequenceNumber: 2,
    });
  });

  it('survives arbitrary bytes in a record with an error of ours', async () => {
    await (await engineOf()).persist(eventOf('key', 1, 'a'));
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.json(), fc.string()), async (text) => {
        await tamper((db) => db.put('event/key/0000000000000001', text));
        try {
          expect(await (await engineOf()).events('key')).to.have.length(1);
        } catch (error) {
          expect(error).to.be.instanceOf(MillraceError);
        }
      }),
      { numRuns: 20 },
    );
  });

  it('serves actors here, in virtual time, through failures and restarts', async () => {
    type Msg = { readonly add: number } | { readonly sender: Ref<number> };
    const total = (sender: Ref<number>): Msg => ({ sender });
    for (const expected of [15, 30]) {
      const { system, scheduler } = testSystem();
      const engine = await engineOf();
      configurePersistence(engine)(system);
      const actors = ['x', 'y', 'z'].map((key) =>
        spawnPersistent(
          system,
          async (sum: number, msg: Msg, ctx) => {
            if ('sender' in msg) {
              dispatch(msg.sender, sum);
              return sum;
            }
            if (!ctx.recovering) await Promise.all([ctx.persist(msg), ctx.persist({ add: 1 })]);
            return sum + msg.add + (ctx.recovering ? 0 : 1);
          },
          key,
          key,
          { initialState: 0, snapshotEvery: 3 * messages },
        ),
      );
      for (const actor of actors) for (const add of [2, 3, 7]) dispatch(actor, { add });
      const sums = await Promise.all(actors.map((actor) => query(actor, total, 10_000)));
      expect(sums).to.deep.equal([expected, expected, expected]);
      expect(scheduler.now()).to.equal(0);
      expect(await engine.latestSnapshot('x')).to.include({ key: 'x' });
      await closeSystems();
      await engine.close();
    }
  });

  it('serves actors of nact', async () => {
    const engine = await engineOf();
    for (const before of [[], ['a', 'b']]) {
      const system = nact.start(nact.configurePersistence(engine as never));
      const seen: string[] = [];
      const f = async (_state: unknown, msg: string, ctx: object): Promise<void> => {
        if (!('recovering' in ctx)) await (ctx as { persist(msg: string): Promise<void> }).persist(msg);
        seen.push(msg);
      };
      const actor = nact.spawnPersistent(system, f, 'stock');
      for (const msg of ['a', 'b']) nact.dispatch(actor, msg);
      await until(() => seen.length === before.length + 2);
      expect(seen).to.deep.equal([...before, 'a', 'b']);
      nact.stop(system);
    }
  });
});
