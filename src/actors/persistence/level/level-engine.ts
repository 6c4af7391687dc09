import type { ClassicLevel } from 'classic-level';
import { MillraceError, PersistenceError, StoppedError } from '../../../errors.js';
import { messageOf } from '../../../foreign.js';
import type { PersistedEvent, PersistedSnapshot, PersistenceEngine } from '../store/index.js';
import { Commits, type Operation } from './commits.js';
import { LevelEvents } from './events.js';
import { LazyLevelEngine } from './lazy-engine.js';
import { type LevelOptions, openFolder, type Settings, settingsOf } from './open.js';
import { endOfRecords, readSnapshot, recordKey, sequenceNumberOf, writeEvent, writeSnapshot } from './records.js';

/** Keys whose last sequence number is cached, which saves a read of the store for each event. */
const KNOWN_KEYS = 4_096;

/**
 * Stores events and snapshots in a folder, through LevelDB: an engine for `configurePersistence` of Millrace and of nact. Acknowledged
 * data survives a crash of the process, and with `sync`, the default, a crash of the machine. Only one engine at a time can use a folder.
 *
 *     const engine = await LevelEngine.open('/var/lib/shop/events');
 *     configurePersistence(engine)(runtime);
 *     ...
 *     await runtime.stop();
 *     await engine.close();
 */
export class LevelEngine implements PersistenceEngine {
  readonly folder: string;
  readonly #db: ClassicLevel;
  readonly #settings: Settings;
  readonly #commits: Commits;
  readonly #lastNumbers = new Map<string, number>();
  #closing: Promise<void> | undefined;

  /**
   * Opens a folder, and creates it if it is missing. Rejects with PersistenceError when another engine uses it, or it cannot be read; with
   * ResourceError without the package `classic-level`; with ConfigError for an invalid option.
   */
  static async open(folder: string, options: LevelOptions = {}): Promise<LevelEngine> {
    const settings = settingsOf(options);
    return new LevelEngine(await openFolder(folder), folder, settings);
  }

  /**
   * An engine that opens the folder when an actor first needs it, for the component of an actor that is placed. Throws ConfigError for an invalid option.
   *
   *     const engine = LevelEngine.lazy('/var/lib/shop/events');
   *     export const account = component('account', import.meta.url, Account, () => persistent(Account, { ...definition, engine }));
   */
  static lazy(folder: string, options: LevelOptions = {}): LazyLevelEngine {
    settingsOf(options);
    return new LazyLevelEngine(folder, () => LevelEngine.open(folder, options));
  }

  private constructor(db: ClassicLevel, folder: string, settings: Settings) {
    this.folder = folder;
    this.#db = db;
    this.#settings = settings;
    // After a failed write the content of the store is unknown, so the cache is invalid.
    this.#commits = new Commits(db, settings.sync, () => this.#lastNumbers.clear());
  }

  events(key: string, offset = 0, limit: number = Number.POSITIVE_INFINITY, tags: readonly string[] = []): LevelEvents {
    this.#mustBeOpen();
    return new LevelEvents(this.#db, key, offset, limit, tags);
  }

  async latestSnapshot(key: string): Promise<PersistedSnapshot | undefined> {
    this.#mustBeOpen();
    const range = { gte: recordKey('snapshot', key, 0), lt: endOfRecords('snapshot', key), reverse: true, limit: 1 };
    for await (const [record, text] of this.#db.iterator(range)) {
      return readSnapshot(text, key, sequenceNumberOf(record));
    }
    return undefined;
  }

  /** Stores a snapshot, and deletes the key's oldest ones in the same write, beyond the number that is kept. */
  async takeSnapshot(snapshot: PersistedSnapshot): Promise<void> {
    const { key, sequenceNumber } = snapshot;
    const put: Operation = {
      type: 'put',
      key: recordKey('snapshot', key, sequenceNumber),
      value: writeSnapshot(snapshot),
    };
    await this.#commit(`snapshot ${sequenceNumber} of ${key}`, key, sequenceNumber, async () => {
      const older = await this.#db.keys({ gte: recordKey('snapshot', key, 0), lt: put.key, reverse: true }).all();
      return [
        put,
        ...older.slice(this.#settings.snapshots - 1).map((record) => ({ type: 'del', key: record }) as const),
      ];
    });
  }

  persist(event: PersistedEvent): Promise<void> {
    return this.persistAll([event]);
  }

  /** Stores all of these or none. Rejects with PersistenceError for a number that does not follow the key's last one: then another actor uses the key. */
  async persistAll(events: readonly PersistedEvent[]): Promise<void> {
    const puts = events.map((event): Operation => {
      return { type: 'put', key: recordKey('event', event.key, event.sequenceNumber), value: writeEvent(event) };
    });
    const { key = '', sequenceNumber = 0 } = events[0] ?? {};
    await this.#commit(`event ${sequenceNumber} of ${key}`, key, sequenceNumber, async () => {
      await this.#number(events);
      return puts;
    });
  }

  /** Resolves when all accepted changes are written, and the folder is closed. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#commits.close().then(() => this.#db.close());
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #commit(
    what: string,
    key: string,
    sequenceNumber: number,
    change: () => Promise<readonly Operation[]>,
  ): Promise<void> {
    try {
      await this.#commits.add(change);
    } catch (cause) {
      if (cause instanceof MillraceError) throw cause;
      const why = messageOf(cause);
      throw new PersistenceError(`${what} was not written to ${this.folder}: ${why}`, { cause, key, sequenceNumber });
    }
  }

  /** Verifies that each event follows the last one of its key, including those of the same write. */
  async #number(events: readonly PersistedEvent[]): Promise<void> {
    const numbers = new Map<string, number>();
    for (const { key, sequenceNumber } of events) {
      const last = numbers.get(key) ?? this.#lastNumbers.get(key) ?? (await this.#lastNumber(key));
      if (sequenceNumber !== last + 1) {
        throw new PersistenceError(
          `event ${sequenceNumber} of ${key} was refused, because the last one in the store is ${last}: another actor may use this key`,
          { key, sequenceNumber },
        );
      }
      numbers.set(key, sequenceNumber);
    }
    for (const [key, number] of numbers) this.#remember(key, number);
  }

  async #lastNumber(key: string): Promise<number> {
    const range = { gt: recordKey('event', key, 0), lt: endOfRecords('event', key), reverse: true, limit: 1 };
    const [record] = await this.#db.keys(range).all();
    return record === undefined ? 0 : sequenceNumberOf(record);
  }

  #remember(key: string, number: number): void {
    this.#lastNumbers.delete(key);
    this.#lastNumbers.set(key, number);
    if (this.#lastNumbers.size <= KNOWN_KEYS) return;
    for (const [oldest] of this.#lastNumbers) {
      this.#lastNumbers.delete(oldest);
      return;
    }
  }

  #mustBeOpen(): void {
    if (this.#closing !== undefined) throw new StoppedError(`the store in ${this.folder} is closed`);
  }
}
