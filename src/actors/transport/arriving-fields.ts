import { MillraceError, ProtocolError } from '../../errors.js';
import { AttachedFields, attachFields, decode, type EnvelopeView, type MessageType, v1 } from '../../protocol/index.js';
import { ArrivingMessage, Loan } from '../kernel/index.js';
import type { MessageFields, ReceivedFields } from './message-fields.js';
import type { PeerLink } from './peer-link.js';

type AnyType = MessageType<unknown, unknown>;

/** A message whose large fields have come beside it: they are read when its turn has come, and copied into it or lent. */
export class ArrivingFields extends ArrivingMessage {
  readonly #type: AnyType;
  readonly #encoded: Uint8Array;
  readonly #positions: readonly number[];
  readonly #received: ReceivedFields;
  #opened: Promise<unknown> | undefined;
  #loan: Loan | undefined;

  constructor(type: AnyType, encoded: Uint8Array, positions: readonly number[], received: ReceivedFields) {
    super();
    this.#type = type;
    this.#encoded = encoded;
    this.#positions = positions;
    this.#received = received;
  }

  /** Of the fields. */
  get sizeBytes(): number {
    return this.#received.sizeBytes;
  }

  override open(lends: boolean): Promise<unknown> {
    this.#opened ??= this.#read(lends);
    return this.#opened;
  }

  override dispose(): void {
    (this.#loan ?? this.#received)[Symbol.dispose]();
  }

  async #read(lends: boolean): Promise<unknown> {
    try {
      const parts = await this.#received.open();
      const fields = new Map(parts.map((bytes, index) => [this.#positions[index] ?? -1, bytes]));
      const attached = new AttachedFields(fields, lends ? 'lent' : 'copied');
      const message = attachFields(this.#type, this.#encoded, attached);
      if (attached.lent.length > 0) this.#loan = new Loan(attached.lent, this.#received);
      return message;
    } finally {
      // What is lent is given back by `dispose`.
      if (this.#loan === undefined) this.dispose();
    }
  }
}

/** Where messages with large fields arrive. */
export interface FieldsArrival {
  readonly fields: MessageFields | undefined;
}

/** The message of an envelope whose large fields came beside it. Throws ProtocolError and UnreachableError as `MessageFields.receive`. */
export function arrivingFields(
  { fields }: FieldsArrival,
  { peer, name }: Pick<PeerLink, 'peer' | 'name'>,
  type: AnyType,
  bytes: Uint8Array,
  { detached = new Uint8Array(0), valueStart, valueEnd }: EnvelopeView,
): ArrivingFields {
  const { positions, value } = decode(v1.DetachedFields, detached);
  if (fields === undefined || value === undefined || peer?.ordinal === undefined)
    throw new ProtocolError(`${name.text} has sent fields beside a message, which it cannot have been asked for.`);
  const { ordinal, incarnation } = peer;
  const received = fields.receive({ ordinal, incarnation }, value);
  if (received.count === positions.length)
    return new ArrivingFields(type, bytes.slice(valueStart, valueEnd), positions, received);
  received[Symbol.dispose]();
  throw new ProtocolError(`${name.text} has sent ${received.count} fields beside a message for ${positions.length}.`);
}

/** Gives back what came beside an envelope that nobody reads. */
export function dropFields(arrival: FieldsArrival, peer: PeerLink, view: EnvelopeView): void {
  if (view.detached === undefined) return;
  try {
    arrivingFields(arrival, peer, v1.DetachedFields, view.detached, view).dispose();
  } catch (error) {
    // What was refused is not held.
    if (!(error instanceof MillraceError)) throw error;
  }
}

/** The message of an envelope as it arrived, for the process of its sender. Undefined for one whose large fields are not in it. */
export function encodedValue(
  bytes: Uint8Array,
  { detached, valueStart, valueEnd }: EnvelopeView,
): Uint8Array | undefined {
  return detached === undefined ? bytes.slice(valueStart, valueEnd) : undefined;
}
