import { ConfigError, ProtocolError } from '../errors.js';
import { limits } from '../limits.js';

/** A frame with one large message is longer than the message: the envelope headers come on top. */
export const LARGEST_FRAME_BYTES = limits.maxMessageBytes + limits.frameBytes;

/** The transmit buffer that a lane has lent to its caller. A lane lends one buffer at a time, and takes back only that one. */
export class BufferLease {
  readonly #peerAddress: () => string;
  #buffer: Uint8Array | undefined;

  /** `peerAddress` is for error messages. */
  constructor(peerAddress: () => string) {
    this.#peerAddress = peerAddress;
  }

  get isOut(): boolean {
    return this.#buffer !== undefined;
  }

  /** Throws ConfigError while a buffer is lent, ProtocolError for a frame that is too large. */
  check(sizeBytes: number): void {
    if (this.isOut) {
      throw new ConfigError(
        `A buffer of this lane to ${this.#peerAddress()} is already acquired: send it before you acquire another.`,
      );
    }
    if (!(sizeBytes <= LARGEST_FRAME_BYTES)) {
      throw new ProtocolError(`A frame of ${sizeBytes} bytes is too large: the limit is ${LARGEST_FRAME_BYTES} bytes.`);
    }
  }

  begin(buffer: Uint8Array): Uint8Array {
    this.#buffer = buffer;
    return buffer;
  }

  /** Throws ConfigError for any other buffer, or for a length past its end. */
  end(buffer: Uint8Array, length: number): void {
    if (buffer !== this.#buffer) {
      throw new ConfigError(
        `The buffer sent to ${this.#peerAddress()} is not the one that was acquired last on its lane: send that one.`,
      );
    }
    if (!(length >= 0 && length <= buffer.length)) {
      throw new ConfigError(`A buffer of ${buffer.length} bytes cannot hold a frame of ${length}.`);
    }
    this.#buffer = undefined;
  }
}
