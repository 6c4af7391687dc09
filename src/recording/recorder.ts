import { AsyncLocalStorage } from 'node:async_hooks';
import type { AnyBehavior, Stream, UntypedRef } from '../actors/kernel/index.js';
import type { RuntimeTap, SegmentCode, TappedSegment } from '../actors/runtime/index.js';
import type { AnyMethod, v1 } from '../protocol/index.js';
import type { Scheduler } from '../scheduler/index.js';
import { IsolatedScheduler } from './isolated-scheduler.js';
import { RecordedActor } from './recorded-actor.js';
import { recordedSegment } from './recorded-segment.js';
import { RECORDING_VERSION, writeEntry } from './recording-format.js';

export interface RecorderOptions {
  /** Names or paths of the actors and segments to record; `*` stands for any characters. */
  readonly actors: readonly string[];
  /** Gets the recording, piece by piece. Must not throw. */
  readonly write: (bytes: Uint8Array) => void;
  readonly header: Omit<v1.RecordingHeaderInit, 'version'>;
}

/**
 * Keeps what comes to chosen actors and segments, and what they do: the `tap` of an Executor. What a handler does after an `await` counts as its own,
 * too.
 *
 *     const recorder = new Recorder({ actors: ['pricing'], write: (bytes) => writeSync(file, bytes), header: {} });
 *     const executor = new Executor({ seed: 7, tap: recorder });
 */
export class Recorder implements RuntimeTap {
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
    if (!this.#isChosen(path)) return behavior;
    const actor = new RecordedActor({ number: this.#recorded++, path, acting: this.#acting, emit: this.#emit });
    return actor.behavior(behavior);
  }

  segment(segment: TappedSegment, code: SegmentCode, nowMs: () => number): SegmentCode {
    const path = `${segment.pipeline}/${segment.name}/${segment.instance}`;
    if (!this.#isChosen(path) && !this.#isChosen(`${segment.pipeline}/${segment.name}`)) return code;
    return recordedSegment({ number: this.#recorded++, path, nowMs, emit: this.#emit }, segment, code);
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

  #isChosen(path: string): boolean {
    return this.#patterns.some((pattern) => pattern.test(path));
  }

  readonly #emit = (event: v1.RecordedEventInit): void => this.#write(writeEntry({ case: 'event', value: event }));
}

/** Matches a whole path, or the name at its end. */
function patternOf(actor: string): RegExp {
  const parts = actor.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`(^|/)${parts.join('.*')}$`);
}
