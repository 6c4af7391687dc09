/** The encoded beginning of many envelopes. The schema is protos/millrace/v1/envelope.proto. */
import { EnvelopeMode } from './envelope.js';
import { type DetachedFields, WireWriter } from './wire/index.js';

/** Bytes of `to`, and of a method number. */
const LARGEST_BYTES = 9 + 6;

/**
 * The beginning of tells to one actor with one method, encoded once: a tell is these bytes and its value. The peer must know the number of
 * the method.
 */
export class EnvelopePrefix {
  readonly mode: EnvelopeMode = EnvelopeMode.tell;
  readonly bytes: Uint8Array;
  /** Of the next tell: its sender's id as an encoded field. */
  from: Uint8Array | undefined = undefined;
  /** Encoded bytes of the last value and of its envelope: the next one likely takes as many. */
  valueBytes = 0;
  sizeBytes = 0;
  /** Its large fields are never stored: a tell that has some is written with a header. */
  readonly detached = undefined;
  /** Takes the large fields of the value when it is written; undefined where they stay in it. */
  detaching: DetachedFields | undefined = undefined;

  /** The id of the actor as low and high 32 bits, signed or not. */
  constructor(toLow: number, toHigh: number, method: number) {
    const writer = new WireWriter(new Uint8Array(LARGEST_BYTES));
    writer.tag(9).fixed64Parts(toLow, toHigh).tag(32).uint32(method);
    this.bytes = writer.bytes.slice(0, writer.position);
  }
}

/** The field `from` of an envelope, encoded. */
export function encodedSender(fromLow: number, fromHigh: number): Uint8Array {
  const writer = new WireWriter(new Uint8Array(9));
  writer.tag(17).fixed64Parts(fromLow, fromHigh);
  return writer.bytes;
}
