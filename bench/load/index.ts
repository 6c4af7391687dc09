import type { Question } from '../harness/question.js';
import { fairness } from './fairness.js';
import { overload } from './overload.js';

/** Questions about an actor that is given more than it can do. */
export const questions: readonly Question[] = [overload, fairness];
