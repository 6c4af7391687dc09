import type { Question } from '../harness/question.js';
import { askAsleep, askBusy } from './round-trips.js';
import { askPipelined } from './ask-pipelined.js';
import { oneWay } from './one-way.js';
import { stream } from './stream.js';

/** The questions about links between two processes, or two threads of one process. */
export const questions: readonly Question[] = [oneWay, askPipelined, askBusy, askAsleep, stream];
