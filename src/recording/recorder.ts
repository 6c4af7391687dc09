import { AsyncLocalStorage } from 'node:async_hooks';
import type { AnyBehavior, Stream, UntypedRef } from '../actors/kernel/index.js';
import {
  type InterceptedSegment,
  type InterceptorElsewhere,
  makingOf,
  type RuntimeInterceptor,
  type SegmentCode,
} from '../actors/runtime/index.js';
import type { AnyMethod } from '../protocol/index.js';
import type { v1 } from '../protocol/on-demand/index.js';
import { type Scheduler, systemEntropy } from '../scheduler/index.js';
import { IsolatedScheduler } from './isolated-scheduler.js';
import { RecordedActor } from './recorded-actor.js';
import { recordedSegment } from './recorded-segment.js';
import { RECORDING_VERSION, writeEntry } from './recording-format.js';

export interface RecorderOptions {
  /** Names or paths of the actors and segments to record; `*` stands for any characters. */
  readonly actors: readonly string[];
  /** Receives the recording in parts. Must not throw. */
  readonly write: (bytes: Uint8Array) => void;
  readonly header: Omit<v1.RecordingHeaderInit, 'version'>;
  /** How partitions on threads and in processes record; undefined: they cannot. `part` is one that is about to start. */
  readonly elsewhere?: {
    readonly url: string;
    /** Undefined: no more partitions are recorded. */
    settings(part: v1.RecordedPart): string | undefined;
    failed(message: string): void;
  };
}

/**
 * Records the inputs and actions of chosen actors and segments. Use it as the `interceptor` of an Executor. It also records what a handler does
 * after an `await`.
 *
 *     const recorder = new Recorder({ actors: ['pricing'], write: (bytes) => writeSync(file, bytes), header: {} });
 *     const executor = new Executor({ seed: 7, interceptor: recorder });
 */
export class Recorder implements RuntimeInterceptor {
  readonly #patterns: readonly RegExp[];
  readonly #write: RecorderOptions['write'];
  readonly #currentActor = new AsyncLocalStorage<RecordedActor>();
  readonly elsewhere: InterceptorElsewhere | undefined;
  #recorded = 0;
  #parts = 0;

  constructor({ actors, write, header, elsewhere }: RecorderOptions) {
    this.elsewhere = elsewhere && {
      url: elsewhere.url,
      settings: () => {
        const part = { number: this.#parts + 1, token: Buffer.from(systemEntropy(16)).toString('hex') };
        const settings = elsewhere.settings(part);
        if (settings === undefined) return undefined;
        this.#parts = part.number;
        write(writeEntry({ case: 'part', value: part }));
        return settings;
      },
      failed: (message) => elsewhere.failed(message),
    };
    this.#patterns = actors.map(patternOf);
    this.#write = write;
    write(writeEntry({ case: 'header', value: { ...header, version: RECORDING_VERSION } }));
  }

  /** The number of actors and segments recorded so far. */
  get recorded(): number {
    return this.#recorded;
  }

  scheduler(scheduler: Scheduler): Scheduler {
    return new IsolatedScheduler(scheduler);
  }

  spawned(path: string, behavior: AnyBehavior): AnyBehavior {
    if (!this.#isChosen(path)) return behavior;
    const actor = new RecordedActor({
      number: this.#recorded++,
      path,
      making: makingOf(behavior),
      currentActor: this.#currentActor,
      emit: this.#emit,
    });
    return actor.behavior(behavior);
  }

  segment(segment: InterceptedSegment, code: SegmentCode, nowMs: () => number): SegmentCode {
    const path = `${segment.pipeline}/${segment.name}/${segment.instance}`;
    if (!this.#isChosen(path) && !this.#isChosen(`${segment.pipeline}/${segment.name}`)) return code;
    return recordedSegment({ number: this.#recorded++, path, nowMs, emit: this.#emit }, segment, code);
  }

  onTell(to: UntypedRef, method: AnyMethod, message: unknown): void {
    this.#currentActor.getStore()?.onTell(to, method, message);
  }

  onAsk(to: UntypedRef, method: AnyMethod, message: unknown, reply: Promise<unknown>): void {
    this.#currentActor.getStore()?.onAsk(to, method, message, reply);
  }

  onRequests(_to: UntypedRef, method: AnyMethod, source: unknown): unknown {
    const actor = this.#currentActor.getStore();
    return actor === undefined ? source : actor.onRequests(method, source);
  }

  onStream(to: UntypedRef, method: AnyMethod, message: unknown, stream: Stream<unknown>): Stream<unknown> {
    return this.#currentActor.getStore()?.onStream(to, method, message, stream) ?? stream;
  }

  #isChosen(path: string): boolean {
    return this.#patterns.some((pattern) => pattern.test(path));
  }

  readonly #emit = (event: v1.RecordedEventInit): void => this.#write(writeEntry({ case: 'event', value: event }));
}

/** Matches a whole path, or the last part of it. */
function patternOf(actor: string): RegExp {
  const parts = actor.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`(^|/)${parts.join('.*')}$`);
}
