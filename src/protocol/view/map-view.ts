import { skipValue, type WireReader } from '../wire/index.js';
import type { MessageView } from './message-view.js';
import { type ElementIterator, RepeatedView } from './repeated-view.js';

/** A map of a message: how its entries are found and read. */
export interface MapReader<Key, Value> {
  /** Number and wire type of an entry, of the key in it, and of the value in it. */
  readonly key: number;
  readonly keyTag: number;
  readonly valueTag: number;
  readonly noKey: Key;
  noValue(): Value;
  readKey(reader: WireReader): Key;
  readValue(reader: WireReader): Value;
}

/** A map of a message in place. Its entries come as they were written: of those with the same key, the last one counts. */
export class MapView<Key, Value> implements Iterable<readonly [Key, Value]> {
  readonly #entries: RepeatedView<readonly [Key, Value]>;

  /** `first` is the position of the key of the first entry; -1 where there is none. */
  constructor(view: MessageView, first: number, map: MapReader<Key, Value>) {
    const list = { key: map.key, packedKey: 0, read: (reader: WireReader) => readEntry(reader, map) };
    this.#entries = new RepeatedView(view, first, list);
  }

  /** The value of a key; undefined where there is none. Steps over all entries. */
  get(key: Key): Value | undefined {
    let found: Value | undefined;
    for (const [one, value] of this) if (one === key) found = value;
    return found;
  }

  has(key: Key): boolean {
    for (const [one] of this) if (one === key) return true;
    return false;
  }

  [Symbol.iterator](): ElementIterator<readonly [Key, Value]> {
    return this.#entries[Symbol.iterator]();
  }
}

function readEntry<Key, Value>(reader: WireReader, map: MapReader<Key, Value>): readonly [Key, Value] {
  const { keyTag, valueTag } = map;
  const outer = reader.narrow();
  const { end } = reader;
  let key = map.noKey;
  let valueAt = -1;
  while (reader.position < end) {
    const tag = reader.tag();
    if (tag === keyTag) key = map.readKey(reader);
    else {
      if (tag === valueTag) valueAt = reader.position;
      skipValue(reader, tag);
    }
  }
  let value: Value;
  if (valueAt < 0) value = map.noValue();
  else {
    reader.position = valueAt;
    value = map.readValue(reader);
  }
  reader.resume(end, outer);
  return [key, value];
}
