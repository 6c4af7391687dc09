import { decode, type MessageType } from '../protocol/index.js';

/** A stream that a replayed actor reads. Its elements arrive as they did in the recording. */
export class ReplayedElements implements AsyncIterableIterator<unknown> {
  readonly #type: MessageType<unknown>;
  readonly #closed: () => void;
  /** Elements that were not read yet, and reads that wait for elements. */
  readonly #steps: (() => Promise<IteratorResult<unknown>>)[] = [];
  readonly #waiting: ((step: () => Promise<IteratorResult<unknown>>) => void)[] = [];

  /** `closed` is called when the actor stops reading. */
  constructor(type: MessageType<unknown>, closed: () => void) {
    this.#type = type;
    this.#closed = closed;
  }

  push(bytes: Uint8Array): void {
    this.#add(() => Promise.resolve({ value: decode(this.#type, bytes) }));
  }

  end(): void {
    this.#add(() => Promise.resolve({ done: true, value: undefined }));
  }

  fail(error: Error): void {
    this.#add(() => Promise.reject(error));
  }

  next(): Promise<IteratorResult<unknown>> {
    const step = this.#steps.shift();
    if (step !== undefined) return step();
    return new Promise((resolve) => this.#waiting.push((step) => resolve(step())));
  }

  return(): Promise<IteratorResult<unknown>> {
    this.#closed();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #add(step: () => Promise<IteratorResult<unknown>>): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#steps.push(step);
    else waiting(step);
  }
}
