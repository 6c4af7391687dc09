import { isAsyncIterable } from '../foreign.js';
import type { Stream } from '../actors/kernel/index.js';

/** Receives the end of a stream, once. */
export interface End {
  ended(): void;
  failed(error: unknown): void;
}

export function isStream(value: unknown): value is Stream<unknown> {
  return isAsyncIterable(value) && 'next' in value && Symbol.asyncDispose in value;
}

/** Wraps the reading end of a stream. It ends when the reader has all elements, leaves, or gets an error. */
export function tracedStream(stream: Stream<unknown>, end: End): Stream<unknown> {
  const step = endTracker(end);
  const traced: Stream<unknown> = {
    next: () => step(stream.next()),
    return: () => step(stream.return()),
    throw: (error) => step(stream.throw(error)),
    [Symbol.asyncIterator]: () => traced,
    [Symbol.asyncDispose]: async () => {
      await traced.return();
    },
  };
  return traced;
}

/** Wraps the serving end of a stream. Each step runs in the context of the handler. */
export function tracedIterable(
  iterable: AsyncIterable<unknown>,
  within: <Result>(step: () => Result) => Result,
  end: End,
): AsyncIterable<unknown> {
  return {
    [Symbol.asyncIterator]: () => {
      const iterator = within(() => iterable[Symbol.asyncIterator]());
      const step = endTracker(end);
      return {
        next: () => step(within(() => iterator.next())),
        ...(iterator.return && { return: (value: unknown) => step(within(() => returned(iterator, value))) }),
      };
    },
  };
}

function returned(iterator: AsyncIterator<unknown>, value: unknown): Promise<IteratorResult<unknown>> {
  return iterator.return?.(value) ?? Promise.resolve({ done: true, value });
}

function endTracker(end: End): <Result>(step: Promise<IteratorResult<Result>>) => Promise<IteratorResult<Result>> {
  let isOver = false;
  const once = (report: () => void): void => {
    if (!isOver) {
      isOver = true;
      report();
    }
  };
  return async (step) => {
    try {
      const result = await step;
      if (result.done === true) {
        once(() => end.ended());
      }
      return result;
    } catch (error) {
      once(() => end.failed(error));
      throw error;
    }
  };
}
