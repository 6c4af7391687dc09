import type { Question } from '../harness/question.js';
import { deliver } from './deliver.js';
import { readAll } from './read-all.js';

/** The questions about large values between two processes, or two threads of one process. */
export const questions: readonly Question[] = [deliver, readAll];
