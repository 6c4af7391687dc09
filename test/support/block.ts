const cell = new Int32Array(new SharedArrayBuffer(4));

/** Blocks its event loop for ever, as a loop without an end does, and leaves the processors to others. */
export function blockForEver(): never {
  for (;;) Atomics.wait(cell, 0, 0);
}
