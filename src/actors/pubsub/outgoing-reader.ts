import { BackpressureError } from '../../errors.js';
import type { ActorRef } from '../kernel/index.js';
import type { Addressing } from './addressing.js';
import type { SubscriberService } from './element.js';
import { type Granted, OutgoingStream } from './outgoing-stream.js';

export interface OutgoingReaderOptions<T> {
  /** Id of the writer within the port. */
  readonly writer: number;
  readonly id: number;
  readonly subscriber: ActorRef<SubscriberService<T>>;
  /** Keep unacknowledged elements, to resend them. */
  readonly keeps: boolean;
  readonly addressing?: Addressing<T> | undefined;
  /** Called when the link to the reader has room again. */
  readonly hasRoom: () => void;
}

/** One reader of a writer: the stream to it, and what waits for room on the link: one element of a broadcast, and the end. */
export class OutgoingReader<T> {
  readonly id: number;
  readonly subscriber: ActorRef<SubscriberService<T>>;
  /** It gets no more elements. It gets the end after those already sent. */
  isLeaving = false;
  readonly #options: OutgoingReaderOptions<T>;
  readonly #stream: OutgoingStream<T>;
  /** The mailbox or the link of the reader is above its high-water mark. */
  #isPaused = false;
  #queued: T | undefined;
  #isEndQueued = false;

  constructor(options: OutgoingReaderOptions<T>) {
    this.#options = options;
    this.id = options.id;
    this.subscriber = options.subscriber;
    this.#stream = new OutgoingStream(options.keeps);
  }

  get isWritable(): boolean {
    return !this.#isPaused && this.#queued === undefined && this.#stream.hasCredit;
  }

  /** Elements that it lets through now. */
  get creditItems(): number {
    return this.#stream.creditItems;
  }

  /** Everything sent has arrived. */
  get isAcknowledged(): boolean {
    return this.#stream.isAcknowledged && this.#queued === undefined && !this.#isEndQueued;
  }

  /** It has granted credit, so it knows this writer. */
  get isOpen(): boolean {
    return this.#stream.isOpen;
  }

  /** All its elements have arrived. The end may not have. */
  get hasAllElements(): boolean {
    return this.#queued === undefined && this.#stream.received >= this.#stream.sent;
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
    this.#sendQueued();
  }

  /** Returns false if the link is full. Throws if the type cannot encode the value; the stream is then unchanged. */
  send(value: T): boolean {
    const addressed = this.#addressed(value);
    let isSent = false;
    try {
      isSent = this.#sendAddressed(addressed);
    } finally {
      if (!isSent) this.#options.addressing?.withdraw(addressed);
    }
    return isSent;
  }

  /** Sends a value now, or as soon as there is room. */
  sendOrQueue(value: T): void {
    const addressed = this.#addressed(value);
    if (!this.#sendAddressed(addressed)) {
      this.#queued = addressed;
    }
  }

  /** The reader is gone, or gets nothing more: gives up what it has not acknowledged. Returns how many elements that are. */
  abandon(): number {
    const values = [...this.#stream.unacknowledged()].map(([, value]) => value);
    const queued = this.#queued;
    this.#queued = undefined;
    if (queued !== undefined) this.#options.addressing?.withdraw(queued);
    this.#options.addressing?.lost(values);
    this.#stream.forget();
    return values.length + (queued === undefined ? 0 : 1);
  }

  /** Sends the end after everything else, as soon as the reader has granted credit and there is room. */
  end(): void {
    if (!this.#stream.isEnded) {
      this.#isEndQueued = true;
      this.#sendQueued();
    }
  }

  /** Resends unacknowledged elements. Those that find no room are resent at the next report of a gap. */
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

  #addressed(value: T): T {
    return this.#options.addressing?.address(value, this.subscriber) ?? value;
  }

  #sendAddressed(value: T): boolean {
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

  #sendQueued(): void {
    if (this.#queued !== undefined && !this.#isPaused && this.#sendAddressed(this.#queued)) {
      this.#queued = undefined;
    }
    if (this.#isEndQueued && this.#queued === undefined && this.#stream.isOpen && this.#transmitEnd()) {
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
        this.#sendQueued();
        this.#options.hasRoom();
      },
      // The reader has ended. Its watcher handles that.
      () => {},
    );
  }
}
