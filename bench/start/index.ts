import type { Question } from '../harness/question.js';
import { idleCpu } from './idle-cpu.js';
import { importing } from './import.js';
import { start } from './start.js';

/** The cost of embedding, before and between messages. */
export const questions: readonly Question[] = [start, importing, idleCpu];
