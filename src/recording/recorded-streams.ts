import { isAsyncIterable } from '../foreign.js';
import { laterReply, later, type Stream } from '../actors/kernel/index.js';
import type { v1 } from '../protocol/on-demand/index.js';
import { errorRecord } from './records.js';

/** The recorded result of one step of a stream. */
export type StepResult = NonNullable<v1.RecordedElementInit['result']>;

/** Receives the events of a stream that a recorded actor reads. */
export interface ReadLog {
  /** The stream was opened. Returns its number. */
  opened(): number;
  received(element: v1.RecordedElementInit): void;
  closed(number: number): void;
  valueOf(value: unknown): StepResult;
}

/** A stream that a recorded actor reads. */
export class RecordedReading implements Stream<unknown> {
  readonly #inner: Stream<unknown>;
  readonly #log: ReadLog;
  #number: number | undefined;

  constructor(inner: Stream<unknown>, log: ReadLog) {
    this.#inner = inner;
    this.#log = log;
  }

  async next(): Promise<IteratorResult<unknown, undefined>> {
    this.#number ??= this.#log.opened();
    const stream = this.#number;
    try {
      const step = await this.#inner.next();
      const result: StepResult = step.done === true ? { case: 'end', value: {} } : this.#log.valueOf(step.value);
      this.#log.received({ stream, result });
      return step;
    } catch (error) {
      this.#log.received({ stream, result: { case: 'error', value: errorRecord(error) } });
      throw error;
    }
  }

  return(): Promise<IteratorResult<unknown, undefined>> {
    this.#closed();
    return this.#inner.return();
  }

  throw(error?: unknown): Promise<IteratorResult<unknown, undefined>> {
    this.#closed();
    return this.#inner.throw(error);
  }

  [Symbol.asyncIterator](): Stream<unknown> {
    this.#inner[Symbol.asyncIterator]();
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  #closed(): void {
    if (this.#number !== undefined) this.#log.closed(this.#number);
  }
}

/** Receives the events of a stream that a recorded actor serves. */
export interface ServeLog {
  /** Resolves when the next step may be recorded. Absent where the actor does nothing else meanwhile. */
  turn?(): Promise<void>;
  pulled(): void;
  cancelled(): void;
  /** Runs code of the actor. */
  run<Result>(code: () => Result): Result;
  yielded(result: StepResult): void;
  valueOf(value: unknown): StepResult;
}

/** A stream that a recorded actor serves. */
export class RecordedServing implements AsyncIterableIterator<unknown> {
  readonly #inner: AsyncIterator<unknown>;
  readonly #log: ServeLog;
  /** What it has thrown. */
  failure: unknown;

  constructor(stream: AsyncIterable<unknown>, log: ServeLog) {
    this.#inner = stream[Symbol.asyncIterator]();
    this.#log = log;
  }

  async next(): Promise<IteratorResult<unknown>> {
    await this.#log.turn?.();
    this.#log.pulled();
    try {
      const step = await this.#log.run(() => this.#inner.next());
      if (step.done === true) this.#log.yielded({ case: 'end', value: {} });
      else {
        const reply = laterReply(step.value);
        if (reply !== undefined) return { value: later(reply.then(this.#replied, this.#failed)) };
        this.#replied(step.value);
      }
      return step;
    } catch (error) {
      return this.#failed(error);
    }
  }

  async return(): Promise<IteratorResult<unknown>> {
    await this.#log.turn?.();
    this.#log.cancelled();
    return this.#log.run(async () => (await this.#inner.return?.()) ?? { done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  readonly #replied = (value: unknown): unknown => {
    this.#log.yielded(this.#log.valueOf(value));
    return value;
  };

  readonly #failed = (error: unknown): never => {
    this.failure = error;
    this.#log.yielded({ case: 'error', value: errorRecord(error) });
    throw error;
  };
}

/** The source of the requests that a recorded actor sends with a call. */
export class RecordedSource implements AsyncIterable<unknown> {
  /** Number of the call, set when it is made. */
  number = 0;
  readonly #requests: AsyncIterable<unknown>;
  readonly #log: (number: number) => ServeLog;

  constructor(requests: AsyncIterable<unknown>, log: (number: number) => ServeLog) {
    this.#requests = requests;
    this.#log = log;
  }

  [Symbol.asyncIterator](): RecordedServing {
    return new RecordedServing(this.#requests, this.#log(this.number));
  }
}

export function isStream(value: unknown): value is Stream<unknown> {
  return isAsyncIterable(value) && 'next' in value && Symbol.asyncDispose in value;
}
