import type { Codec, Sample } from './codec.js';

interface Parsed {
  readonly value: { data: string } | { account: string };
}

/** JSON in UTF-8. As in protobuf's JSON mapping, bytes are base64 and 64-bit numbers are strings. */
export function jsonCodec(sample: Sample): Codec {
  const { type, value, to, method, meta } = sample;
  const plain =
    type === 'Blob'
      ? () => ({ data: Buffer.from(value.data.buffer).toString('base64') })
      : () => ({ ...value, account: String(value.account) });
  const encode = (): Buffer => Buffer.from(JSON.stringify({ to: String(to), method, value: plain(), meta }));
  const bytes = encode();
  const decode = (): object => {
    const parsed = JSON.parse(bytes.toString()) as Parsed;
    return 'data' in parsed.value
      ? { data: Buffer.from(parsed.value.data, 'base64') }
      : { ...parsed.value, account: BigInt(parsed.value.account) };
  };
  return { encode: () => encode().length, decode };
}
