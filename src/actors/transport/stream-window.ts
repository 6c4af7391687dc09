import { RingQueue } from '../../ring-queue.js';

/** Encoded bytes that all readers of streams in one partition have granted to their writers, and have not taken yet. */
export class GrantedBytes {
  readonly #limit: number;
  #used = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get used(): number {
    return this.#used;
  }

  get free(): number {
    return this.#limit - this.#used;
  }

  add(bytes: number): void {
    this.#used += bytes;
  }
}

/**
 * The byte credit of one stream, at its reader, in totals since the first element. An element may be sent while any granted byte is left,
 * so the last one may exceed the grant. Where all streams together have granted what they may, a stream grants one byte, and so gets one
 * element at a time.
 *
 *     taken ........ received ........ granted
 *          held here          on its way, or not sent yet          granted - taken: reserved
 */
export class StreamWindow {
  readonly #windowBytes: number;
  readonly #all: GrantedBytes;
  #reserved = 0;
  #granted = 0;
  #received = 0;
  #taken = 0;
  #takenElements = 0;
  /** Sizes of the elements that the reader has not taken, oldest first. */
  readonly #held = new RingQueue<number>();

  constructor(windowBytes: number, all: GrantedBytes) {
    this.#windowBytes = windowBytes;
    this.#all = all;
    this.grant();
  }

  /** The total that the peer may use. */
  get granted(): number {
    return this.#granted;
  }

  /** False for an element that was sent without credit. */
  received(sizeBytes: number): boolean {
    if (this.#received >= this.#granted) return false;
    this.#received += sizeBytes;
    this.#held.push(sizeBytes);
    return true;
  }

  /** The reader has taken `elements` in total. True when a quarter of the window can be granted. */
  taken(elements: number): boolean {
    for (; this.#takenElements < elements; this.#takenElements++) this.#taken += this.#held.shift() ?? 0;
    this.#reserve(Math.max(0, this.#granted - this.#taken));
    const window = this.#window();
    const due = this.#taken + window - this.#granted;
    return due > 0 && due >= window >> 2;
  }

  /** Grants what can be granted now. */
  grant(): void {
    this.#granted = Math.max(this.#granted, this.#taken + this.#window());
    this.#reserve(this.#granted - this.#taken);
  }

  /** The stream has ended. */
  close(): void {
    this.#reserve(0);
    this.#held.clear();
  }

  #window(): number {
    return Math.min(this.#windowBytes, Math.max(1, this.#all.free + this.#reserved));
  }

  #reserve(bytes: number): void {
    this.#all.add(bytes - this.#reserved);
    this.#reserved = bytes;
  }
}
