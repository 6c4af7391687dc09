/** Bytes of memory that V8 takes on 64 bits for a decoded value. Measured by test/slow/codegen/decoded-memory.test.ts. */
export const MEMORY = {
  /** Beside the text. */
  string: 32,
  /** Beside the content. */
  bytes: 192,
  bigint: 24,
} as const;
