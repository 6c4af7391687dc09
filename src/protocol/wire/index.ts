/**
 * Protobuf wire format: a writer into memory that somebody else owns, and a reader over bytes that nobody trusts. Called by
 * generated code and the envelope codec. Must never know a schema, allocate a buffer to write, or read past a bound.
 */
export { copyOf } from './copy.js';
export { WireReader } from './reader.js';
export { WireWriter } from './writer.js';
