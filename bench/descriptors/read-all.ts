import type { Question } from '../harness/question.js';
import { between } from './between.js';
import { memcpy } from './memcpy.js';

/** Values in one direction. The writer fills each, and the reader compares every byte. */
export const readAll: Question = between({
  slug: 'read-all',
  metric: 'bytes of values, every one written and compared',
  unit: 'GB/s',
  isMoreBetter: true,
  limit: memcpy(({ msEach, sizeBytes }) => sizeBytes / msEach / 1e6),
  run: async (client, sizeBytes, count) => {
    const startedAtMs = performance.now();
    await client.stream(sizeBytes, count);
    return (sizeBytes * count) / (performance.now() - startedAtMs) / 1e6;
  },
});
