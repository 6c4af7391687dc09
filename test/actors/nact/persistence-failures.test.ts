import { expect } from 'chai';
import {
  configurePersistence,
  dispatch,
  type PersistedEvent,
  type PersistenceEngine,
  type PersistentActorProps,
  query,
  type Ref,
  spawn,
  spawnPersistent,
  stop,
} from '#src/actors/nact/index.js';
import { ConfigError, HandlerError, PersistenceError } from '#src/errors.js';
import { closeSystems, type TestSystem, testSystem } from '../kernel/harness.js';
import { deferred } from '../../support/deferred.js';
import { rejection } from '../../support/rejection.js';
import { until } from '../../support/until.js';
import { eventOf, eventsOf, MockPersistenceEngine, snapshotOf } from '../persistence/engines.js';

interface Add {
  readonly add: number;
  readonly sender?: Ref<unknown>;
  readonly how?: 'unawaited' | 'swallowed';
}
type Props = PersistentActorProps<number, Add, TestSystem['system']>;

/** A sum that lives under the key `sum`, of the engine given. */
class Sum {
  readonly made = testSystem();
  readonly errors: unknown[] = [];
  readonly actor: Ref<Add>;
  readonly #verdict: 'stop' | 'reset' | 'resume';

  constructor(engine: PersistenceEngine, verdict: 'stop' | 'reset' | 'resume', props: Props = {}) {
    this.#verdict = verdict;
    configurePersistence(engine)(this.made.system);
    this.actor = spawnPersistent(this.made.system, sum, 'sum', 'sum', {
      initialState: 0,
      onCrash: (_msg, error, ctx) => {
        this.errors.push(error);
        return ctx[this.#verdict];
      },
      ...props,
    });
  }

  ask(add: number, how?: Add['how']): Promise<unknown> {
    return query(this.actor, (sender: Ref<unknown>) => ({ add, sender, ...(how === undefined ? {} : { how }) }), 1_000);
  }
}

const sum: Parameters<typeof spawnPersistent<number, Add, TestSystem['system']>>[1] = async (total, msg, ctx) => {
  const { add, sender, how } = msg;
  if (!Number.isFinite(add)) throw new RangeError('not to be added');
  if (add !== 0 && !ctx.recovering) {
    const stored = ctx.persist({ add });
    if (how === 'swallowed') await stored.catch(() => {});
    else if (how === undefined) await stored;
  }
  if (sender !== undefined && how === undefined) dispatch(sender, total + add);
  return total + add;
};

/** The events as if no restart had taken time. */
function atZero(events: readonly PersistedEvent[] = []): PersistedEvent[] {
  return events.map((event) => ({ ...event, createdAt: 0 }));
}

/** An engine that refuses the events that it is told to refuse. */
function refusing(...sequenceNumbers: number[]) {
  const mock = new MockPersistenceEngine();
  const store = mock.persist.bind(mock);
  const left = new Set(sequenceNumbers);
  const persist = (event: PersistedEvent) =>
    left.delete(event.sequenceNumber) ? Promise.reject(new RangeError('disk full')) : store(event);
  return Object.assign(mock, { persist });
}

describe('a persistent actor whose engine fails', () => {
  afterEach(closeSystems);

  it('fails with what says which event was not stored; whoever asked is told, and nothing is acknowledged', async () => {
    const engine = refusing(2);
    const { ask, errors, made } = bound(new Sum(engine, 'stop'));
    expect(await ask(1)).to.equal(1);
    const [second, third] = [rejection(ask(2)), rejection(ask(3))];
    expect(await second)
      .to.be.instanceOf(HandlerError)
      .with.property('handlerCode', 'PERSISTENCE');
    await third;
    await until(() => made.system.statistics.actors === 0);
    expect(errors).to.have.length(1);
    expect(errors[0]).to.be.instanceOf(PersistenceError).and.to.include({ key: 'sum', sequenceNumber: 2 });
    expect((errors[0] as Error).cause).to.have.property('message', 'disk full');
    expect(engine._events).to.deep.equal({ sum: eventsOf('sum', { add: 1 }) });
  });

  it('begins anew from the store on reset, and on resume as well', async () => {
    for (const verdict of ['reset', 'resume'] as const) {
      const engine = refusing(2);
      const { ask, errors } = bound(new Sum(engine, verdict));
      expect(await ask(1)).to.equal(1);
      const [second, third] = [rejection(ask(20)), ask(3)];
      await second;
      expect(await third, verdict).to.equal(4);
      expect(errors).to.have.length(1);
      expect(atZero(engine._events['sum'])).to.deep.equal(eventsOf('sum', { add: 1 }, { add: 3 }));
    }
  });

  it('fails also when its function does not wait for the event, or swallows the error; later events are not stored either', async () => {
    for (const how of ['unawaited', 'swallowed'] as const) {
      const engine = refusing(1);
      const { actor, ask, errors } = bound(new Sum(engine, 'reset', { snapshotEvery: 1 }));
      dispatch(actor, { add: 10, how });
      expect(await ask(2), how).to.equal(2);
      expect(errors, how).to.have.length(1);
      expect(atZero(engine._events['sum'])).to.deep.equal(eventsOf('sum', { add: 2 }));
      expect(engine._snapshots['sum']?.map(({ data }) => data)).to.deep.equal([2]);
    }
  });

  it('stores none of the events that follow one that was refused', async () => {
    const engine = refusing(2);
    const { system } = testSystem();
    configurePersistence(engine)(system);
    const outcomes: string[] = [];
    const actor = spawnPersistent(
      system,
      async (_state: unknown, _msg: string, ctx) => {
        if (ctx.recovering) return;
        const all = await Promise.allSettled([1, 2, 3, 4].map((each) => ctx.persist(String(each))));
        outcomes.push(...all.map(({ status }) => status));
      },
      'many',
    );
    dispatch(actor, 'go');
    await until(() => system.statistics.actors === 0);
    expect(outcomes).to.deep.equal(['fulfilled', 'rejected', 'rejected', 'rejected']);
    expect(engine._events['many']).to.deep.equal(eventsOf('many', '1'));
  });

  it('fails when an event cannot be encoded, or its tags are none', async () => {
    for (const fail of ['encoder', 'tags']) {
      const { system } = testSystem();
      const errors: unknown[] = [];
      configurePersistence(new MockPersistenceEngine())(system);
      const encoder = (): never => {
        throw new RangeError('cannot be encoded');
      };
      const actor = spawnPersistent(
        system,
        // Not awaited: it must not be lost for that.
        (_state: unknown, msg: string, ctx) => void ctx.persist(msg, fail === 'tags' ? ([7] as never) : []),
        'key',
        'name',
        { ...(fail === 'encoder' ? { encoder } : {}), onCrash: (_msg, error, ctx) => (errors.push(error), ctx.stop) },
      );
      dispatch(actor, 'x');
      await until(() => system.statistics.actors === 0);
      expect(errors.map(String)).to.have.length(1);
      expect(String(errors[0])).to.match(fail === 'tags' ? /tags of an event/ : /cannot be encoded/);
    }
  });

  it('fails when it cannot recover, naming the key and how far it came', async () => {
    const broken = (part: object): PersistenceEngine =>
      Object.assign(new MockPersistenceEngine({ sum: eventsOf('sum', { add: 1 }, { add: 2 }) }), part);
    const failing = (): never => {
      throw new RangeError('unplugged');
    };
    const twice = (): PersistedEvent[] => [eventOf('sum', 1, { add: 1 }), eventOf('sum', 1, { add: 1 })];
    const decodes = (data: unknown): Add => ((data as Add).add === 2 ? failing() : (data as Add));
    const cases: [string, PersistenceEngine, Props, RegExp, number | undefined][] = [
      [
        'snapshot',
        broken({ latestSnapshot: () => Promise.reject(new RangeError('unplugged')) }),
        {},
        /latest snapshot of sum/,
        undefined,
      ],
      ['snapshot now', broken({ latestSnapshot: failing }), {}, /latest snapshot of sum.*unplugged/, undefined],
      ['no number', broken({ latestSnapshot: async () => ({ data: 1 }) }), {}, /sequence number is invalid/, undefined],
      ['events', broken({ events: failing }), {}, /events of sum after event 0 cannot be read: unplugged/, 0],
      ['order', broken({ events: twice }), {}, /after event 1, the engine returned event 1/, 1],
      ['decoder', broken({}), { decoder: decodes }, /event 2 of sum cannot be decoded: unplugged/, 2],
      [
        'snapshotDecoder',
        broken({ latestSnapshot: async () => snapshotOf('sum', 2, 3) }),
        { snapshotDecoder: failing },
        /snapshot 2 of sum cannot be decoded/,
        2,
      ],
    ];
    for (const [name, engine, props, message, sequenceNumber] of cases) {
      const { errors, made } = bound(new Sum(engine, 'stop', props));
      await until(() => made.system.statistics.actors === 0);
      expect(errors, name).to.have.length(1);
      expect(errors[0], name).to.be.instanceOf(PersistenceError).and.to.include({ key: 'sum', sequenceNumber });
      expect(String(errors[0]), name).to.match(message);
    }
  });

  it('tries again to recover, after a pause, when it is reset', async () => {
    let refusals = 3;
    const engine = new MockPersistenceEngine({ sum: eventsOf('sum', { add: 1 }) });
    const latestSnapshot = async () => {
      if (refusals-- > 0) throw new RangeError('busy');
      return undefined;
    };
    const { ask, errors, made } = bound(new Sum(Object.assign(engine, { latestSnapshot }), 'reset'));
    expect(await ask(2)).to.equal(3);
    expect(errors).to.have.length(3);
    expect(made.scheduler.now()).to.be.greaterThan(0);
  });
});

describe('a persistent actor that fails on an event while it recovers', () => {
  afterEach(closeSystems);

  const poisoned = () =>
    new MockPersistenceEngine({ sum: eventsOf('sum', { add: 1 }, { add: Number.NaN }, { add: 2 }) });

  it('skips the event on resume, and says so', async () => {
    const { ask, made, errors } = bound(new Sum(poisoned(), 'resume'));
    expect(await ask(0)).to.equal(3);
    expect(errors.map(String)).to.deep.equal(['RangeError: not to be added']);
    expect(made.log.filter(({ message }) => message.startsWith('an event was skipped'))).to.have.length(1);
  });

  it('ends on stop, and leaves the store as it is', async () => {
    const engine = poisoned();
    const { made, errors } = bound(new Sum(engine, 'stop'));
    await until(() => made.system.statistics.actors === 0);
    expect(errors).to.have.length(1);
    expect(engine._events['sum']).to.have.length(3);
  });

  it('gives up resetting after a while', async () => {
    const { made, errors } = bound(new Sum(poisoned(), 'reset'));
    await until(() => made.system.statistics.actors === 0);
    expect(errors).to.have.length(11);
  });

  it('leaves it to its parent on escalate', async () => {
    const { system } = testSystem();
    configurePersistence(poisoned())(system);
    const seen: unknown[] = [];
    const parent = spawn(system, (state: unknown) => state, 'parent', {
      onCrash: (msg, error, ctx, child) => {
        seen.push(msg, error.message, child === actor);
        return ctx.stopChild;
      },
    });
    const actor: Ref<Add> = spawnPersistent(parent, sum as never, 'sum', 'sum', {
      onCrash: (_msg: unknown, _error, ctx) => ctx.escalate,
    });
    await until(() => system.statistics.actors === 1);
    expect(seen).to.deep.equal([{ add: Number.NaN }, 'not to be added', true]);
  });

  it('may not store the event again', async () => {
    const engine = new MockPersistenceEngine({ again: eventsOf('again', 'x') });
    const { system } = testSystem();
    configurePersistence(engine)(system);
    const errors: unknown[] = [];
    spawnPersistent(system, (_state: unknown, msg: string, ctx) => void ctx.persist(msg), 'again', 'again', {
      onCrash: (_msg, error, ctx) => (errors.push(error), ctx.stop),
    });
    await until(() => system.statistics.actors === 0);
    expect(errors[0])
      .to.be.instanceOf(ConfigError)
      .with.property('message')
      .that.matches(/ctx.recovering/);
    expect(engine._events['again']).to.have.length(1);
  });

  it('ends at once when it is stopped meanwhile', async () => {
    const { promise, resolve } = deferred();
    const { system, scheduler } = testSystem();
    configurePersistence(new MockPersistenceEngine({ slow: eventsOf('slow', 'a', 'b', 'c') }))(system);
    const seen: string[] = [];
    const actor = spawnPersistent(
      system,
      async (_state: unknown, msg: string) => {
        seen.push(msg);
        await promise;
      },
      'slow',
    );
    await until(() => seen.length === 1);
    stop(actor);
    resolve();
    await until(() => system.statistics.actors === 0);
    expect(seen).to.deep.equal(['a']);
    expect(scheduler.now()).to.equal(0);
  });
});

/** Its methods, to be taken apart. */
function bound(all: Sum) {
  return {
    actor: all.actor,
    ask: all.ask.bind(all),
    errors: all.errors,
    made: all.made,
  };
}
