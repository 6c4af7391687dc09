/**
 * What is sent where messages are bytes: the first says what a message is, a count follows, and the rest is the same in all messages
 * of a size.
 *
 *     | kind u8 | 0 0 0 | count u32 | pattern ...
 */
export const Kind = {
  /** So many messages follow. */
  announce: 0,
  /** To be counted. */
  note: 1,
  /** To be compared, and counted. */
  piece: 2,
  /** So many of what was announced have come: all. */
  confirm: 3,
  ask: 4,
  reply: 5,
} as const;

const COUNT_AT = 4;
const SHORTEST_BYTES = 64;

/** A message in memory of its own. */
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

/** Reads every byte. */
export function assertEqual(expected: Uint8Array, bytes: Uint8Array, start = 0, length = bytes.length): void {
  const read = Buffer.from(bytes.buffer, bytes.byteOffset + start, length);
  if (read.compare(expected) !== 0) throw new Error('A message arrived with other bytes than it was sent with.');
}

/** Messages of each size, made once. */
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
