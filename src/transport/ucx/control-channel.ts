import { ProtocolError } from '../../errors.js';
import { decode, encode } from '../../protocol/index.js';
import { v1 } from '../../protocol/on-demand/index.js';
import type { CloseReason } from '../transport.js';
import type { PeerConnection } from '../handshake/index.js';

/** Callbacks of the control channel to its link. */
export interface ControlListener {
  /**
   * The peer has closed, after this many frames on each lane, and has taken so much of each. `frames` is empty if it does not count
   * them.
   */
  goodbye(reason: CloseReason, frames: readonly bigint[], taken: readonly bigint[]): void;
  /** A message has arrived: the peer is alive. */
  alive(): void;
  /** The socket has ended. Without a goodbye before, the peer's process has exited. */
  ended(): void;
  /** The peer has sent an invalid message. */
  protocolViolation(message: string): void;
}

const HEADER_BYTES = 4;
const LONGEST_BYTES = 2_048;
const LONGEST_MESSAGE = 500;

/**
 * The control channel of an open link, on the socket of its handshake. It carries the goodbye, and pings while the rings are silent. The
 * socket ends when the peer's process exits. Frames never travel on it.
 *
 *     | length LE (4) | millrace.v1.UcxControl |
 */
export class ControlChannel {
  readonly #connection: PeerConnection;
  readonly #listener: ControlListener;
  #unread: Uint8Array = new Uint8Array(0);
  #hasEnded = false;

  constructor(connection: PeerConnection, listener: ControlListener) {
    this.#connection = connection;
    this.#listener = listener;
    connection.socket
      .on('data', (bytes: Uint8Array) => this.#read(bytes))
      .on('end', () => this.#ended())
      .on('close', () => this.#ended());
    if (connection.unread.length > 0) this.#read(connection.unread);
    // The socket may have ended before we listened.
    if (connection.socket.destroyed || connection.socket.readableEnded) this.#ended();
    connection.socket.resume();
  }

  /** Bytes read from and written to the socket. */
  get bytes(): number {
    const { bytesRead = 0, bytesWritten = 0 } = this.#connection.socket;
    return bytesRead + bytesWritten;
  }

  /** Tells the peer that the link has closed. */
  goodbye(reason: CloseReason, frames: readonly number[], taken: readonly number[]): void {
    const message = reason.kind === 'closed' ? '' : reason.message.slice(0, LONGEST_MESSAGE);
    this.#send({ kind: reason.kind, message, frames: frames.map(BigInt), taken: taken.map(BigInt) });
  }

  /** Asks the peer for a pong. */
  ping(): void {
    this.#send({ kind: 'ping' });
  }

  /** Ends the socket after the messages sent so far. */
  finish(): void {
    this.#connection.socket.end();
  }

  destroy(): void {
    this.#connection.socket.destroy();
  }

  #send(message: v1.UcxControlInit): void {
    const body = encode(v1.UcxControl, v1.UcxControl.create(message));
    const record = new Uint8Array(HEADER_BYTES + body.length);
    new DataView(record.buffer).setUint32(0, body.length, true);
    record.set(body, HEADER_BYTES);
    this.#connection.socket.write(record);
  }

  #ended(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#listener.ended();
  }

  #read(bytes: Uint8Array): void {
    this.#unread = this.#unread.length === 0 ? bytes : Buffer.concat([this.#unread, bytes]);
    for (let body = this.#next(); body !== undefined; body = this.#next()) this.#onMessage(body);
  }

  /** Takes the next complete message. */
  #next(): Uint8Array | undefined {
    const unread = this.#unread;
    if (unread.length < HEADER_BYTES) return undefined;
    const end = HEADER_BYTES + new DataView(unread.buffer, unread.byteOffset).getUint32(0, true);
    if (end > HEADER_BYTES + LONGEST_BYTES) this.#violation(`a message of ${end - HEADER_BYTES} bytes`);
    if (this.#unread.length < end) return undefined;
    this.#unread = unread.subarray(end);
    return unread.subarray(HEADER_BYTES, end);
  }

  #onMessage(body: Uint8Array): void {
    try {
      const { kind, message, frames, taken } = decode(v1.UcxControl, body);
      if (kind === 'ping') this.#pong();
      else if (kind === 'pong') this.#listener.alive();
      else this.#listener.goodbye(reasonOf(kind, message), frames, taken);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#violation(error.message);
    }
  }

  /** Sends a pong if the socket is writable: a peer that pings and does not read must not fill memory. */
  #pong(): void {
    const { writable, writableLength } = this.#connection.socket;
    if (writable && writableLength === 0) this.#send({ kind: 'pong' });
    this.#listener.alive();
  }

  #violation(message: string): void {
    this.#unread = new Uint8Array(0);
    this.#listener.protocolViolation(message);
  }
}

function reasonOf(kind: string, message: string): CloseReason {
  if (kind === 'lost' || kind === 'protocol') return { kind, message };
  if (kind === 'closed') return { kind };
  throw new ProtocolError(`The message has the unknown kind "${kind}".`);
}
