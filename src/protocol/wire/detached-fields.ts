import { limits } from '../../limits.js';

/** A `bytes` field that was left out of an encoded message, because it travels beside it. */
export interface DetachedField {
  /** Where its length, which is 0, is in the encoded message. */
  readonly position: number;
  readonly bytes: Uint8Array;
}

/**
 * The large `bytes` fields of a message, which a writer leaves out. The encoded message has an empty field in the place of each, whose position
 * names it.
 */
export class DetachedFields {
  /** A field of more bytes is left out. */
  readonly aboveBytes: number;
  #list: DetachedField[] = [];
  #sizeBytes = 0;

  constructor(aboveBytes: number) {
    this.aboveBytes = aboveBytes;
  }

  /** Bytes of all fields that were left out. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get list(): readonly DetachedField[] {
    return this.#list;
  }

  /** A field of the message is written at this position of the writer. True where it is left out. */
  takes(position: number, bytes: Uint8Array): boolean {
    return bytes.length > this.aboveBytes && this.#add(position, bytes);
  }

  #add(position: number, bytes: Uint8Array): boolean {
    if (this.#list.length >= limits.storageParts) return false;
    this.#list.push({ position, bytes });
    this.#sizeBytes += bytes.length;
    return true;
  }

  /** What was written from `from` on was moved by so many bytes, to make room for a length. */
  shift(from: number, by: number): void {
    if (this.#list.length === 0) return;
    this.#list = this.#list.map(({ position, bytes }) => ({
      position: position < from ? position : position + by,
      bytes,
    }));
  }

  clear(): void {
    if (this.#list.length === 0) return;
    this.#list = [];
    this.#sizeBytes = 0;
  }

  /** The message is written, and begins at `start`: positions count from there. */
  end(start: number): void {
    this.shift(0, -start);
  }
}
