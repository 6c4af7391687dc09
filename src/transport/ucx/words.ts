import { ProtocolError } from '../../errors.js';
import { decode, encode, v1 } from '../../protocol/index.js';
import type { CloseReason } from '../transport.js';
import type { Companion } from '../companion/index.js';

/** What a link needs of the socket beside it. */
export interface WordListener {
  /** The other end has closed; with the number of frames of each lane that come first, where any do. */
  farewell(reason: CloseReason, frames: readonly bigint[]): void;
  /** The other end is alive. */
  heard(): void;
  /** The socket's other end is done, or the socket is gone. Without a farewell before: so is the process. */
  ended(): void;
  /** What came makes no sense. */
  nonsense(message: string): void;
}

const HEADER_BYTES = 4;
const LONGEST_BYTES = 2_048;
const LONGEST_MESSAGE = 500;

/**
 * The companion socket of an open link: it tells the end of the link, and that a peer which sends nothing is alive. Its own end is that
 * of the peer's process. No frame ever travels on it.
 *
 *     | length LE (4) | millrace.v1.UcxWord |
 */
export class Words {
  readonly #companion: Companion;
  readonly #listener: WordListener;
  #unread: Uint8Array = new Uint8Array(0);
  #hasEnded = false;

  constructor(companion: Companion, listener: WordListener) {
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
  farewell(reason: CloseReason, frames: readonly number[]): void {
    const message = reason.kind === 'closed' ? '' : reason.message.slice(0, LONGEST_MESSAGE);
    this.#say({ kind: reason.kind, message, frames: frames.map(BigInt) });
  }

  /** Asks whether the other end is alive. */
  ping(): void {
    this.#say({ kind: 'ping' });
  }

  /** Nothing more comes from this end. */
  finish(): void {
    this.#companion.socket.end();
  }

  destroy(): void {
    this.#companion.socket.destroy();
  }

  #say(word: v1.UcxWordInit): void {
    const body = encode(v1.UcxWord, v1.UcxWord.create(word));
    const record = new Uint8Array(HEADER_BYTES + body.length);
    new DataView(record.buffer).setUint32(0, body.length, true);
    record.set(body, HEADER_BYTES);
    this.#companion.socket.write(record);
  }

  #ended(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#listener.ended();
  }

  #read(bytes: Uint8Array): void {
    this.#unread = this.#unread.length === 0 ? bytes : Buffer.concat([this.#unread, bytes]);
    for (let word = this.#next(); word !== undefined; word = this.#next()) this.#hear(word);
  }

  /** The next word that is whole. */
  #next(): Uint8Array | undefined {
    const unread = this.#unread;
    if (unread.length < HEADER_BYTES) return undefined;
    const end = HEADER_BYTES + new DataView(unread.buffer, unread.byteOffset).getUint32(0, true);
    if (end > HEADER_BYTES + LONGEST_BYTES) this.#nonsense(`a word of ${end - HEADER_BYTES} bytes`);
    if (this.#unread.length < end) return undefined;
    this.#unread = unread.subarray(end);
    return unread.subarray(HEADER_BYTES, end);
  }

  #hear(body: Uint8Array): void {
    try {
      const { kind, message, frames } = decode(v1.UcxWord, body);
      if (kind === 'ping') this.#answer();
      else if (kind === 'pong') this.#listener.heard();
      else this.#listener.farewell(reasonOf(kind, message), frames);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#nonsense(error.message);
    }
  }

  /** One that asks on and on, and does not read, is answered once. */
  #answer(): void {
    const { writable, writableLength } = this.#companion.socket;
    if (writable && writableLength === 0) this.#say({ kind: 'pong' });
    this.#listener.heard();
  }

  #nonsense(message: string): void {
    this.#unread = new Uint8Array(0);
    this.#listener.nonsense(message);
  }
}

function reasonOf(kind: string, message: string): CloseReason {
  if (kind === 'lost' || kind === 'protocol') return { kind, message };
  if (kind === 'closed') return { kind };
  throw new ProtocolError(`A word of the unknown kind "${kind}".`);
}
