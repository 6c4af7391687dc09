/** Writes envelopes into a frame: protobuf fields by number, the value in place. The schema is protos/millrace/v1/envelope.proto. */
import { ProtocolError } from '../errors.js';
import { limits } from '../limits.js';
import { refusalOf } from './codec.js';
import type { EnvelopeControl, EnvelopeError, EnvelopeHeader } from './envelope.js';
import { EnvelopePrefix } from './envelope-prefix.js';
import type { Meta } from './meta.js';
import { checkReadable, mayBeUnreadable } from './readable.js';
import type { MessageType } from './service.js';
import type { WireWriter } from './wire/index.js';

/**
 * Appends one length-prefixed envelope. Returns 0, or the number of bytes that it needs when the region has fewer left. In that case, and
 * when it throws, the writer is where it was before.
 *
 * @throws ProtocolError when the value does not fit its type, as `create` throws it, or the envelope is larger than `maxMessageBytes`.
 */
export function writeDelimitedEnvelope(
  writer: WireWriter,
  envelope: EnvelopeHeader | EnvelopePrefix,
  type: MessageType<unknown, unknown> | undefined,
  value: unknown,
  maxMessageBytes: number = limits.maxMessageBytes,
): number {
  const before = writer.position;
  const expected = envelope.sizeBytes;
  let isWritten = false;
  try {
    const mark = writer.open(expected);
    if (envelope instanceof EnvelopePrefix) writePrefixed(writer, envelope, type, value);
    else writeEnvelope(writer, envelope, type, value);
    const size = writer.position - mark;
    if (size > maxMessageBytes) throw tooLarge(size, maxMessageBytes, type);
    envelope.sizeBytes = size;
    writer.close(mark, expected);
    isWritten = !writer.overflowed;
    return isWritten ? 0 : writer.position - before;
  } finally {
    if (!isWritten) writer.rewind(before);
  }
}

/** Appends the fields of one envelope. Without a `type` it has no value. */
export function writeEnvelope(
  writer: WireWriter,
  header: EnvelopeHeader,
  type: MessageType<unknown, unknown> | undefined,
  value: unknown,
): void {
  if (header.hasTo) writer.tag(9).fixed64Parts(header.toLow, header.toHigh);
  if (header.hasFrom) writer.tag(17).fixed64Parts(header.fromLow, header.fromHigh);
  if (header.mode !== 0) writer.tag(24).uint32(header.mode);
  if (header.method !== 0) writer.tag(32).uint32(header.method);
  if (header.methodName !== '') writer.tag(42).string(header.methodName);
  header.valueBytes = type === undefined ? 0 : writeValue(writer, type, value, header);
  if (header.error !== undefined) writeError(writer, header.error);
  if (header.meta !== undefined) writeMeta(writer, header.meta);
  if (header.passThrough !== undefined) writer.tag(74).blob(header.passThrough);
  if (hasControl(header)) writeControl(writer, header);
  if (header.detached !== undefined) writer.tag(90).blob(header.detached);
}

function writePrefixed(
  writer: WireWriter,
  prefix: EnvelopePrefix,
  type: MessageType<unknown, unknown> | undefined,
  value: unknown,
): void {
  writer.raw(prefix.bytes);
  if (prefix.from !== undefined) writer.raw(prefix.from);
  if (type !== undefined) prefix.valueBytes = writeValue(writer, type, value, prefix);
  if (prefix.correlation === 0) return;
  const mark = writer.tag(82).open();
  writeCall(writer, prefix);
  if (prefix.sequence !== 0) writer.tag(56).uint64Number(prefix.sequence);
  if (prefix.sentMs >= 0) writer.tag(73).double(prefix.sentMs);
  writer.close(mark);
}

/**
 * Leaves the large fields out where they are taken. It takes about as many bytes as the last value of the envelope. Returns how many it takes.
 */
function writeValue(
  writer: WireWriter,
  type: MessageType<unknown, unknown>,
  value: unknown,
  { valueBytes: expected, detaching }: EnvelopeHeader | EnvelopePrefix,
): number {
  const before = writer.position;
  const { parts, bulkBytes } = writer;
  const mark = writer.tag(50).open(expected);
  const start = writer.position;
  detaching?.clear();
  writer.detached = detaching;
  try {
    type.write(value, writer);
  } catch (cause) {
    throw refusalOf(type, value, cause);
  }
  writer.detached = undefined;
  detaching?.end(start);
  const size = writer.position - mark;
  if (mayBeUnreadable(writer, mark, parts, bulkBytes)) checkReadable(type, writer, mark);
  // An empty one is left out, which means the same.
  if (size === 0) writer.rewind(before);
  else writer.close(mark, expected);
  return size;
}

