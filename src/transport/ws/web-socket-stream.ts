import { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { ProtocolError } from '../../errors.js';

const END = new Uint8Array(0);
const NORMAL_CLOSURE = 1000;
/** Bytes up to which writes are joined. */
const JOINED_BYTES = 16 * 1024;

interface Chunk {
  readonly chunk: Uint8Array;
}

/**
 * The bytes of a WebSocket as a stream. Each end sends binary messages of at most `limits.webSocketMessageBytes`. An empty message is the end
 * of its bytes; the closing handshake of WebSocket comes when both ends have sent that, because whoever receives a close frame can
 * send nothing more.
 *
 *     message ... message, empty message -->
 *                 <-- message ... message, empty message
 *     close <----------------------------------> close
 */
export class WebSocketStream extends Duplex {
  readonly #socket: WebSocket;
  /** The socket below: what is written in one turn leaves in one system call. */
  #carrier: Duplex | undefined;
  #isEndReceived = false;
  #isEndSent = false;

  constructor(socket: WebSocket) {
    super({ allowHalfOpen: false });
    this.#socket = socket;
    socket
      .on('message', (data, isBinary) => this.#receive(data, isBinary))
      .on('error', (error) => this.destroy(error))
      .on('close', () => this.push(null));
  }

  /** The WebSocket is open, on this socket. */
  carriedBy(socket: Duplex): void {
    this.#carrier = socket;
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#send(chunk, done);
  }

  /** All that was written while the stream was corked, in as few messages as the bound allows. */
  override _writev(chunks: readonly Chunk[], done: (error?: Error | null) => void): void {
    const messages = grouped(chunks.map(({ chunk }) => chunk));
    const last = messages.pop() ?? END;
    this.#carrier?.cork();
    for (const message of messages) this.#send(message);
    this.#send(last, done);
    this.#carrier?.uncork();
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#isEndSent = true;
    this.#send(END, done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const socket = this.#socket;
    if (socket.readyState === socket.CLOSED) return done(error);
    if (this.#isEndReceived && this.#isEndSent && error === null) {
      socket.once('close', () => done(null));
      return socket.close(NORMAL_CLOSURE);
    }
    // Whoever uses the stream learns the error before the end of the socket.
    done(error);
    socket.terminate();
  }

  #receive(data: unknown, isBinary: boolean): void {
    if (!isBinary || !(data instanceof Uint8Array)) {
      this.destroy(new ProtocolError('The peer sent a text message; a link consists of binary messages.'));
    } else if (data.length === 0) {
      this.#isEndReceived = true;
      this.push(null);
    } else if (this.#isEndReceived) {
      this.destroy(new ProtocolError('The peer sent a message after the end of its bytes.'));
    } else if (!this.push(data)) {
      this.#socket.pause();
    }
  }

  /** A socket that has closed takes nothing more, as TCP does: the end of the stream follows, after what was received. */
  #send(message: Uint8Array, done: (error?: Error | null) => void = () => {}): void {
    const socket = this.#socket;
    if (socket.readyState !== socket.OPEN) return done();
    socket.send(message, { binary: true }, () => done());
  }
}

/** Joins small neighbours into one message. A large one is a message of its own: copying it costs more than a message does. */
function grouped(chunks: readonly Uint8Array[]): Uint8Array[] {
  const messages: Uint8Array[] = [];
  let group: Uint8Array[] = [];
  let size = 0;
  const close = (): void => {
    const [only] = group;
    if (only !== undefined) messages.push(group.length === 1 ? only : Buffer.concat(group, size));
    group = [];
    size = 0;
  };
  for (const chunk of chunks) {
    if (chunk.length === 0) continue;
    if (size + chunk.length > JOINED_BYTES) close();
    group.push(chunk);
    size += chunk.length;
  }
  close();
  return messages;
}
