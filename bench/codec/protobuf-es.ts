import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { Codec, Sample } from './codec.js';
import { registryOf } from './descriptors.js';
import { loadProtos } from './protos.js';

/** protobuf-es works from descriptors at run time, also with generated code. So these types are equivalent to generated ones. */
export async function esCodec({ type, value, to, method, meta }: Sample): Promise<Codec> {
  const root = await loadProtos();
  root.resolveAll();
  const registry = registryOf(root, ['millrace.v1', 'bench']);
  const envelope = registry.getMessage('millrace.v1.Envelope');
  const inner = registry.getMessage(`bench.${type}`);
  if (envelope === undefined || inner === undefined) throw new Error('the descriptors lack a type');
  const message = create(inner, { ...value });
  const encode = (): Uint8Array =>
    toBinary(envelope, create(envelope, { to, method, value: toBinary(inner, message), ...(meta && { meta }) }));
  const bytes = encode();
  return {
    encode: () => encode().length,
    decode: () => fromBinary(inner, (fromBinary(envelope, bytes) as unknown as { readonly value: Uint8Array }).value),
  };
}
