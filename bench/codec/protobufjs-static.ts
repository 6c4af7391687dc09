import type { Codec, Sample } from './codec.js';

/** What the generator of protobufjs made: a value into bytes, which go into an envelope. */
export async function staticCodec({ type, value, to, method, meta }: Sample): Promise<Codec> {
  const { bench, millrace } = await import('../gen/protobufjs.js');
  const { Envelope } = millrace.v1;
  const inner =
    type === 'Blob' ? codecOf(bench.Blob, value) : codecOf(bench.Trade, { ...value, account: Number(value.account) });
  const receiver = Number(to);
  const encode = (): Uint8Array =>
    Envelope.encode({ to: receiver, method, value: inner.encode(), ...(meta && { meta }) }).finish();
  const bytes = encode();
  return { encode: () => encode().length, decode: () => inner.decode(Envelope.decode(bytes).value) };
}

interface StaticType<Properties, Message extends object> {
  create(properties: Properties): Message;
  encode(message: Message): { finish(): Uint8Array };
  decode(bytes: Uint8Array): Message;
}

function codecOf<Properties, Message extends object>(type: StaticType<Properties, Message>, properties: Properties) {
  const message = type.create(properties);
  return { encode: () => type.encode(message).finish(), decode: (bytes: Uint8Array): object => type.decode(bytes) };
}
