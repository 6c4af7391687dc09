/** Called for each message: `length` bytes of `bytes` from `start`, valid during the call. */
export type Receive = (bytes: Uint8Array, start: number, length: number) => void;

/** A bidirectional, ordered channel for messages of bytes. */
export interface Wire {
  /** Set before the first message arrives. */
  onMessage: Receive;
  /** Returns undefined if a message of this size can be sent; otherwise a promise that resolves when to try again. One caller waits at a time. */
  room(sizeBytes: number): Promise<void> | undefined;
  /** Sends a message. Call it only if there is room. The caller must not change the message afterwards. */
  send(message: Uint8Array): void;
  close(): Promise<unknown> | void;
}

/** Sends at once if there is room, otherwise queues the message in order. */
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
