import type { Context } from '../../kernel/index.js';
import type { PersistedSnapshot, PersistenceEngine } from './engine.js';

/** The snapshots of one actor. One that cannot be taken is logged, and tried again with the next message. */
export class Snapshots {
  readonly #engine: PersistenceEngine;
  readonly #actor: Context;
  readonly #every: number;
  readonly #encode: (state: unknown) => unknown;
  #takenAt = 0;
  #taking: Promise<void> | undefined;

  /** `every` events; Infinity for none. */
  constructor(engine: PersistenceEngine, actor: Context, every: number, encode: (state: unknown) => unknown) {
    this.#engine = engine;
    this.#actor = actor;
    this.#every = every;
    this.#encode = encode;
  }

  /** Resolves when none is on its way; undefined when that is so already. */
  get settled(): Promise<void> | undefined {
    return this.#taking;
  }

  /** The state was recovered from a snapshot. */
  restored({ sequenceNumber }: PersistedSnapshot): void {
    this.#takenAt = sequenceNumber;
  }

  /** Takes one if it is due. `state` knows of all events up to `sequenceNumber`, and all are stored. */
  consider(key: string, sequenceNumber: number, state: unknown): void {
    if (this.#taking !== undefined || sequenceNumber - this.#takenAt < this.#every) return;
    this.#taking = this.#take(key, sequenceNumber, state);
  }

  async #take(key: string, sequenceNumber: number, state: unknown): Promise<void> {
    const { scheduler } = this.#actor;
    try {
      const createdAt = Math.round(scheduler.epochMs + scheduler.now());
      const snapshot = { data: this.#encode(state), sequenceNumber, key, createdAt };
      await this.#actor.outside(Promise.resolve(this.#engine.takeSnapshot(snapshot)));
      this.#takenAt = sequenceNumber;
    } catch (error) {
      this.#actor.log.warn('a snapshot was not taken; the events are stored all the same', {
        key,
        sequenceNumber,
        error,
      });
    }
    this.#taking = undefined;
  }
}
