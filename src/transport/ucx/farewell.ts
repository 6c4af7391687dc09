import { ProtocolError } from '../../errors.js';
import { decode, encode, v1 } from '../../protocol/index.js';
import type { CloseReason } from '../transport.js';
import type { Companion } from '../companion/index.js';

/** What a link needs of the socket beside it. */
export interface FarewellListener {
  /** The other end has closed; with the number of frames of each lane that come first, where any do. */
  farewell(reason: CloseReason, frames: readonly bigint[]): void;
  /** The socket's other end is done, or the socket is gone. Without a farewell before: so is the process. */
  ended(): void;
  /** What came makes no sense. */
  nonsense(message: string): void;
}

const HEADER_BYTES = 4;
const LONGEST_BYTES = 2_048;
const LONGEST_MESSAGE = 500;

/**
 * The companion socket of an open link: it tells the end of the link, and its own end is that of the peer's process. No frame ever
 * travels on it.
 *
 *     | length LE (4) | millrace.v1.UcxFarewell |
 */
export class Farewells {
  readonly #companion: Companion;
  readonly #listener: FarewellListener;
  #unread: Uint8Array = new Uint8Array(0);
  #hasEnded = false;

  constructor(companion: Companion, listener: FarewellListener) {
    this.#companion = companion;
    this.#listener = listener;
    companion.socket
      .on('data', (bytes: Uint8Array) => this.#read(bytes))
      .on('end', () => this.#ended())
      .on('close', () => this.#ended());
    if (companion.unread.length > 0) this.#read(companion.unread);
    // It may have ended before anybody listened.
    if (companion.socket.destroyed || companion.socket.readableEnded) this.#ended();
    companion.socket.resume();
  }

  /** That went over the socket, either way. */
  get bytes(): number {
    return this.#companion.socket.bytesRead + this.#companion.socket.bytesWritten;
  }

  /** Tells the end of the link. */
  say(reason: CloseReason, frames: readonly number[]): void {
    const message = reason.kind === 'closed' ? '' : reason.message.slice(0, LONGEST_MESSAGE);
    const farewell = v1.UcxFarewell.create({ kind: reason.kind, message, frames: frames.map(BigInt) });
    const body = encode(v1.UcxFarewell, farewell);
    const record = new Uint8Array(HEADER_BYTES + body.length);
    new DataView(record.buffer).setUint32(0, body.length, true);
    record.set(body, HEADER_BYTES);
    this.#companion.socket.write(record);
  }

  /** Nothing more comes from this end. */
  finish(): void {
    this.#companion.socket.end();
  }

  destroy(): void {
    this.#companion.socket.destroy();
  }

  #ended(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#listener.ended();
  }

  #read(bytes: Uint8Array): void {
    this.#unread = this.#unread.length === 0 ? bytes : Buffer.concat([this.#unread, bytes]);
    if (this.#unread.length < HEADER_BYTES) return;
    const length = new DataView(this.#unread.buffer, this.#unread.byteOffset).getUint32(0, true);
    if (length > LONGEST_BYTES) return this.#nonsense(`a farewell of ${length} bytes`);
    if (this.#unread.length < HEADER_BYTES + length) return;
    const body = this.#unread.subarray(HEADER_BYTES, HEADER_BYTES + length);
    this.#unread = new Uint8Array(0);
    try {
      const { kind, message, frames } = decode(v1.UcxFarewell, body);
      this.#listener.farewell(reasonOf(kind, message), frames);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#nonsense(error.message);
    }
  }

  #nonsense(message: string): void {
    this.#unread = new Uint8Array(0);
    this.#listener.nonsense(message);
  }
}

function reasonOf(kind: string, message: string): CloseReason {
  if (kind === 'lost' || kind === 'protocol') return { kind, message };
  if (kind === 'closed') return { kind };
  throw new ProtocolError(`A farewell of the unknown kind "${kind}".`);
}
