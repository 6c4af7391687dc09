import { copyOf } from './copy.js';

/** The `bytes` fields of a message that have come beside it, by their positions in the message: see DetachedFields. */
export class AttachedFields {
  /** Where the message begins in what is read. */
  readonly #start: number;
  readonly #fields: ReadonlyMap<number, Uint8Array>;
  readonly #isCopied: boolean;

  /** Fields are copied into the message, or are in it as they are. */
  constructor(start: number, fields: ReadonlyMap<number, Uint8Array>, isCopied: boolean) {
    this.#start = start;
    this.#fields = fields;
    this.#isCopied = isCopied;
  }

  /** The content of the field whose length is at this position of what is read. */
  at(position: number): Uint8Array | undefined {
    const bytes = this.#fields.get(position - this.#start);
    return bytes === undefined || !this.#isCopied ? bytes : copyOf(bytes, 0, bytes.length);
  }
}
