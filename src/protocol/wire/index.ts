/**
 * The protobuf wire format: a writer into memory of the caller, and a reader of untrusted bytes. Generated code and the envelope codec call
 * it. It must never know a schema, allocate a buffer to write, or read past a bound.
 */
export { AttachedFields } from './attached-fields.js';
export { copyOf } from './copy.js';
export { type DetachedField, DetachedFields } from './detached-fields.js';
export { WireReader } from './reader.js';
export { varintSize } from './varint-size.js';
export { skipValue } from './skip-value.js';
export { WireWriter } from './writer.js';
