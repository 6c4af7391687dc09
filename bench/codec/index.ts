import type { Question } from '../harness/question.js';
import { decode } from './decode.js';
import { encode } from './encode.js';
import { view } from './view.js';

/** The questions about the envelope codec, in comparison with other codecs. */
export const questions: readonly Question[] = [encode, decode, view];
