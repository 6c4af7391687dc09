/** Reads envelopes from a frame, which is untrusted input. The schema is protos/millrace/v1/envelope.proto. */
import { ProtocolError } from '../errors.js';
import { limits } from '../limits.js';
import { EnvelopeMode, type EnvelopeError, type EnvelopeView } from './envelope.js';
import type { WireReader } from './wire/index.js';

/** The key of the field `control`. */
const CONTROL = 82;
const ENVELOPE_FIELDS: readonly number[] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
const ERROR_FIELDS: readonly number[] = [1, 2, 3, 4, 5, 6, 7, 8, 9];
const ENTRY_FIELDS: readonly number[] = [1, 2];
const CONTROL_FIELDS: readonly number[] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 40];

/**
 * Reads the next envelope of a frame into `view`; false at the frame's end. After a ProtocolError, the reader is at the next envelope, or
 * at the frame's end where the next envelope cannot be found, and the caller can continue.
 *
 * @example
 * reader.reset(frame);
 * while (readDelimitedEnvelope(reader, view)) route(view);
 */
export function readDelimitedEnvelope(
  reader: WireReader,
  view: EnvelopeView,
  maxMessageBytes: number = limits.maxMessageBytes,
): boolean {
  const frameEnd = reader.end;
  if (reader.position >= frameEnd) return false;
  let end = frameEnd;
  view.start = reader.position;
  try {
    reader.narrow();
    end = reader.end;
    view.end = end;
    const size = end - reader.position;
    if (size > maxMessageBytes) {
      throw new ProtocolError(`An envelope takes ${size} bytes, more than maxMessageBytes (${maxMessageBytes}).`);
    }
    if (!isRepeated(reader, end, view)) readEnvelope(reader, end, view);
    return true;
  } finally {
    reader.resume(end, frameEnd);
  }
}

/** Most envelopes of a frame differ only in their value and control fields: reads those, and leaves the other fields in `view` as they are. */
function isRepeated(reader: WireReader, end: number, view: EnvelopeView): boolean {
  const start = reader.position;
  const lengthAt = view.repeats(reader.bytes, start, end);
  if (lengthAt === 0) return false;
  reader.position = lengthAt;
  const valueStart = reader.skipLength();
  view.repeat(end - start, valueStart, reader.position);
  if (reader.position === end) return true;
  if (reader.tag() === CONTROL) {
    readControl(reader, view);
    if (reader.position === end) return true;
  }
  reader.position = start;
  return false;
}

/** Reads the fields of one envelope up to `end`, which is the reader's end, into `view`. */
export function readEnvelope(reader: WireReader, end: number, view: EnvelopeView): void {
  view.clear();
  const begin = reader.position;
  view.sizeBytes = end - begin;
  let headEnd = begin;
  let isPlain = true;
  let controlEnd = begin;
  let metaBytes = 0;
  while (reader.position < end) {
    const start = reader.position;
    const key = reader.tag();
    switch (key) {
      case 9:
        reader.fixed64Parts();
        view.hasTo = true;
        view.toLow = reader.low;
        view.toHigh = reader.high;
        break;
      case 17:
        reader.fixed64Parts();
        view.hasFrom = true;
        view.fromLow = reader.low;
        view.fromHigh = reader.high;
        break;
      case 24:
        view.mode = modeOf(reader.int32());
        break;
      case 32:
        view.method = reader.uint32();
        break;
      case 42:
        isPlain = false;
        view.methodName = reader.string();
        break;
      case 50:
        isPlain &&= view.valueStart === 0;
        headEnd = reader.position;
        view.valueStart = reader.skipLength();
        view.valueEnd = reader.position;
        view.valueBytes = view.valueEnd - view.valueStart;
        break;
      case 58:
        isPlain = false;
        view.error = readError(reader);
        break;
      case 66:
        isPlain = false;
        readEntry(reader, view);
        metaBytes += reader.position - start;
        if (metaBytes > limits.metaBytes)
          throw new ProtocolError(`The meta takes more than ${limits.metaBytes} bytes.`);
        break;
      case 74:
        isPlain = false;
        view.passThrough = reader.blob();
        break;
      case CONTROL:
        isPlain &&= start === view.valueEnd && view.valueStart > 0;
        readControl(reader, view);
        controlEnd = reader.position;
        break;
      case 90:
        isPlain = false;
        view.detached = reader.blob();
        break;
      default:
        reader.skip(key, ENVELOPE_FIELDS);
    }
  }
  if (isPlain && (view.valueEnd === end || controlEnd === end)) view.keepHead(reader.bytes, begin, headEnd);
}

