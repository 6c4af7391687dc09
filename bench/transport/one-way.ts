import type { Question } from '../harness/question.js';
import { limits } from './limits.js';
import { rates } from './measure.js';

/** Messages without replies, as many as the other end can receive. */
export const oneWay: Question = rates(
  {
    slug: 'one-way',
    metric: 'messages received',
    unit: 'thousand a second',
    isMoreBetter: true,
    limits: limits('ucp_am_bw', ({ perSecond }) => perSecond / 1e3),
  },
  (client, sizeBytes, count) => client.tell(sizeBytes, count),
  (perSecond) => perSecond / 1e3,
);
