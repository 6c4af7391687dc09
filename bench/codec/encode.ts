import { codecQuestion } from './question.js';

/** Encoding: from a value to the bytes of its envelope. */
export const encode = codecQuestion('encode', 'envelopes encoded', (codec) => (count) => {
  const size = codec.encode();
  let completed = 0;
  for (let index = 0; index < count; index++) if (codec.encode() === size) completed++;
  return Promise.resolve(completed);
});
