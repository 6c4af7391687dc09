import type { Question } from '../harness/question.js';
import { between } from './between.js';
import { memcpy } from './memcpy.js';

/** From the call that writes a value until the writer knows that the reader has it in front of it: the median, one after the other. */
export const deliver: Question = between({
  slug: 'deliver',
  metric: 'write to readable view, and its confirmation',
  unit: 'us',
  isMoreBetter: false,
  limit: memcpy(({ msEach }) => msEach * 1_000),
  run: async (client, sizeBytes, count) => {
    const takenMs = new Float64Array(count);
    for (let index = 0; index < count; index += 1) {
      const startedAtMs = performance.now();
      await client.tell(sizeBytes, 1);
      takenMs[index] = performance.now() - startedAtMs;
    }
    return (takenMs.sort()[count >> 1] ?? Number.NaN) * 1_000;
  },
});
