import type { Question } from '../harness/question.js';
import { latencies } from './measure.js';

/** A pause after which both ends are asleep. */
const PAUSE_MS = 2;

/** Asks to an echo actor, with pauses. */
export const askAsleep: Question = latencies(
  { slug: 'ask-asleep', metric: 'round trip (p50), both ends asleep', unit: 'us', isMoreBetter: false, limits: {} },
  PAUSE_MS,
);
