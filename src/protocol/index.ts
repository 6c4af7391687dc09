/**
 * Run time of typed protocols: message types and services as `millrace gen` makes them, the wire format, references and meta that
 * travel, and the envelope codec. Called by everything that sends or receives; generated code imports its types from here, as
 * `millrace/protocol`. Must never know actors, links or frames' owners, nor load the generator.
 */
// What declarations need where a program names older libraries.
/// <reference lib="es2022" preserve="true" />
/// <reference lib="esnext.disposable" preserve="true" />
export { decode, encode, readValue } from './codec.js';
export { type EnvelopeError, EnvelopeHeader, EnvelopeMode, EnvelopeView } from './envelope.js';
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
export type {
  AnyMethod,
  AnyService,
  AskMethod,
  MessageType,
  Method,
  Mode,
  Service,
  StreamMethod,
  TellMethod,
} from './service.js';
export { WireReader, WireWriter } from './wire/index.js';
