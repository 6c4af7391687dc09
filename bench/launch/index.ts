import type { Question } from '../harness/question.js';
import { launch } from './local.js';
import { virtualLaunch } from './virtual.js';

/** Many processes, up and down. */
export const questions: readonly Question[] = [launch, virtualLaunch];
