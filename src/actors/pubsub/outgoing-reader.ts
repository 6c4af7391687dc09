import { BackpressureError } from '../../errors.js';
import { limits } from '../../limits.js';
import { decode, encode } from '../../protocol/index.js';
import type { ActorRef } from '../kernel/index.js';
import type { Addressing } from './addressing.js';
import type { ElementType, SubscriberService } from './element.js';
import { type Granted, OutgoingStream } from './outgoing-stream.js';

export interface OutgoingReaderOptions<T> {
  /** Id of the writer within the port. */
  readonly writer: number;
  readonly id: number;
  readonly type: ElementType<T>;
  readonly subscriber: ActorRef<SubscriberService<T>>;
  /** Keep unacknowledged elements, to resend them. */
  readonly keeps: boolean;
  readonly addressing?: Addressing<T> | undefined;
  /** Called when the link to the reader has room again. */
  readonly hasRoom: () => void;
  /** Called when an element was sent that the reader may be unable to read. */
  readonly unsure: () => void;
}

/** One reader of a writer: the stream to it, and its end, which may wait for room on the link. */
export class OutgoingReader<T> {
  readonly id: number;
  readonly subscriber: ActorRef<SubscriberService<T>>;
  /** It gets no more elements. It gets the end after those already sent. */
  isLeaving = false;
  readonly #options: OutgoingReaderOptions<T>;
  readonly #stream: OutgoingStream<T>;
  /** The mailbox or the link of the reader is above its high-water mark. */
  #isPaused = false;
  #isEndQueued = false;
  /** The sequence number after the last element with fields beside it: the reader may have had no room for those, or have found them gone. */
  #unsure = 0;

  constructor(options: OutgoingReaderOptions<T>) {
    this.#options = options;
    this.id = options.id;
    this.subscriber = options.subscriber;
    this.#stream = new OutgoingStream(options.keeps);
  }

  get isWritable(): boolean {
    return !this.#isPaused && this.#stream.hasCredit;
  }

  /** Elements that it lets through now. */
  get creditItems(): number {
    return this.#stream.creditItems;
  }

  /** Everything sent has arrived. */
  get isAcknowledged(): boolean {
    return this.#stream.isAcknowledged && !this.#isEndQueued;
  }

  /** Whether it could read all that it was sent has to be asked: it has no element for one whose large fields it cannot read. */
  get isUnsure(): boolean {
    return this.#stream.received < this.#unsure;
  }

  /** It has granted credit, so it knows this writer. */
  get isOpen(): boolean {
    return this.#stream.isOpen;
  }

  /** All its elements have arrived. The end may not have. */
  get hasAllElements(): boolean {
    return this.#stream.received >= this.#stream.sent;
  }

  /** It has received everything, including the end. */
  get isDone(): boolean {
    return this.#stream.isEnded && this.#stream.isAcknowledged;
  }

  /** All elements before this sequence number have arrived. */
  get received(): number {
    return this.#stream.received;
  }

  grant(grant: Granted): void {
    this.#stream.grant(grant);
    this.#sendEnd();
  }

  /** Returns false if the link is full. Throws if the type cannot encode the value; the stream is then unchanged. */
  send(value: T): boolean {
    const { addressing } = this.#options;
    const addressed = addressing?.address(value, this.subscriber) ?? value;
    let isSent = false;
    try {
      isSent = this.#sendAddressed(addressed);
    } finally {
      if (!isSent) addressing?.withdraw(addressed);
    }
    return isSent;
  }

  /** The reader is gone, or gets nothing more: gives up what it has not acknowledged. Returns how many elements that are. */
  abandon(): number {
    const values = [...this.#stream.unacknowledged()].map(([, value]) => value);
    this.#options.addressing?.lost(values);
    this.#stream.forget();
    return values.length;
  }

  /** Sends the end after everything else, as soon as the reader has granted credit and there is room. */
  end(): void {
    if (!this.#stream.isEnded) {
      this.#isEndQueued = true;
      this.#sendEnd();
    }
  }

  /** Elements that were lost can be sent again. */
  get keeps(): boolean {
    return this.#options.keeps;
  }

  /** Resends unacknowledged elements. Those that find no room are resent at the next report of a gap. Throws if the type cannot encode one any more. */
  repair(): void {
    for (const [sequence, value] of this.#stream.unacknowledged()) {
      if (!this.#transmit(sequence, value, false)) {
        return;
      }
    }
    if (this.#stream.isEnded) {
      this.#transmitEnd();
    }
  }

  /** Asks the reader what has arrived. */
  probe(): void {
    const { sent, isEnded } = this.#stream;
    try {
      this.subscriber.probe({ writer: this.#options.writer, sequence: sent + (isEnded ? 1 : 0) });
    } catch (error) {
      this.#refused(error);
    }
  }

  #sendAddressed(value: T): boolean {
    const sequence = this.#stream.take(this.#lasting(value));
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

  /** What can be sent again: the writer may use the memory of its value for something else when it was sent. What is addressed lasts. */
  #lasting(value: T): T {
    const { keeps, addressing, type } = this.#options;
    return keeps && addressing === undefined ? decode(type, encode(type, value)) : value;
  }

  #sendEnd(): void {
    if (this.#isEndQueued && this.#stream.isOpen && this.#transmitEnd()) {
      this.#isEndQueued = false;
      this.#stream.isEnded = true;
    }
  }

  #transmit(sequence: number, value: T, isFirst: boolean): boolean {
    const element = { writer: this.#options.writer, sequence, value, sizeBytes: 0 };
    try {
      if (!this.subscriber.element(element)) {
        this.#pause();
      }
    } catch (error) {
      return this.#refused(error);
    }
    if (isFirst) {
      this.#stream.sentBytes += element.sizeBytes;
    }
    if (element.sizeBytes > limits.inlineFieldBytes && this.#options.addressing === undefined) {
      this.#unsure = sequence + 1;
      this.#options.unsure();
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

  /** Returns false if the link refused a message for lack of room. Throws any other error. */
  #refused(error: unknown): false {
    if (!(error instanceof BackpressureError)) {
      throw error;
    }
    this.#pause();
    return false;
  }

  #pause(): void {
    if (this.#isPaused) {
      return;
    }
    this.#isPaused = true;
    // In a microtask, where no message is being handled whose deadline would end the wait.
    const ready = Promise.resolve().then(() => this.subscriber.ready({ timeoutMs: Number.POSITIVE_INFINITY }));
    ready.then(
      () => {
        this.#isPaused = false;
        // Of what was accepted, something may be lost: its large fields got no memory in time.
        if (!this.#stream.isAcknowledged) this.probe();
        this.#sendEnd();
        this.#options.hasRoom();
      },
      // The reader has ended. Its watcher handles that.
      () => {},
    );
  }
}
