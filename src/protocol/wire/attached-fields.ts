import { copyOf } from './copy.js';

/** How fields become part of a message. `as they are`: all are in it. `copied`: it shares no memory with them. `lent`: only those that are borrowed do. */
export type Attaching = 'as they are' | 'copied' | 'lent';

/** The `bytes` fields of a message that have come beside it, by their positions in the message: see DetachedFields. */
export class AttachedFields {
  readonly #fields: ReadonlyMap<number, Uint8Array>;
  readonly #attaching: Attaching;
  readonly #lent: Uint8Array[] = [];

  constructor(fields: ReadonlyMap<number, Uint8Array>, attaching: Attaching) {
    this.#fields = fields;
    this.#attaching = attaching;
  }

  /** Bytes of all fields. */
  get sizeBytes(): number {
    let sum = 0;
    for (const { length } of this.#fields.values()) sum += length;
    return sum;
  }

  /** The fields that are in the message where they lie, because they are borrowed. */
  get lent(): readonly Uint8Array[] {
    return this.#lent;
  }

  /** The content of the field whose length is at this position of the message. */
  at(position: number): Uint8Array | undefined {
    const bytes = this.#fields.get(position);
    return bytes === undefined || this.#attaching === 'as they are' ? bytes : copyOf(bytes, 0, bytes.length);
  }

  /** As `at`, for a field that is borrowed. */
  borrowedAt(position: number): Uint8Array | undefined {
    const bytes = this.#fields.get(position);
    if (bytes === undefined || this.#attaching !== 'lent') return this.at(position);
    this.#lent.push(bytes);
    return bytes;
  }
}
