import { createHash } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { Deferred } from '../../deferred.js';
import { ProtocolError, UnreachableError } from '../../errors.js';
import { errorOf } from '../../foreign.js';
import { limits } from '../../limits.js';
import { decode, encode } from '../../protocol/index.js';
import { v1 } from '../../protocol/on-demand/index.js';

/** The first bytes of each record: a client of another protocol fails at its first bytes. */
const MAGIC = [0x6d, 0x72] as const;
const HEADER_BYTES = 4;

/**
 * The records of a handshake over a socket, and the digest of all records in both directions.
 *
 *     0      1      2           4
 *     | 'm'  | 'r'  | length LE | millrace.v1.Handshake ... |
 */
export class Records {
  readonly #socket: Duplex;
  readonly #digest = createHash('sha256');
  #unread: Uint8Array = new Uint8Array(0);
  #waiting: Deferred<v1.Handshake['message']> | undefined;
  #largest: number = limits.handshakeRecordBytes;
  #failure: Error | undefined;

  constructor(socket: Duplex) {
    this.#socket = socket;
    socket.on('data', this.#onData).on('end', this.#onEnd).on('error', this.#onError).on('close', this.#onEnd);
  }

  /** SHA-256 of all records so far. */
  get transcript(): Uint8Array {
    return this.#digest.copy().digest();
  }

  send(message: NonNullable<v1.HandshakeInit['message']>): void {
    const body = encode(v1.Handshake, v1.Handshake.create({ message }));
    if (body.length > limits.handshakeRecordBytes) {
      throw new ProtocolError(
        `A handshake record of ${body.length} bytes is too large: the limit is ${limits.handshakeRecordBytes}.`,
      );
    }
    const record = new Uint8Array(HEADER_BYTES + body.length);
    record.set([...MAGIC, body.length & 0xff, body.length >>> 8]);
    record.set(body, HEADER_BYTES);
    this.#digest.update(record);
    this.#socket.write(record);
  }

  /**
   * Resolves to the next record. Rejects with ProtocolError for other bytes, and for a record of more than `largest` bytes; with
   * UnreachableError when the socket ends. One call at a time.
   */
  receive(largest: number = limits.handshakeRecordBytes): Promise<v1.Handshake['message']> {
    this.#largest = largest;
    const waiting = new Deferred<v1.Handshake['message']>();
    this.#waiting = waiting;
    this.#advance();
    return waiting.promise;
  }

  /** Stops reading the socket. Returns the bytes that arrived after the last record. */
  detach(): Uint8Array {
    this.#socket
      .off('data', this.#onData)
      .off('end', this.#onEnd)
      .off('error', this.#onError)
      .off('close', this.#onEnd);
    return this.#unread;
  }

  readonly #onData = (bytes: Uint8Array): void => {
    this.#unread = this.#unread.length === 0 ? bytes : Buffer.concat([this.#unread, bytes]);
    this.#advance();
  };

  readonly #onEnd = (): void => {
    this.#failure ??= new UnreachableError('The connection ended during the handshake.');
    this.#advance();
  };

  readonly #onError = (cause: Error): void => {
    this.#failure ??= new UnreachableError(`The connection failed during the handshake: ${cause.message}.`, { cause });
    this.#advance();
  };

  #advance(): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    try {
      const message = this.#take();
      if (message !== undefined) {
        this.#waiting = undefined;
        waiting.resolve(message);
      } else if (this.#failure !== undefined) {
        throw this.#failure;
      }
    } catch (error) {
      this.#waiting = undefined;
      waiting.reject(errorOf(error));
    }
  }

  #take(): v1.Handshake['message'] | undefined {
    const bytes = this.#unread;
    if (MAGIC.some((byte, index) => index < bytes.length && bytes[index] !== byte)) {
      throw new ProtocolError('The peer sent bytes that are not a handshake record.');
    }
    const [, , low, high] = bytes;
    if (low === undefined || high === undefined) return undefined;
    const end = HEADER_BYTES + low + high * 256;
    if (end > HEADER_BYTES + this.#largest) {
      throw new ProtocolError(`A handshake record of ${end} bytes is too large: the limit is ${this.#largest}.`);
    }
    if (bytes.length < end) return undefined;
    const { message } = decode(v1.Handshake, bytes.subarray(HEADER_BYTES, end));
    this.#digest.update(bytes.subarray(0, end));
    this.#unread = bytes.subarray(end);
    return message;
  }
}
