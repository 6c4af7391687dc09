import type { MessageType } from 'millrace/protocol';
import type { Codec, Sample } from './codec.js';

/** Envelopes as in the frame of a link: written into the frame, and read in place. */
export async function millraceCodec({ type, value, to, method, meta }: Sample): Promise<Codec> {
  const protocol = await import('millrace/protocol');
  const values = await import('../gen/values.js');
  const { readDelimitedEnvelope, readValue, writeDelimitedEnvelope } = protocol;
  const types: Record<Sample['type'], MessageType<object, object>> = { Blob: values.Blob, Trade: values.Trade };
  const messageType = types[type];
  const message = messageType.create(value);
  const frame = new Uint8Array(64 * 1_024);
  const writer = new protocol.WireWriter(frame);
  const reader = new protocol.WireReader();
  const valueReader = new protocol.WireReader();
  const header = new protocol.EnvelopeHeader();
  const view = new protocol.EnvelopeView();
  const toLow = Number(to & 0xffff_ffffn);
  const toHigh = Number(to >> 32n);
  const encode = (): number => {
    header.clear();
    header.hasTo = true;
    header.toLow = toLow;
    header.toHigh = toHigh;
    header.method = method;
    header.meta = meta;
    writer.rewind(0);
    if (writeDelimitedEnvelope(writer, header, messageType, message) !== 0) throw new Error('the frame is too small');
    return writer.size;
  };
  const size = encode();
  return {
    encode,
    decode: () => {
      readDelimitedEnvelope(reader.reset(frame, 0, size), view);
      return readValue(messageType, valueReader, frame, view.valueStart, view.valueEnd);
    },
  };
}
