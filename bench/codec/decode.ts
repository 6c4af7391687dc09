import { codecQuestion } from './question.js';

/** Decoding: from the bytes of an envelope to the value that a handler receives. */
export const decode = codecQuestion('decode', 'envelopes decoded', (codec) => (count) => {
  const last: { value: object } = { value: {} };
  for (let index = 0; index < count; index++) last.value = codec.decode();
  return Promise.resolve(Object.keys(last.value).length > 0 ? count : 0);
});
