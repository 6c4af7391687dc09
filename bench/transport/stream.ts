import type { Question } from '../harness/question.js';
import { limits } from './limits.js';
import { rates } from './measure.js';
import { bytesOf } from './sizes.js';

/** Messages in one direction. The receiver compares every byte. */
export const stream: Question = rates(
  {
    slug: 'stream',
    metric: 'bytes streamed, and every one compared',
    unit: 'GB/s',
    isMoreBetter: true,
    limits: limits('ucp_am_bw', ({ perSecond }, size) => (perSecond * bytesOf(size)) / 1e9),
  },
  (client, sizeBytes, count) => client.stream(sizeBytes, count),
  (perSecond, sizeBytes) => (perSecond * sizeBytes) / 1e9,
);
