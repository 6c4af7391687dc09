import { findCount } from '../harness/count.js';
import type { Subject } from '../harness/question.js';
import { valueBytesOf } from './sizes.js';

/** Copies within one thread: what every copy of a value costs at least. */
export function memcpy(value: (of: { readonly msEach: number; readonly sizeBytes: number }) => number): Subject {
  return async (effort, size) => {
    const sizeBytes = valueBytesOf(size);
    const [from, to] = [Buffer.alloc(sizeBytes, 7), Buffer.alloc(sizeBytes)];
    const copy = (count: number): Promise<number> => {
      const startedAtMs = performance.now();
      for (let index = 0; index < count; index += 1) from.copy(to);
      return Promise.resolve(performance.now() - startedAtMs);
    };
    const count = await findCount(effort, 1, copy);
    return async () => value({ msEach: (await copy(count)) / count, sizeBytes });
  };
}