function modeOf(value: number): EnvelopeMode {
  switch (value) {
    case EnvelopeMode.tell:
    case EnvelopeMode.ask:
    case EnvelopeMode.reply:
    case EnvelopeMode.failure:
    case EnvelopeMode.link:
    case EnvelopeMode.open:
    case EnvelopeMode.element:
      return value;
    default:
      throw new ProtocolError(`The envelope has the unknown mode ${value}: the peer speaks a later version.`);
  }
}

function readError(reader: WireReader): EnvelopeError {
  const error: { -readonly [Field in keyof EnvelopeError]: EnvelopeError[Field] } = {
    code: '',
    message: '',
    handlerCode: '',
  };
  const outer = reader.narrow();
  while (reader.position < reader.end) {
    const key = reader.tag();
    switch (key) {
      case 10:
        error.code = reader.string();
        break;
      case 18:
        error.message = reader.string();
        break;
      case 26:
        error.handlerCode = reader.string();
        break;
      case 34:
        error.handlerName = reader.string();
        break;
      case 41:
        error.handlerNumber = reader.double();
        break;
      case 50:
        error.reason = reader.string();
        break;
      case 58:
        error.detailType = reader.string();
        break;
      case 66:
        error.detail = new Uint8Array(reader.blob());
        break;
      case 72:
        error.retryAfterMs = reader.uint32();
        break;
      case 80:
        error.isUnsent = reader.bool();
        break;
      default:
        reader.skip(key, ERROR_FIELDS);
    }
  }
  reader.widen(outer);
  return error;
}

/** Reads one entry, and adds it to the meta of `view`. */
function readEntry(reader: WireReader, view: EnvelopeView): void {
  let name = '';
  let value = '';
  const outer = reader.narrow();
  while (reader.position < reader.end) {
    const key = reader.tag();
    if (key === 10) name = view.readName(reader);
    else if (key === 18) value = reader.string();
    else reader.skip(key, ENTRY_FIELDS);
  }
  reader.widen(outer);
  const meta: Record<string, string> = view.meta ?? {};
  view.meta = meta;
  // An assignment to this name would set the prototype.
  if (name === '__proto__')
    Object.defineProperty(meta, name, { value, configurable: true, enumerable: true, writable: true });
  else meta[name] = value;
}

function readControl(reader: WireReader, view: EnvelopeView): void {
  const outer = reader.narrow();
  while (reader.position < reader.end) {
    const key = reader.tag();
    switch (key) {
      case 13:
        view.correlation = reader.fixed32();
        break;
      case 16:
        view.remainingMicroseconds = reader.uint64Number();
        break;
      case 73:
        view.sentMs = timeOf(reader.double());
        break;
      case 25:
      case 26:
        view.chain = readChain(reader, key === 26, view.chain);
        break;
      case 32:
        view.hops = reader.uint32();
        break;
      case 42:
        view.traceParent = reader.string();
        break;
      case 66:
        view.traceState = reader.string();
        break;
      case 48:
        view.credit = reader.uint64Number();
        break;
      case 80:
        view.creditBytes = reader.uint64Number();
        break;
      case 56:
        view.sequence = reader.uint64Number();
        break;
      case 325:
        view.requestStream = reader.fixed32();
        break;
      default:
        reader.skip(key, CONTROL_FIELDS);
    }
  }
  reader.widen(outer);
}

/** -1, as where the field is absent, for what is no time of a clock: a negative number, or none. */
function timeOf(sentMs: number): number {
  return sentMs >= 0 ? sentMs : -1;
}

function readChain(reader: WireReader, isPacked: boolean, before: readonly bigint[]): readonly bigint[] {
  const chain = [...before];
  if (isPacked) {
    const outer = reader.narrow();
    while (reader.position < reader.end && chain.length <= limits.linkCallChain) chain.push(reader.fixed64());
    reader.widen(outer);
  } else chain.push(reader.fixed64());
  if (chain.length > limits.linkCallChain) {
    throw new ProtocolError(`The call chain has more than ${limits.linkCallChain} actors.`);
  }
  return chain;
}