function writeError(writer: WireWriter, error: EnvelopeError): void {
  const mark = writer.tag(58).open();
  if (error.code !== '') writer.tag(10).string(error.code);
  if (error.message !== '') writer.tag(18).string(error.message);
  if (error.handlerCode !== '') writer.tag(26).string(error.handlerCode);
  const {
    handlerName = '',
    handlerNumber,
    reason = '',
    detailType = '',
    detail,
    retryAfterMs = 0,
    isUnsent = false,
  } = error;
  if (handlerName !== '') writer.tag(34).string(handlerName);
  if (handlerNumber !== undefined) writer.tag(41).double(handlerNumber);
  if (reason !== '') writer.tag(50).string(reason);
  if (detailType !== '') writer.tag(58).string(detailType);
  if (detail !== undefined && detail.length > 0) writer.tag(66).blob(detail);
  if (retryAfterMs !== 0) writer.tag(72).uint32(retryAfterMs);
  if (isUnsent) writer.tag(80).bool(isUnsent);
  writer.close(mark);
}

function writeMeta(writer: WireWriter, meta: Meta): void {
  const before = writer.position;
  for (const key in meta) {
    const mark = writer.tag(66).open();
    writer.tag(10).string(key);
    // An undefined value is not a string, and throws.
    writer.tag(18).string(meta[key] as string);
    writer.close(mark);
  }
  const size = writer.position - before;
  if (size > limits.metaBytes) {
    throw new ProtocolError(
      `The meta of a message takes ${size} bytes, more than the limit of ${limits.metaBytes}. Send what is large in the message itself.`,
    );
  }
}

function hasControl(header: EnvelopeHeader): boolean {
  return (
    header.correlation !== 0 ||
    header.remainingMicroseconds !== Number.POSITIVE_INFINITY ||
    header.sentMs >= 0 ||
    header.chain.length !== 0 ||
    header.hops !== 0 ||
    header.traceParent !== '' ||
    header.credit !== 0 ||
    header.creditBytes !== 0 ||
    header.sequence !== 0 ||
    header.requestStream !== 0
  );
}

function writeControl(writer: WireWriter, header: EnvelopeHeader): void {
  const { hops, traceParent, traceState, credit, creditBytes, sequence, sentMs, requestStream } = header;
  const mark = writer.tag(82).open();
  writeCall(writer, header);
  if (hops !== 0) writer.tag(32).uint32(hops);
  if (traceParent !== '') writer.tag(42).string(traceParent);
  if (credit !== 0) writer.tag(48).uint64Number(credit);
  if (sequence !== 0) writer.tag(56).uint64Number(sequence);
  if (traceState !== '') writer.tag(66).string(traceState);
  if (sentMs >= 0) writer.tag(73).double(sentMs);
  if (creditBytes !== 0) writer.tag(80).uint64Number(creditBytes);
  if (requestStream !== 0) writer.tag(325).fixed32(requestStream);
  writer.close(mark);
}

function writeCall(writer: WireWriter, control: EnvelopeControl): void {
  const { correlation, remainingMicroseconds, chain } = control;
  if (correlation !== 0) writer.tag(13).fixed32(correlation);
  if (remainingMicroseconds !== Number.POSITIVE_INFINITY) {
    writer.tag(16).uint64Number(Math.max(0, Math.floor(remainingMicroseconds)));
  }
  if (chain.length !== 0) writeChain(writer, chain);
}

function writeChain(writer: WireWriter, chain: readonly bigint[]): void {
  if (chain.length > limits.linkCallChain) {
    throw new ProtocolError(
      `${chain.length} asks wait for one another in one chain, more than the limit of ${limits.linkCallChain}.`,
    );
  }
  const mark = writer.tag(26).open();
  for (const cUid of chain) writer.fixed64(cUid);
  writer.close(mark);
}

function tooLarge(size: number, limit: number, type: { readonly typeName: string } | undefined): ProtocolError {
  return new ProtocolError(
    `A message of type ${type?.typeName ?? 'none'} takes ${size} bytes with its envelope, more than maxMessageBytes (${limit}). ` +
      'Split it into several messages, or stream it in parts.',
  );
}
