/** The encoded beginning of many envelopes. The schema is protos/millrace/v1/envelope.proto. */
import { type EnvelopeControl, type EnvelopeMode, NO_CHAIN } from './envelope.js';
import { type DetachedFields, WireWriter } from './wire/index.js';

/** Bytes of `to`, of a mode, and of a method number. */
const LARGEST_BYTES = 9 + 2 + 6;

/** The receiver and the method of envelopes. The peer must know the number of the method. */
export interface PrefixTarget {
  /** The id of the actor as low and high 32 bits, signed or not. */
  readonly toLow: number;
  readonly toHigh: number;
  readonly method: number;
}

/**
 * The beginning of many envelopes, encoded once: of tells or asks to one actor with one method, of replies, or of elements. An envelope is these
 * bytes, the sender, a value, and the control fields below, which are set for each envelope.
 */
export class EnvelopePrefix implements EnvelopeControl {
  readonly mode: EnvelopeMode;
  readonly bytes: Uint8Array;
  /** The sender's id as an encoded field. */
  from: Uint8Array | undefined = undefined;
  correlation = 0;
  remainingMicroseconds: number = Number.POSITIVE_INFINITY;
  sentMs = -1;
  chain: readonly bigint[] = NO_CHAIN;
  sequence = 0;
  /** Encoded bytes of the last value and of its envelope: the next one likely takes as many. */
  valueBytes = 0;
  sizeBytes = 0;
  /** Its large fields are never stored: an envelope that has some is written with a header. */
  readonly detached = undefined;
  /** Takes the large fields of the value when it is written; undefined where they stay in it. */
  detaching: DetachedFields | undefined = undefined;

  constructor(mode: EnvelopeMode, target?: PrefixTarget) {
    this.mode = mode;
    const writer = new WireWriter(new Uint8Array(LARGEST_BYTES));
    if (target !== undefined) writer.tag(9).fixed64Parts(target.toLow, target.toHigh);
    if (mode !== 0) writer.tag(24).uint32(mode);
    if (target !== undefined) writer.tag(32).uint32(target.method);
    this.bytes = writer.bytes.slice(0, writer.position);
  }
}

/** The field `from` of an envelope, encoded. */
export function encodedSender(fromLow: number, fromHigh: number): Uint8Array {
  const writer = new WireWriter(new Uint8Array(9));
  writer.tag(17).fixed64Parts(fromLow, fromHigh);
  return writer.bytes;
}
