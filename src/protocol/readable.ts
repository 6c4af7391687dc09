/** What no receiver would read is refused where it is written. */
import { ProtocolError } from '../errors.js';
import type { MessageType } from './service.js';
import { WireReader, type WireWriter } from './wire/index.js';

/** With fewer nested messages and byte fields, and less beside bulk, nothing takes `decodedMessageBytes`: 16 KiB for each, and 36 for 1 byte. */
const MANY_PARTS = 8_192;
const MANY_BYTES = 2 * 1024 * 1024;

/** The value that was written from `start` on has many parts. `parts` and `bulkBytes` are those of the writer before it. */
export function mayBeUnreadable(writer: WireWriter, start: number, parts: number, bulkBytes: number): boolean {
  return writer.parts - parts >= MANY_PARTS || writer.position - start - (writer.bulkBytes - bulkBytes) >= MANY_BYTES;
}

/**
 * Throws ProtocolError when a receiver would refuse the value that was written from `start` on, because it takes too much memory when it is
 * decoded: decodes it to see. Does nothing for one that did not fit into the writer's region.
 */
export function checkReadable<Read, Init>(type: MessageType<Read, Init>, writer: WireWriter, start: number): void {
  if (writer.overflowed) return;
  try {
    type.read(new WireReader(writer.bytes, start, writer.position), writer.position);
  } catch (cause) {
    if (!(cause instanceof ProtocolError)) throw cause;
    throw new ProtocolError(`No receiver would read this ${type.typeName}. ${cause.message}`, { cause });
  }
}
