import type { Question } from '../harness/question.js';
import { idleCpu } from './idle-cpu.js';
import { importing } from './import.js';
import { start } from './start.js';

/** What embedding costs before and between messages. */
export const questions: readonly Question[] = [start, importing, idleCpu];
