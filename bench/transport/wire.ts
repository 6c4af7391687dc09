/** Called with each message that comes: `length` bytes of `bytes` from `start` on, valid during the call. */
export type Receive = (bytes: Uint8Array, start: number, length: number) => void;

/** A way for messages that are bytes, in order, both ways. */
export interface Wire {
  /** Set before anything comes. */
  onMessage: Receive;
  /** Undefined when a message of this size can be sent; otherwise a promise of the time to look again. */
  room(sizeBytes: number): Promise<void> | undefined;
  /** Only where there is room. The message is not changed afterwards. */
  send(message: Uint8Array): void;
  close(): Promise<unknown> | void;
}

/** Sends at once where there is room, in order behind what waits for it. */
export class Sender {
  readonly #wire: Wire;
  readonly #waiting: Uint8Array[] = [];

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  send(message: Uint8Array): void {
    if (this.#waiting.length === 0 && this.#wire.room(message.length) === undefined) return this.#wire.send(message);
    this.#waiting.push(message);
    if (this.#waiting.length === 1) void this.#sendWaiting();
  }

  async #sendWaiting(): Promise<void> {
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      const room = this.#wire.room(first.length);
      if (room === undefined) this.#wire.send(first);
      else await room;
      if (room === undefined) this.#waiting.shift();
    }
  }
}
