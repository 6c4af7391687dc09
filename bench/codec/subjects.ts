import type { Codec, Sample } from './codec.js';

/** Each codec is loaded separately, so that no process contains the library of another. */
export const codecs: Readonly<Record<string, (sample: Sample) => Codec | Promise<Codec>>> = {
  'millrace typed': async (sample) => (await import('./millrace.js')).millraceCodec(sample),
  'protobufjs static': async (sample) => (await import('./protobufjs-static.js')).staticCodec(sample),
  'protobufjs reflection': async (sample) => (await import('./protobufjs-reflection.js')).reflectionCodec(sample),
  'protobuf-es': async (sample) => (await import('./protobuf-es.js')).esCodec(sample),
  JSON: async (sample) => (await import('./json.js')).jsonCodec(sample),
  'v8.serialize': async (sample) => (await import('./v8.js')).v8Codec(sample),
};
