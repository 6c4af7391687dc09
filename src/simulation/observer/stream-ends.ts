import { laterReply, type Stream } from '../../actors/kernel/index.js';
import type { ObservedStream, Streams } from './streams.js';

/** The reading end of a stream: forwards each call and records its result. */
export class ReadEnd implements Stream<unknown> {
  readonly #streams: Streams;
  readonly #stream: ObservedStream;
  readonly #inner: Stream<unknown>;

  constructor(streams: Streams, stream: ObservedStream, inner: Stream<unknown>) {
    this.#streams = streams;
    this.#stream = stream;
    this.#inner = inner;
  }

  async next(): Promise<IteratorResult<unknown, undefined>> {
    const waitedFrom = this.#streams.asked(this.#stream);
    try {
      const result = await this.#inner.next();
      if (result.done === true) this.#streams.completed(this.#stream, waitedFrom);
      else this.#streams.read(this.#stream, result.value, waitedFrom);
      return result;
    } catch (error) {
      this.#streams.failed(this.#stream, error, waitedFrom);
      throw error;
    }
  }

  return(): Promise<IteratorResult<unknown, undefined>> {
    this.#streams.left(this.#stream);
    return this.#inner.return();
  }

  throw(error?: unknown): Promise<IteratorResult<unknown, undefined>> {
    this.#streams.left(this.#stream);
    return this.#inner.throw(error);
  }

  [Symbol.asyncIterator](): Stream<unknown> {
    this.#inner[Symbol.asyncIterator]();
    return this;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#streams.left(this.#stream);
    return this.#inner[Symbol.asyncDispose]();
  }
}

/** The serving end of a stream: wraps the generator that the handler returned. */
export class ServedEnd implements AsyncIterableIterator<unknown> {
  readonly #streams: Streams;
  readonly #stream: ObservedStream;
  readonly #inner: AsyncIterator<unknown>;

  constructor(streams: Streams, stream: ObservedStream, inner: AsyncIterator<unknown>) {
    this.#streams = streams;
    this.#stream = stream;
    this.#inner = inner;
  }

  async next(): Promise<IteratorResult<unknown>> {
    try {
      const result = await this.#inner.next();
      if (result.done === true) this.#streams.serverEnded(this.#stream, 'complete');
      else this.#recordElement(result.value);
      return result;
    } catch (error) {
      this.#streams.serverEnded(this.#stream, 'failed');
      throw error;
    }
  }

  async return(): Promise<IteratorResult<unknown>> {
    const result = await this.#inner.return?.();
    this.#streams.serverEnded(this.#stream, 'cancelled');
    return result ?? { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** A deferred element is recorded when it is available. */
  #recordElement(value: unknown): void {
    const produced = (element: unknown): void => this.#streams.produced(this.#stream, element);
    const reply = laterReply(value);
    if (reply === undefined) produced(value);
    else reply.then(produced, () => {});
  }
}
