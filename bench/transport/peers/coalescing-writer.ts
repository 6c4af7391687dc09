import type { Socket } from 'node:net';
import { LENGTH_BYTES, writeLength } from './frame-reader.js';

const STAGE_BYTES = 64 * 1024;
/** Longer messages are not copied. */
const LONG_BYTES = STAGE_BYTES / 4;

/** Coalesces the messages of one turn into one write. Each message follows its length. */
export class CoalescingWriter {
  readonly #socket: Socket;
  readonly #flush = (): void => this.#flushNow();
  #stage = Buffer.allocUnsafeSlow(STAGE_BYTES);
  /** Bytes in the stage that were not written yet. */
  #start = 0;
  #end = 0;
  #isArmed = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  write(message: Uint8Array): void {
    const { length } = message;
    if (length > LONG_BYTES) return this.#writeLong(message);
    if (this.#end + LENGTH_BYTES + length > STAGE_BYTES) this.#renew();
    writeLength(this.#stage, this.#end, length);
    this.#stage.set(message, this.#end + LENGTH_BYTES);
    this.#end += LENGTH_BYTES + length;
    if (this.#isArmed) return;
    this.#isArmed = true;
    queueMicrotask(this.#flush);
  }

  #writeLong(message: Uint8Array): void {
    this.#flushNow();
    const head = Buffer.allocUnsafe(LENGTH_BYTES);
    writeLength(head, 0, message.length);
    this.#socket.cork();
    this.#socket.write(head);
    this.#socket.write(message);
    this.#socket.uncork();
  }

  #flushNow(): void {
    this.#isArmed = false;
    this.#hand();
    if (this.#end > STAGE_BYTES / 2) this.#renew();
  }

  #hand(): void {
    if (this.#end > this.#start) this.#socket.write(this.#stage.subarray(this.#start, this.#end));
    this.#start = this.#end;
  }

  /** The socket owns the old stage until it is written. */
  #renew(): void {
    this.#hand();
    this.#stage = Buffer.allocUnsafeSlow(STAGE_BYTES);
    this.#start = 0;
    this.#end = 0;
  }
}
