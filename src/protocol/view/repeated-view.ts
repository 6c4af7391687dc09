import { skipValue, type WireReader } from '../wire/index.js';
import type { MessageView, ViewClass } from './message-view.js';
import { afterBytes, afterValue, afterVarint, keyAt } from './steps.js';

/** A list of a message: how its elements are found and read. */
export interface ListReader<T> {
  /** Number and wire type of a single element. */
  readonly key: number;
  /** Of many in one field; 0 where they cannot be packed. */
  readonly packedKey: number;
  /** Reads an element at the position of the reader, which is behind its key, and leaves the reader behind it. */
  read(reader: WireReader): T;
}

/** A list of messages, each of which has a view. */
export interface MessageList<View> {
  readonly key: number;
  readonly type: ViewClass<View>;
}

/** One iteration over elements. The `IterableIterator` of TypeScript has other type parameters before 5.6 than since. */
export interface ElementIterator<T> extends Iterator<T, undefined> {
  [Symbol.iterator](): ElementIterator<T>;
}

/** A list of a message in place. Each iteration reads the elements anew, one when it is asked for. */
export class RepeatedView<T> implements Iterable<T> {
  readonly #view: MessageView;
  readonly #first: number;
  readonly #list: ListReader<T> | MessageList<T>;

  /** `first` is the position of the key of the first element; -1 where there is none. */
  constructor(view: MessageView, first: number, list: ListReader<T> | MessageList<T>) {
    this.#view = view;
    this.#first = first < 0 ? view.$$end : first;
    this.#list = list;
  }

  /** Counts the elements, which steps over all of them. */
  get length(): number {
    let length = 0;
    for (const cursor = this[Symbol.iterator](); cursor.next().done !== true; ) length += 1;
    return length;
  }

  /** Element number `index`; undefined where there is none. Steps over those before it. */
  at(index: number): T | undefined {
    let left = index;
    for (const element of this) if (left-- === 0) return element;
    return undefined;
  }

  [Symbol.iterator](): ElementIterator<T> {
    const list = this.#list;
    if ('type' in list) return new MessageCursor(this.#view, this.#first, list);
    return new ValueCursor(this.#view, this.#first, list);
  }
}

/** One iteration over a list of messages. */
class MessageCursor<View> implements ElementIterator<View> {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  readonly #key: number;
  readonly #type: ViewClass<View>;
  #position: number;

  constructor({ $$bytes, $$end }: MessageView, position: number, { key, type }: MessageList<View>) {
    this.#bytes = $$bytes;
    this.#end = $$end;
    this.#key = key;
    this.#type = type;
    this.#position = position;
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<View, undefined> {
    const bytes = this.#bytes;
    let position = this.#position;
    while (position < this.#end) {
      const key = keyAt(bytes, position);
      const at = afterVarint(bytes, position);
      if (key === this.#key) {
        const end = afterBytes(bytes, at);
        this.#position = end;
        return { done: false, value: new this.#type(bytes, afterVarint(bytes, at), end) };
      }
      position = afterValue(bytes, at, key);
    }
    this.#position = position;
    return { done: true, value: undefined };
  }
}

/** One iteration over a list of other values. */
class ValueCursor<T> implements ElementIterator<T> {
  readonly #view: MessageView;
  readonly #list: ListReader<T>;
  #position: number;
  /** Of the packed elements that are being read; 0 between them. */
  #packedEnd = 0;

  constructor(view: MessageView, position: number, list: ListReader<T>) {
    this.#view = view;
    this.#position = position;
    this.#list = list;
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<T, undefined> {
    const reader = this.#view.$$at(this.#position);
    if (this.#position >= this.#packedEnd && !this.#find(reader)) {
      this.#position = reader.position;
      return { done: true, value: undefined };
    }
    const value = this.#list.read(reader);
    this.#position = reader.position;
    return { done: false, value };
  }

  /** Goes to the next element. False where there is none. */
  #find(reader: WireReader): boolean {
    const { key: single, packedKey } = this.#list;
    while (reader.position < reader.end) {
      const key = reader.tag();
      if (key === single) return true;
      if (key !== packedKey) {
        skipValue(reader, key);
        continue;
      }
      const start = reader.skipLength();
      if (start === reader.position) continue;
      this.#packedEnd = reader.position;
      reader.position = start;
      return true;
    }
    return false;
  }
}
