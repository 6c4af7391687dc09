import type { EventStream, PersistedEvent, PersistedSnapshot, PersistenceEngine } from '../store/index.js';
import type { LevelEngine } from './level-engine.js';

/**
 * An engine on LevelDB that opens its folder when an actor first needs it: a module that many partitions import can have one, and only the partition in
 * which the actor runs opens the folder. When the folder cannot be opened, the actor fails, and the next use tries again.
 */
export class LazyLevelEngine implements PersistenceEngine {
  readonly folder: string;
  readonly #open: () => Promise<LevelEngine>;
  #opened: Promise<LevelEngine> | undefined;

  /** Made by `LevelEngine.lazy`. */
  constructor(folder: string, open: () => Promise<LevelEngine>) {
    this.folder = folder;
    this.#open = open;
  }

  events(key: string, offset = 0, limit: number = Number.POSITIVE_INFINITY, tags: readonly string[] = []): EventStream {
    const opened = (): Promise<LevelEngine> => this.#engine();
    return {
      async *[Symbol.asyncIterator](): AsyncGenerator<PersistedEvent, undefined> {
        const engine = await opened();
        yield* engine.events(key, offset, limit, tags);
      },
      async reduce(callback, initial) {
        const engine = await opened();
        return engine.events(key, offset, limit, tags).reduce(callback, initial);
      },
    };
  }

  async latestSnapshot(key: string): Promise<PersistedSnapshot | undefined> {
    return (await this.#engine()).latestSnapshot(key);
  }

  async takeSnapshot(snapshot: PersistedSnapshot): Promise<void> {
    await (await this.#engine()).takeSnapshot(snapshot);
  }

  async persist(event: PersistedEvent): Promise<void> {
    await (await this.#engine()).persist(event);
  }

  async persistAll(events: readonly PersistedEvent[]): Promise<void> {
    await (await this.#engine()).persistAll(events);
  }

  /** Closes the folder, if it is open; the next use opens it again. */
  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    await (await opened?.catch(() => undefined))?.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #engine(): Promise<LevelEngine> {
    if (this.#opened === undefined) {
      const opened = this.#open();
      this.#opened = opened;
      opened.catch(() => {
        if (this.#opened === opened) this.#opened = undefined;
      });
    }
    return this.#opened;
  }
}
