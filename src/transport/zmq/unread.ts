import { limits } from '../../limits.js';
import { RingQueue } from '../../ring-queue.js';
import { following, MessageKind } from './message.js';
import { costOf } from './unreceived.js';

interface Arrived {
  readonly kind: MessageKind;
  readonly payload: Uint8Array;
  readonly cost: number;
}

/** The numbered messages that have arrived in order, and that nobody has read. The window of this end bounds them. */
export class Unread {
  readonly #messages = new RingQueue<Arrived>();
  #bytes = 0;
  #received = 0;
  #isEndTaken = false;
  #isEndAdded = false;

  /** The number of the next message to arrive. */
  get expected(): number {
    return following(this.#received, this.#messages.size);
  }

  /** The number of the first message that was not read. */
  get received(): number {
    return this.#received;
  }

  /** The end of the bytes was read. */
  get hasEnded(): boolean {
    return this.#isEndTaken;
  }

  /** Returns false for more than the window, for an empty message, and after the end. */
  add(kind: MessageKind, payload: Uint8Array): boolean {
    const cost = costOf(payload);
    const isRoom = this.#messages.size === 0 || this.#bytes + cost <= limits.zmqWindowBytes;
    const isValid = (kind === MessageKind.end) === (payload.length === 0);
    if (!isRoom || !isValid || this.#isEndAdded) return false;
    this.#isEndAdded = kind === MessageKind.end;
    this.#bytes += cost;
    this.#messages.push({ kind, payload, cost });
    return true;
  }

  take(): Arrived | undefined {
    const message = this.#messages.shift();
    if (message === undefined) return undefined;
    this.#bytes -= message.cost;
    this.#received = following(this.#received);
    this.#isEndTaken ||= message.kind === MessageKind.end;
    return message;
  }
}
