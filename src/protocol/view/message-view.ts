import { ProtocolError } from '../../errors.js';
import { inType } from '../codec.js';
import { WireReader } from '../wire/index.js';

/** A class of generated code. */
export interface ViewClass<View> {
  readonly typeName: string;
  /** Steps over the fields of a message up to the end of the reader's region. Throws ProtocolError for all that `decode` refuses. */
  check(reader: WireReader): void;
  /** Notes where the fields are, of bytes that were checked. */
  new (bytes: Uint8Array, start: number, end: number): View;
}

/** Reads one value at a time, so that one is enough for all views of a thread. */
const shared = new WireReader();

/**
 * A message in place. Its generated class has a property for each field, which is read when it is asked for. No field has a name that begins with `$`, so
 * that its own members have one.
 */
export abstract class MessageView {
  readonly $$bytes: Uint8Array;
  readonly $$end: number;

  constructor(bytes: Uint8Array, end: number) {
    this.$$bytes = bytes;
    this.$$end = end;
  }

  /** A reader at this position. It is valid until the next call for any view. */
  $$at(position: number): WireReader {
    return shared.reset(this.$$bytes, position, this.$$end);
  }
}

/**
 * Views a message, whose bytes are checked now: no property fails later, as long as the bytes do not change. It keeps the bytes, and shares their memory.
 *
 * @throws ProtocolError as `decode` does, but for the memory that a decoded message would take: a view takes none.
 */
export function openView<View>(type: ViewClass<View>, bytes: Uint8Array): View {
  if (!(bytes instanceof Uint8Array)) throw new ProtocolError(`${type.typeName} can be viewed in a Uint8Array alone.`);
  try {
    type.check(shared.reset(bytes));
  } catch (cause) {
    throw inType(type, 'cannot be viewed', cause);
  }
  return new type(bytes, 0, bytes.length);
}

/** Checks a nested message, with its length. */
export function checkMessage(type: Pick<ViewClass<unknown>, 'check'>, reader: WireReader): void {
  reader.enter();
  const outer = reader.narrow();
  type.check(reader);
  reader.widen(outer);
  reader.leave();
}

/** The nested message at the position of the reader, which is behind it then. */
export function viewIn<View>(type: ViewClass<View>, reader: WireReader): View {
  const start = reader.skipLength();
  return new type(reader.bytes, start, reader.position);
}

/** A message of which there is nothing: its fields have their defaults. */
export function emptyView<View>(type: ViewClass<View>): View {
  return new type(NOTHING, 0, 0);
}

const NOTHING = new Uint8Array(0);

/** The bytes at the position of the reader, in place. */
export function bytesIn(reader: WireReader): Uint8Array {
  const start = reader.skipLength();
  return reader.bytes.subarray(start, reader.position);
}
