import { countIn, Kind, messageOf, Messages } from './messages.js';
import type { Client } from './peer.js';
import { Sender, type Wire } from './wire.js';

/** The near end of a wire. */
export class WireClient implements Client {
  readonly #wire: Wire;
  readonly #sender: Sender;
  readonly #asks = new Messages(Kind.ask);
  readonly #notes = new Messages(Kind.note);
  readonly #pieces = new Messages(Kind.piece);
  /** Callbacks of asks in flight. Replies arrive in the order of the asks. */
  readonly #waiting = new Queue<() => void>();
  #confirmed: (count: number) => void = () => undefined;

  constructor(wire: Wire) {
    this.#wire = wire;
    this.#sender = new Sender(wire);
    wire.onMessage = (bytes, start) => {
      if (bytes[start] === Kind.reply) this.#waiting.shift()?.();
      else if (bytes[start] === Kind.confirm) this.#confirmed(countIn(bytes, start));
      else throw new Error(`message kind ${bytes[start]} is not an answer`);
    };
  }

  tell(sizeBytes: number, count: number): Promise<void> {
    return this.#send(this.#notes.of(sizeBytes), count);
  }

  stream(sizeBytes: number, count: number): Promise<void> {
    return this.#send(this.#pieces.of(sizeBytes), count);
  }

  ask(sizeBytes: number, answered: () => void): void {
    this.#waiting.push(answered);
    this.#sender.send(this.#asks.of(sizeBytes));
  }

  close(): Promise<unknown> | void {
    return this.#wire.close();
  }

  async #send(message: Uint8Array, count: number): Promise<void> {
    const wire = this.#wire;
    const confirmed = new Promise<number>((resolve) => {
      this.#confirmed = resolve;
    });
    const announcement = messageOf(Kind.announce, undefined, count);
    // Not by the sender: only one may wait for room, and the messages must follow the announcement.
    for (let room = wire.room(announcement.length); room; room = wire.room(announcement.length)) await room;
    wire.send(announcement);
    for (let sent = 0; sent < count; ) {
      const room = wire.room(message.length);
      if (room !== undefined) {
        await room;
        continue;
      }
      wire.send(message);
      sent += 1;
    }
    const arrived = await confirmed;
    if (arrived !== count) throw new Error(`${count} messages were sent, but ${arrived} have arrived`);
  }
}

/** A FIFO queue. `shift` does not move the other items. */
class Queue<T> {
  #items: T[] = [];
  #next = 0;

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    const item = this.#items[this.#next];
    this.#next += 1;
    if (this.#next === this.#items.length) {
      this.#items = [];
      this.#next = 0;
    }
    return item;
  }
}
