import type { Question } from '../harness/question.js';
import { limits } from './limits.js';
import { latencies } from './measure.js';

/** Asks to an echo actor, one immediately after the other. */
export const askBusy: Question = latencies(
  {
    slug: 'ask-busy',
    metric: 'round trip (p50), both ends busy',
    unit: 'us',
    isMoreBetter: false,
    limits: limits('ucp_am_lat', ({ medianUs }) => medianUs * 2),
  },
  0,
);

/** A pause after which both ends are asleep. */
const PAUSE_MS = 2;

/** Asks to an echo actor, with pauses. */
export const askAsleep: Question = latencies(
  { slug: 'ask-asleep', metric: 'round trip (p50), both ends asleep', unit: 'us', isMoreBetter: false, limits: {} },
  PAUSE_MS,
);
