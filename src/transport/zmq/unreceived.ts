import { limits } from '../../limits.js';
import { ahead, following, MessageKind } from './message.js';

interface Sent {
  readonly kind: MessageKind;
  readonly payload: Uint8Array;
}

type Send = (kind: MessageKind, sequence: number, payload: Uint8Array | undefined) => void;

/** What a message uses of a window, in bytes. */
export function costOf(payload: Uint8Array): number {
  return payload.length + limits.zmqMessageCostBytes;
}

/**
 * The numbered messages that the peer has not read: those that were sent, and those that wait for room in its window.
 *
 *     first                  next
 *     | sent, kept for repeats | waiting |
 */
export class Unreceived {
  readonly #send: Send;
  readonly #messages: Sent[] = [];
  #first = 0;
  #sent = 0;
  #sentBytes = 0;
  #isEndAdded = false;

  constructor(send: Send) {
    this.#send = send;
  }

  /** The number of the next message to be sent. */
  get next(): number {
    return following(this.#first, this.#sent);
  }

  get isEmpty(): boolean {
    return this.#messages.length === 0;
  }

  /** Messages wait for the window. */
  get isWaiting(): boolean {
    return this.#sent < this.#messages.length;
  }

  /** The end was sent, and the peer has read all. */
  get hasEnded(): boolean {
    return this.#isEndAdded && this.isEmpty;
  }

  add(kind: MessageKind, payload: Uint8Array): void {
    this.#messages.push({ kind, payload });
    this.#isEndAdded ||= kind === MessageKind.end;
  }

  /** Sends what the window of the peer has room for. */
  send(): void {
    for (let message = this.#messages[this.#sent]; message !== undefined; message = this.#messages[this.#sent]) {
      const cost = costOf(message.payload);
      if (this.#sent > 0 && this.#sentBytes + cost > limits.zmqWindowBytes) return;
      const number = this.next;
      this.#sent += 1;
      this.#sentBytes += cost;
      this.#send(message.kind, number, message.payload);
    }
  }

  /** The peer has read all messages before this one. Returns how many are new; undefined if they were not sent. */
  received(number: number): number | undefined {
    const count = ahead(number, this.#first);
    if (count > this.#sent) return undefined;
    if (count <= 0) return 0;
    for (const { payload } of this.#messages.splice(0, count)) this.#sentBytes -= costOf(payload);
    this.#first = number;
    this.#sent -= count;
    return count;
  }

  /** Sends all messages from this one on again. Returns how many. */
  repeat(from: number): number {
    const start = ahead(from, this.#first);
    if (start < 0) return 0;
    const again = this.#messages.slice(start, this.#sent);
    for (const [index, { kind, payload }] of again.entries()) this.#send(kind, following(from, index), payload);
    return again.length;
  }
}
