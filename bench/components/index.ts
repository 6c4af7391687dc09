import type { Question } from '../harness/question.js';
import { askComponent } from './ask-component.js';
import { strategies } from './strategies.js';

/** Components by the network, and what the strategies of a governor do with a load. */
export const questions: readonly Question[] = [askComponent, strategies];
