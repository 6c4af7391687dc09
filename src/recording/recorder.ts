import { AsyncLocalStorage } from 'node:async_hooks';
import type { AnyBehavior, Stream, Tap, UntypedRef } from '../actors/kernel/index.js';
import type { AnyMethod, v1 } from '../protocol/index.js';
import type { Scheduler } from '../scheduler/index.js';
import { IsolatedScheduler } from './isolated-scheduler.js';
import { RecordedActor } from './recorded-actor.js';
import { RECORDING_VERSION, writeEntry } from './recording-format.js';

export interface RecorderOptions {
  /** Names or paths of the actors to record; `*` stands for any characters. */
  readonly actors: readonly string[];
  /** Gets the recording, piece by piece. Must not throw. */
  readonly write: (bytes: Uint8Array) => void;
  readonly header: Omit<v1.RecordingHeaderInit, 'version'>;
}

/**
 * Keeps what comes to chosen actors, and what they do: the `tap` of an Executor. What a handler does after an `await` counts as its own,
 * too.
 *
 *     const recorder = new Recorder({ actors: ['pricing'], write: (bytes) => writeSync(file, bytes), header: {} });
 *     const executor = new Executor({ seed: 7, tap: recorder });
 */
export class Recorder implements Tap {
  readonly #patterns: readonly RegExp[];
  readonly #write: RecorderOptions['write'];
  readonly #acting = new AsyncLocalStorage<RecordedActor>();
  #recorded = 0;

  constructor({ actors, write, header }: RecorderOptions) {
    this.#patterns = actors.map(patternOf);
    this.#write = write;
    write(writeEntry({ case: 'header', value: { ...header, version: RECORDING_VERSION } }));
  }

  /** Actors that were recorded so far. */
  get recorded(): number {
    return this.#recorded;
  }

  scheduler(scheduler: Scheduler): Scheduler {
    return new IsolatedScheduler(scheduler);
  }

  spawned(path: string, behavior: AnyBehavior): AnyBehavior {
    if (!this.#patterns.some((pattern) => pattern.test(path))) return behavior;
    const actor = new RecordedActor({
      number: this.#recorded++,
      path,
      acting: this.#acting,
      emit: (event) => this.#write(writeEntry({ case: 'event', value: event })),
    });
    return actor.behavior(behavior);
  }

  told(to: UntypedRef, method: AnyMethod, message: unknown): void {
    this.#acting.getStore()?.told(to, method, message);
  }

  asked(to: UntypedRef, method: AnyMethod, message: unknown, reply: Promise<unknown>): void {
    this.#acting.getStore()?.asked(to, method, message, reply);
  }

  streamed(to: UntypedRef, method: AnyMethod, message: unknown, stream: Stream<unknown>): Stream<unknown> {
    return this.#acting.getStore()?.streamed(to, method, message, stream) ?? stream;
  }
}

/** Matches a whole path, or the name at its end. */
function patternOf(actor: string): RegExp {
  const parts = actor.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`(^|/)${parts.join('.*')}$`);
}
