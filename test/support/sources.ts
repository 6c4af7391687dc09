import { deferred } from './deferred.js';

export interface Source {
  readonly numbers: AsyncIterable<{ value: number }>;
  /** Steps that were asked for. */
  readonly asked: number;
  /** Times that it was told to stop. */
  readonly closed: number;
}

/** A source of requests that yields the numbers below `count`, and then waits until it is told to stop. */
export function silentAfter(count: number): Source {
  const source = { asked: 0, closed: 0 };
  const end = deferred<IteratorReturnResult<undefined>>();
  const done = { done: true, value: undefined } as const;
  const iterator: AsyncIterator<{ value: number }, undefined> = {
    next: () => {
      const value = source.asked++;
      return value < count ? Promise.resolve({ value: { value } }) : end.promise;
    },
    return: () => {
      source.closed++;
      end.resolve(done);
      return end.promise;
    },
  };
  return Object.assign(source, { numbers: { [Symbol.asyncIterator]: () => iterator } });
}

/** The numbers below `count`, after `step` for each. */
export async function* numbersBelow(
  count: number,
  step: (value: number) => unknown = () => {},
): AsyncGenerator<{ value: number }, void, void> {
  for (let value = 0; value < count; value++) {
    await step(value);
    yield { value };
  }
}
