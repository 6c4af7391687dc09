import { ConsumedError } from '../../errors.js';
import { decode, v1 } from '../../protocol/index.js';

/** Memory of a receiver on loan: a message in it is decoded, and the memory returned at once, so that a slow reader cannot keep it. */
export class TransientBuffer implements Disposable {
  #bytes: Uint8Array | undefined;
  readonly #returned: () => void;

  /** `returned` is called once, when the memory may be used again. */
  constructor(bytes: Uint8Array, returned: () => void) {
    this.#bytes = bytes;
    this.#returned = returned;
  }

  /** Throws ConsumedError after `dispose` and `toMessage`. */
  get bytes(): Uint8Array {
    if (this.#bytes !== undefined) return this.#bytes;
    throw new ConsumedError('A transient buffer was used after it was returned.');
  }

  /** Decodes the message, and returns the memory. Throws ProtocolError if it is malformed, and returns the memory then, too. */
  toMessage(): v1.DescriptorMessage {
    const { bytes } = this;
    try {
      return decode(v1.DescriptorMessage, bytes);
    } finally {
      this.dispose();
    }
  }

  /** Returns the memory. Does nothing the second time. */
  dispose(): void {
    if (this.#bytes === undefined) return;
    this.#bytes = undefined;
    this.#returned();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
