import { ConfigError, ProtocolError } from '../errors.js';
import { limits } from '../limits.js';

/** A message's own frame may be longer than the message by what is around it. */
export const LARGEST_FRAME_BYTES = limits.maxMessageBytes + limits.frameBytes;

/** The transmit buffer of a lane while others write into it: one is out at a time, and comes back as it went. */
export class TransmitLoan {
  readonly #peerAddress: () => string;
  #buffer: Uint8Array | undefined;

  /** The address of the peer is for messages. */
  constructor(peerAddress: () => string) {
    this.#peerAddress = peerAddress;
  }

  get isOut(): boolean {
    return this.#buffer !== undefined;
  }

  /** ConfigError while a buffer is out, ProtocolError for a frame that is too large. */
  check(sizeBytes: number): void {
    if (this.isOut) {
      throw new ConfigError(`A buffer of this lane to ${this.#peerAddress()} is out already: send it before the next.`);
    }
    if (!(sizeBytes <= LARGEST_FRAME_BYTES)) {
      throw new ProtocolError(`A frame of ${sizeBytes} bytes is too large: the limit is ${LARGEST_FRAME_BYTES}.`);
    }
  }

  begin(buffer: Uint8Array): Uint8Array {
    this.#buffer = buffer;
    return buffer;
  }

  /** ConfigError for any other buffer, or a length past its end. */
  end(buffer: Uint8Array, length: number): void {
    if (buffer !== this.#buffer) {
      throw new ConfigError(`The buffer sent to ${this.#peerAddress()} is not the one that its lane gave out last.`);
    }
    if (!(length >= 0 && length <= buffer.length)) {
      throw new ConfigError(`A buffer of ${buffer.length} bytes cannot hold a frame of ${length}.`);
    }
    this.#buffer = undefined;
  }
}
