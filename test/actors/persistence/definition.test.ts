import { expect } from 'chai';
import fc from 'fast-check';
import {
  configurePersistence,
  MemoryEngine,
  persistent,
  type PersistentContext,
} from '#src/actors/persistence/index.js';
import type { ActorRef } from '#src/actors/kernel/index.js';
import { ConfigError, HandlerError, PersistenceError } from '#src/errors.js';
import { type AnyService, decode } from '#src/protocol/index.js';
import { closeSystems, testSystem } from '../kernel/harness.js';
import { Counting } from '../kernel/shop.js';
import { Row } from '../runtime/row.js';
import { ledger } from './ledger.js';

/** Never called: the compiler checks it, and reports a `@ts-expect-error` without an error. */
export function promises(): void {
  const total = persistent(Counting, {
    id: 'total',
    events: Row,
    state: () => 0,
    apply: (sum, { id }) => sum + id,
    push: async (sum, { value }, ctx) => {
      const next: number = await ctx.persist({ id: sum + value });
      const state: number = ctx.state;
      const self: ActorRef<typeof Counting> = ctx.self;
      self.push({ value: next + state });
      // @ts-expect-error: a field of the event is of another type
      await ctx.persist({ id: 'one' });
      // Only events change the state.
      const hasNoBecome: 'become' extends keyof typeof ctx ? false : true = true;
      ctx.log.info(String(hasNoBecome));
    },
    work: (sum) => ({ value: sum }),
    async *count(sum) {
      yield { value: sum };
    },
    on: { started: (sum: number, ctx: PersistentContext<number, Partial<Row>>) => void ctx.persist({ id: sum }) },
  });
  const options = { id: 'total', events: Row, state: () => 0, push: () => {}, async *count() {} };
  const work = () => ({ value: 1 });
  // @ts-expect-error: a handler is missing
  persistent(Counting, { ...options, apply: (sum: number, { id }: Row) => sum + id });
  // @ts-expect-error: the next state is of another type
  persistent(Counting, { ...options, work, apply: (_sum: number, { key }: Row) => key });
  // @ts-expect-error: an event is a Row
  persistent(Counting, { ...options, work, apply: (sum: number, { amount }: { amount: number }) => sum + amount });
  return void total;
}

describe('persistent', () => {
  afterEach(closeSystems);

  const valid = {
    id: 'id',
    events: Row,
    state: () => 0,
    apply: () => 0,
    push: () => {},
    work: () => ({}),
    async *count() {},
  };
  const define = (service: unknown, definition: unknown) => () =>
    persistent(service as typeof Counting, definition as typeof valid);

  it('refuses options that are wrong, and says which', () => {
    const wrong: readonly (readonly [object, string])[] = [
      [{ id: undefined }, 'has no id'],
      [{ id: '' }, 'id of the persistent behavior of test.Counting must be a text that is not empty'],
      [{ id: 7 }, 'must be a text'],
      [{ events: undefined }, 'has no events'],
      [{ events: {} }, 'events of the persistent behavior of test.Counting must be the message type'],
      [{ state: undefined }, 'has no state'],
      [{ state: 0 }, 'must be a function'],
      [{ apply: undefined }, 'has no apply'],
      [{ apply: 'apply' }, 'must be a function'],
      [{ snapshotEvery: 3 }, 'no snapshot'],
      [{ snapshotEvery: -1, snapshot: Row }, 'a whole number of events'],
      [{ snapshotEvery: 1.5, snapshot: Row }, 'a whole number of events'],
      [{ snapshot: {} }, 'snapshot must be the message type of the state'],
      [{ snapshot: 'json' }, 'snapshot of the persistent behavior'],
      [{ engine: {} }, 'a persistence engine must have the methods'],
      [{ on: { startd: () => {} } }, 'Did you mean started?'],
      [{ supervision: 'retry' }, 'supervision accepts'],
      [{ idleTimeoutMs: 5 }, 'no on.idle handler'],
      [{ mailbox: { capacity: -1 } }, 'capacity'],
      [{ work: undefined }, 'has no handler work'],
      [{ wrok: () => ({}) }, 'no rpc and no option. Did you mean work?'],
    ];
    for (const [change, why] of wrong) {
      expect(define(Counting, { ...valid, ...change }), why).to.throw(ConfigError, why);
    }
    expect(define({}, valid)).to.throw(ConfigError, 'persistent needs a service');
    expect(define(Counting, undefined)).to.throw(ConfigError, 'and its definition');
    expect(define(Counting, valid)).not.to.throw();
  });

  it('refuses a service with an rpc that has the name of an option', () => {
    for (const name of ['id', 'events', 'apply', 'snapshot', 'engine']) {
      const { work } = Counting.methods;
      const service: AnyService = { typeName: 'test.Clash', methods: { [name]: { ...work, name } } };
      expect(define(service, valid), name).to.throw(ConfigError, 'rename the rpc');
    }
  });

  it('loses no acknowledged event, and stores none twice, whatever fails and however many actors write', async () => {
    const step = fc.record({
      actor: fc.nat(2),
      value: fc.integer({ min: 1, max: 1_000 }),
      fails: fc.boolean(),
      wait: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
        const engine = new FlakyEngine();
        const { system } = testSystem();
        configurePersistence(engine)(system);
        const supervision = { maxRestarts: 1_000 };
        const actors = [0, 1, 2].map(() => system.spawn(ledger({ supervision })));
        const acknowledged: number[] = [];
        const calls: Promise<void>[] = [];
        for (const [index, { actor, value, fails, wait }] of steps.entries()) {
          // A number of its own for each step.
          const id = index * 1_000 + value;
          if (fails) engine.failing.add(id);
          const call = actors[actor]?.work({ value: id }, { timeoutMs: 60_000 }).then(
            () => void acknowledged.push(id),
            (error: unknown) => {
              expect(error).to.be.instanceOf(HandlerError);
              if (error instanceof HandlerError) expect(error.cause).to.be.instanceOf(PersistenceError);
            },
          );
          if (call !== undefined) calls.push(call);
          if (wait) await call;
        }
        await Promise.all(calls);
        const stored = storedIds(engine);
        expect(stored).to.include.members(acknowledged);
        expect(new Set(stored).size).to.equal(stored.length);
        expect(stored.filter((id) => engine.failing.has(id))).to.deep.equal([]);
        const last = system.spawn(ledger());
        const sum = stored.reduce((all, id) => all + id, 0);
        expect(await last.work({ value: 0 })).to.deep.equal({ value: sum });
        await closeSystems();
      }),
      { numRuns: 40 },
    );
  });
});

/** Fails the write of certain events, before it stores anything. */
class FlakyEngine extends MemoryEngine {
  readonly failing = new Set<number>();

  override async persistAll(events: Parameters<MemoryEngine['persistAll']>[0]): Promise<void> {
    if (events.some(({ data }) => this.failing.has(idOf(data)))) throw new Error('the disk is full');
    await Promise.resolve();
    await super.persistAll(events);
  }
}

function storedIds(engine: MemoryEngine): number[] {
  return engine.events('ledger').map(({ data }) => idOf(data));
}

function idOf(data: unknown): number {
  const { bytes } = data as { readonly bytes: string };
  return decode(Row, Buffer.from(bytes, 'base64')).id;
}
