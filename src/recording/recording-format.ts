import { ProtocolError } from '../errors.js';
import { decode, encode, WireWriter } from '../protocol/index.js';
import { v1 } from '../protocol/on-demand/index.js';

/** Version of the recording format. */
export const RECORDING_VERSION = 1;

/** Encodes one entry, after its length. */
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
  /** The partitions on threads and in processes, whose recordings are files of their own. */
  readonly parts: readonly v1.RecordedPart[];
  /** Bytes of an incomplete entry at the end: the recording process was interrupted. Those of all files where there are several. */
  readonly cutBytes: number;
}

/** Reads a whole recording. Throws ProtocolError if it is not a recording, is damaged, or has another version. */
export function readRecording(bytes: Uint8Array): Recording {
  const events: v1.RecordedEvent[] = [];
  const parts: v1.RecordedPart[] = [];
  let header: v1.RecordingHeader | undefined;
  let at = 0;
  while (at < bytes.length) {
    const region = entryAt(bytes, at);
    if (region === undefined) break;
    const { entry } = decode(v1.RecordingEntry, bytes.subarray(region.start, region.end));
    if (header === undefined) header = headerOf(entry);
    else if (entry.case === 'event') events.push(entry.value);
    else if (entry.case === 'part') parts.push(entry.value);
    else throw new ProtocolError(`the recording is damaged at byte ${at}: the entry is not an event`);
    at = region.end;
  }
  if (header === undefined) throw new ProtocolError('it is not a recording, for it has no header');
  return { header, events, parts, cutBytes: bytes.length - at };
}

/** The region of the entry whose length is at `at`; undefined if the entry is incomplete. */
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
  throw new ProtocolError(`the recording is damaged at byte ${at}: the length of the entry is invalid`);
}

function headerOf(entry: v1.RecordingEntry['entry']): v1.RecordingHeader {
  if (entry.case !== 'header') throw new ProtocolError('it is not a recording, for it does not begin with a header');
  const { version } = entry.value;
  if (version === RECORDING_VERSION) return entry.value;
  throw new ProtocolError(
    `the recording has format version ${version}; this version of Millrace reads ${RECORDING_VERSION}`,
  );
}
