/**
 * The run time of typed protocols: message types and services of `millrace gen`, the wire format, references, meta, and the envelope codec.
 * All code that sends or receives calls it; generated code imports its types from here, as `millrace/protocol`. It must never know actors,
 * links or owners of frames, nor load the generator.
 */
// What declarations need where a program names older libraries.
/// <reference lib="es2022" preserve="true" />
/// <reference lib="esnext.disposable" preserve="true" />
export type { BorrowedBytes } from './borrowed-bytes.js';
export { decode, encode, encodedSize, encodeInto, readValue } from './codec.js';
export { attachFields, type DetachedMessage, detachFields } from './detached-message.js';
export { type EnvelopeControl, type EnvelopeError, EnvelopeHeader, EnvelopeMode, EnvelopeView } from './envelope.js';
export { EnvelopePrefix, encodedSender } from './envelope-prefix.js';
export { readDelimitedEnvelope, readEnvelope } from './envelope-reader.js';
export { lowerRemaining } from './envelope-rewriter.js';
export { writeDelimitedEnvelope, writeEnvelope } from './envelope-writer.js';
export { Duration, type DurationInit } from './generated/google/protobuf/duration.js';
export { Empty, type EmptyInit } from './generated/google/protobuf/empty.js';
export { Timestamp, type TimestampInit } from './generated/google/protobuf/timestamp.js';
/** Millrace's own protocols, from protos/millrace/v1. */
export * as v1 from './generated/index.js';
export { Ref, type RefInit } from './generated/millrace/v1/ref.js';
export { LANES, Lane } from './lane.js';
export type { Meta } from './meta.js';
export { encodedDetail, refusedDetail } from './refused-detail.js';
export type {
  AnyMethod,
  AnyService,
  AskMethod,
  BidiStreamMethod,
  ClientStreamMethod,
  MessageType,
  Method,
  Mode,
  Service,
  StreamMethod,
  StreamsRequests,
  TellMethod,
} from './service.js';
export { requestStreamOf } from './service.js';
export type { ServiceRef, ServiceRefInit } from './service-ref.js';
export {
  AttachedFields,
  type DetachedField,
  DetachedFields,
  varintSize,
  WireReader,
  WireWriter,
} from './wire/index.js';
export {
  afterBytes,
  afterValue,
  afterVarint,
  bytesIn,
  checkMessage,
  checkUtf8,
  emptyView,
  keyAt,
  MapView,
  MessageView,
  openView,
  RepeatedView,
  type ViewClass,
  viewIn,
} from './view/index.js';
