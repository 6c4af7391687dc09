/**
 * Codables for the values that programs have most: bytes, numbers, text, protobuf messages, and JSON with buffers inside. A codable must never keep a
 * storage, nor copy bytes without counting them.
 */
export { bytesCodable, type TypedArray, type TypedArrayClass, typedArrayCodable } from './bytes.js';
export { jsonCodable } from './json.js';
export { messageCodable } from './message.js';
export { textCodable } from './text.js';
