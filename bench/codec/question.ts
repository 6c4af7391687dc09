import type { Question, Subject } from '../harness/question.js';
import { rate, type Work } from '../harness/rate.js';
import type { Codec } from './codec.js';
import { isSame, samples } from './samples.js';
import { codecs } from './subjects.js';

/** Makes a question for all codecs and all samples. */
export function codecQuestion(slug: string, metric: string, work: (codec: Codec) => Work): Question {
  const subjects = Object.entries(codecs).map(([name, codecOf]): [string, Subject] => [
    name,
    async (effort, size) => {
      const sample = samples[size];
      if (sample === undefined) throw new Error(`there is no sample ${size}`);
      const codec = await codecOf(sample);
      if (!isSame(codec.decode(), sample)) throw new Error('the decoded value differs from the encoded one');
      return rate(effort, work(codec));
    },
  ]);
  return {
    slug,
    metric,
    unit: 'M/s',
    isMoreBetter: true,
    sizes: Object.keys(samples),
    peer: 'protobufjs static',
    subjects: Object.fromEntries(subjects),
  };
}
