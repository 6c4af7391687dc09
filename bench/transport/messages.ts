/**
 * The format of messages for transports that carry bytes: a kind, a count, and a pattern that is the same in all messages of a size.
 *
 *     | kind u8 | 0 0 0 | count u32 | pattern ...
 */
export const Kind = {
  /** Announces that `count` messages follow. */
  announce: 0,
  /** A message that the receiver counts. */
  note: 1,
  /** A message that the receiver compares and counts. */
  piece: 2,
  /** Confirms that all announced messages have arrived. */
  confirm: 3,
  ask: 4,
  reply: 5,
} as const;

const COUNT_AT = 4;
const SHORTEST_BYTES = 64;

/** Makes a message in new memory. */
export function messageOf(kind: number, sizeBytes = SHORTEST_BYTES, count = 0): Uint8Array {
  const message = new Uint8Array(Buffer.allocUnsafeSlow(sizeBytes).buffer);
  for (let index = 0; index < sizeBytes; index += 1) message[index] = index * 31;
  message.fill(0, 0, COUNT_AT * 2);
  message[0] = kind;
  new DataView(message.buffer).setUint32(COUNT_AT, count);
  return message;
}

export function countIn(bytes: Uint8Array, start: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset + start).getUint32(COUNT_AT);
}

/** Compares every byte. */
export function assertEqual(expected: Uint8Array, bytes: Uint8Array, start = 0, length = bytes.length): void {
  const read = Buffer.from(bytes.buffer, bytes.byteOffset + start, length);
  if (read.compare(expected) !== 0) throw new Error('A message has arrived with different bytes than were sent.');
}

/** One reusable message per size. */
export class Messages {
  readonly #kind: number;
  readonly #bySize = new Map<number, Uint8Array>();

  constructor(kind: number) {
    this.#kind = kind;
  }

  of(sizeBytes: number): Uint8Array {
    const found = this.#bySize.get(sizeBytes);
    if (found !== undefined) return found;
    const made = messageOf(this.#kind, sizeBytes);
    this.#bySize.set(sizeBytes, made);
    return made;
  }
}
