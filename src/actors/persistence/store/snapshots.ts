import type { Context } from '../../kernel/index.js';
import type { PersistedSnapshot, PersistenceEngine } from './engine.js';

/** Takes the snapshots of one actor. A failure is logged, and the snapshot is tried again with the next message. */
export class Snapshots {
  readonly #engine: PersistenceEngine;
  readonly #actor: Context;
  readonly #every: number;
  readonly #encode: (state: unknown) => unknown;
  #takenAt = 0;
  #taking: Promise<void> | undefined;

  /** `every` events; 0 or undefined for no snapshots. */
  constructor(
    engine: PersistenceEngine,
    actor: Context,
    every: number | undefined,
    encode: (state: unknown) => unknown,
  ) {
    this.#engine = engine;
    this.#actor = actor;
    this.#every = every === undefined || every === 0 ? Number.POSITIVE_INFINITY : every;
    this.#encode = encode;
  }

  /** Resolves when the pending snapshot is stored, or has failed; undefined when none is pending. */
  get settled(): Promise<void> | undefined {
    return this.#taking;
  }

  /** The state was recovered from a snapshot. */
  restored({ sequenceNumber }: Pick<PersistedSnapshot, 'sequenceNumber'>): void {
    this.#takenAt = sequenceNumber;
  }

  /** Takes a snapshot if one is due. `state` must contain all events up to `sequenceNumber`, and all of them must be stored. */
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
      this.#actor.log.warn('a snapshot was not taken; the events are stored', {
        key,
        sequenceNumber,
        error,
      });
    }
    this.#taking = undefined;
  }
}
