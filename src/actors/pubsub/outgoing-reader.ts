import { BackpressureError } from '../../errors.js';
import type { ActorRef } from '../kernel/index.js';
import type { SubscriberService } from './element.js';
import { type Granted, OutgoingStream } from './outgoing-stream.js';

export interface OutgoingReaderOptions<T> {
  /** Id of the writer within the port. */
  readonly writer: number;
  readonly id: number;
  readonly subscriber: ActorRef<SubscriberService<T>>;
  /** Keeps what is not acknowledged, to send it again. */
  readonly keeps: boolean;
  /** There is room on the way to it again. */
  readonly hasRoom: () => void;
}

/** One reader as its writer sees it: the stream to it, and what waits for room on the way: one element of a broadcast, the end. */
export class OutgoingReader<T> {
  readonly id: number;
  readonly subscriber: ActorRef<SubscriberService<T>>;
  /** It gets no element more, but the end behind those that it was sent. */
  isLeaving = false;
  readonly #options: OutgoingReaderOptions<T>;
  readonly #stream: OutgoingStream<T>;
  /** The way to it is past its mark. */
  #isHeld = false;
  #owed: T | undefined;
  #owesEnd = false;

  constructor(options: OutgoingReaderOptions<T>) {
    this.#options = options;
    this.id = options.id;
    this.subscriber = options.subscriber;
    this.#stream = new OutgoingStream(options.keeps);
  }

  get isWritable(): boolean {
    return !this.#isHeld && this.#owed === undefined && this.#stream.hasCredit;
  }

  /** All that it was sent has arrived. */
  get isAcknowledged(): boolean {
    return this.#stream.isAcknowledged && this.#owed === undefined && !this.#owesEnd;
  }

  /** It has granted something, so it knows this writer. */
  get isOpen(): boolean {
    return this.#stream.isOpen;
  }

  /** Every element that it is to get has arrived; its end may not. */
  get hasAllElements(): boolean {
    return this.#owed === undefined && this.#stream.received >= this.#stream.sent;
  }

  /** It has everything, the end included. */
  get isDone(): boolean {
    return this.#stream.isEnded && this.#stream.isAcknowledged;
  }

  /** Everything before this sequence has arrived. */
  get received(): number {
    return this.#stream.received;
  }

  grant(grant: Granted): void {
    this.#stream.grant(grant);
    this.#pay();
  }

  /** False where the way is full. What the value's type cannot encode throws, and leaves no trace in the stream. */
  send(value: T): boolean {
    const sequence = this.#stream.take(value);
    let isSent = false;
    try {
      isSent = this.#transmit(sequence, value, true);
    } finally {
      if (!isSent) {
        this.#stream.untake();
      }
    }
    return isSent;
  }

  /** Sends a value that it must get, as soon as there is room. */
  owe(value: T): void {
    if (!this.send(value)) {
      this.#owed = value;
    }
  }

  /** Sends the end behind all else, as soon as the reader is known to listen and there is room. */
  end(): void {
    if (!this.#stream.isEnded) {
      this.#owesEnd = true;
      this.#pay();
    }
  }

  /** Sends again what has not arrived. What finds no room is sent at the next report of a gap. */
  repair(): void {
    for (const { sequence, value } of this.#stream.unacknowledged()) {
      if (!this.#transmit(sequence, value, false)) {
        return;
      }
    }
    if (this.#stream.isEnded) {
      this.#transmitEnd();
    }
  }

  /** Asks what has arrived. */
  probe(): void {
    const { sent, isEnded } = this.#stream;
    try {
      this.subscriber.probe({ writer: this.#options.writer, sequence: sent + (isEnded ? 1 : 0) });
    } catch (error) {
      this.#refused(error);
    }
  }

  #pay(): void {
    if (this.#owed !== undefined && !this.#isHeld && this.send(this.#owed)) {
      this.#owed = undefined;
    }
    if (this.#owesEnd && this.#owed === undefined && this.#stream.isOpen && this.#transmitEnd()) {
      this.#owesEnd = false;
      this.#stream.isEnded = true;
    }
  }

  #transmit(sequence: number, value: T, isFirst: boolean): boolean {
    const element = { writer: this.#options.writer, sequence, value, sizeBytes: 0 };
    try {
      if (!this.subscriber.element(element)) {
        this.#hold();
      }
    } catch (error) {
      return this.#refused(error);
    }
    if (isFirst) {
      this.#stream.sentBytes += element.sizeBytes;
    }
    return true;
  }

  #transmitEnd(): boolean {
    try {
      this.subscriber.end({ writer: this.#options.writer, sequence: this.#stream.sent });
      return true;
    } catch (error) {
      return this.#refused(error);
    }
  }

  /** False where a message was refused for want of room; anything else is no matter of room. */
  #refused(error: unknown): false {
    if (!(error instanceof BackpressureError)) {
      throw error;
    }
    this.#hold();
    return false;
  }

  #hold(): void {
    if (this.#isHeld) {
      return;
    }
    this.#isHeld = true;
    this.subscriber.ready().then(
      () => {
        this.#isHeld = false;
        this.#pay();
        this.#options.hasRoom();
      },
      // It is gone, which who watches it is told, too.
      () => {},
    );
  }
}
