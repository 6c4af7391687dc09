import type { Codec, Sample } from './codec.js';
import { loadProtos } from './protos.js';

/** Types that protobufjs loads from .proto files and compiles at run time. */
export async function reflectionCodec({ type, value, to, method, meta }: Sample): Promise<Codec> {
  const root = await loadProtos();
  const envelope = root.lookupType('millrace.v1.Envelope');
  const inner = root.lookupType(`bench.${type}`);
  const message = inner.create(type === 'Blob' ? value : { ...value, account: Number(value.account) });
  const receiver = Number(to);
  const encode = (): Uint8Array =>
    envelope.encode({ to: receiver, method, value: inner.encode(message).finish(), ...(meta && { meta }) }).finish();
  const bytes = encode();
  return {
    encode: () => encode().length,
    decode: () => inner.decode((envelope.decode(bytes) as unknown as { readonly value: Uint8Array }).value),
  };
}
