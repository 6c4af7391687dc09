import { ProtocolError } from '../errors.js';
import { decode, encode, v1, WireWriter } from '../protocol/index.js';

/** Of the format of recordings. */
export const RECORDING_VERSION = 1;

/** Bytes of one entry, behind its length. */
export function writeEntry(entry: v1.RecordingEntryInit['entry']): Uint8Array {
  const bytes = encode(v1.RecordingEntry, v1.RecordingEntry.create({ entry }));
  const prefixed = new Uint8Array(bytes.length + LENGTH_BYTES);
  const writer = new WireWriter(prefixed);
  writer.uint32(bytes.length);
  prefixed.set(bytes, writer.position);
  return prefixed.subarray(0, writer.position + bytes.length);
}

/** A varint of 32 bits. */
const LENGTH_BYTES = 5;

export interface Recording {
  readonly header: v1.RecordingHeader;
  readonly events: readonly v1.RecordedEvent[];
  /** Bytes at the end that are no whole entry: what recorded it was cut short. */
  readonly cutBytes: number;
}

/** Reads a whole recording. ProtocolError when it is none, is damaged, or of another version. */
export function readRecording(bytes: Uint8Array): Recording {
  const events: v1.RecordedEvent[] = [];
  let header: v1.RecordingHeader | undefined;
  let at = 0;
  while (at < bytes.length) {
    const region = entryAt(bytes, at);
    if (region === undefined) break;
    const { entry } = decode(v1.RecordingEntry, bytes.subarray(region.start, region.end));
    if (header === undefined) header = headerOf(entry);
    else if (entry.case === 'event') events.push(entry.value);
    else throw new ProtocolError(`the recording is damaged at byte ${at}: an entry that is no event`);
    at = region.end;
  }
  if (header === undefined) throw new ProtocolError('this is no recording: it has no header');
  return { header, events, cutBytes: bytes.length - at };
}

/** Where the entry lies whose length stands at `at`; undefined when not all of it is there. */
function entryAt(bytes: Uint8Array, at: number): { readonly start: number; readonly end: number } | undefined {
  let length = 0;
  for (let index = 0; index < LENGTH_BYTES; index++) {
    const byte = bytes[at + index];
    if (byte === undefined) return undefined;
    length += (byte & 127) * 2 ** (7 * index);
    if (byte < 128) {
      const start = at + index + 1;
      return start + length <= bytes.length ? { start, end: start + length } : undefined;
    }
  }
  throw new ProtocolError(`the recording is damaged at byte ${at}: no length of an entry`);
}

function headerOf(entry: v1.RecordingEntry['entry']): v1.RecordingHeader {
  if (entry.case !== 'header') throw new ProtocolError('this is no recording: it does not begin with a header');
  const { version } = entry.value;
  if (version === RECORDING_VERSION) return entry.value;
  throw new ProtocolError(`this recording has version ${version}; this Millrace reads version ${RECORDING_VERSION}`);
}
