import { HandlerError } from '#src/errors.js';
import { rejection } from '../../support/rejection.js';
import { type TestSystem, testSystem } from '../kernel/harness.js';
import {
  configurePersistence,
  MemoryEngine,
  type PersistedEvent,
  type PersistedSnapshot,
  type PersistenceEngine,
  persistent,
  type PersistentHandlers,
  type PersistentOptions,
} from '#src/actors/persistence/index.js';
import { Counting } from '../kernel/shop.js';
import { Row } from '../runtime/row.js';

/** The sum of all ids, and all keys, in the order of the events. */
export interface Ledger {
  readonly sum: number;
  readonly keys: readonly string[];
}

export type LedgerOptions = Partial<PersistentOptions<Ledger, Row, Partial<Row>>> &
  Partial<PersistentHandlers<typeof Counting, Ledger, Partial<Row>>>;

/** Keeps every value that it is sent as an event, and answers with the sum; `definition` apart. */
export function ledger(definition: LedgerOptions = {}) {
  return persistent<typeof Counting, Ledger, Row, Partial<Row>>(Counting, {
    id: 'ledger',
    events: Row,
    state: () => ({ sum: 0, keys: [] }),
    apply: ({ sum, keys }, { id, key }) => ({ sum: sum + id, keys: [...keys, key] }),
    push: async (_state, { value }, ctx) => void (await ctx.persist({ id: value, key: `pushed ${value}` })),
    work: async (_state, { value }, ctx) => {
      const { sum } = value === 0 ? ctx.state : await ctx.persist({ id: value, key: `worked ${value}` });
      return { value: sum };
    },
    async *count({ keys }) {
      for (const key of keys) yield { value: Number(key.split(' ')[1]) };
    },
    ...definition,
  });
}

/** A store that shows what it was given, that can hold and fail writes, and whose records a test can change. */
export class TestEngine extends MemoryEngine {
  /** The sequence numbers of each write. */
  readonly writes: number[][] = [];
  /** The offsets from which actors have read. */
  readonly reads: number[] = [];
  /** Writes wait for it. */
  held: Promise<unknown> = Promise.resolve();
  /** The writes that fail next. */
  failures: Error[] = [];
  /** Changes an event as it is read. */
  damage: (event: PersistedEvent) => PersistedEvent = (event) => event;

  override events(key: string, offset?: number): PersistedEvent[] {
    this.reads.push(offset ?? 0);
    return super.events(key, offset).map((event) => this.damage(event));
  }

  override async persistAll(events: readonly PersistedEvent[]): Promise<void> {
    this.writes.push(events.map(({ sequenceNumber }) => sequenceNumber));
    await this.held;
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
    await super.persistAll(events);
  }

  override async takeSnapshot(snapshot: PersistedSnapshot): Promise<void> {
    await this.held;
    await super.takeSnapshot(snapshot);
  }
}

/** A system whose persistent actors use `engine`. */
export function persistentSystem(engine: PersistenceEngine): TestSystem {
  const made = testSystem();
  configurePersistence(engine)(made.system);
  return made;
}

/** The error of a handler, as its caller gets it. */
export async function failureOf(call: Promise<unknown>): Promise<HandlerError> {
  const error = await rejection(call);
  if (!(error instanceof HandlerError)) throw error;
  return error;
}
