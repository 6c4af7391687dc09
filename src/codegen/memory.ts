/**
 * Bytes of memory that V8 takes on 64 bits for what a decoded message is made of; the values in it are counted by the reader
 * (src/protocol/wire/memory.ts). Measured by test/slow/codegen/decoded-memory.test.ts.
 */
export const MEMORY = {
  object: 32,
  property: 8,
  array: 32,
  map: 208,
  /** Of an array, with what the array has spare. */
  item: 12,
  /** Of a map, or of an object that is used as one. */
  entry: 64,
} as const;
