import type { Question } from '../harness/question.js';
import { latencies } from './measure.js';

/** Long enough for both ends to fall asleep. */
const PAUSE_MS = 2;

/** Asking an echo now and then. */
export const askAsleep: Question = latencies(
  { slug: 'ask-asleep', metric: 'round trip (p50), both ends asleep', unit: 'us', isMoreBetter: false, limits: {} },
  PAUSE_MS,
);
