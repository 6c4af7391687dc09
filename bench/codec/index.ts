import type { Question } from '../harness/question.js';
import { decode } from './decode.js';
import { encode } from './encode.js';

/** What the envelope codec is asked, beside other ways to make bytes of a message. */
export const questions: readonly Question[] = [encode, decode];
