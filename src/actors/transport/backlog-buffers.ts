/** Bytes that the pool keeps at most: the backlogs of four stalled links. */
const KEPT_BYTES = 4 * 1024 * 1024;

/** Reuses the buffers of queued frames: allocating one costs more than writing a frame into it. */
export class BacklogBuffers {
  readonly #frames: Uint8Array[] = [];
  #bytes = 0;

  /** A buffer of `sizeBytes` to twice that. Prefers the one released last, which is likely in the CPU cache. It is not cleared. */
  acquire(sizeBytes: number): Uint8Array {
    const index = this.#frames.findLastIndex(({ length }) => length >= sizeBytes && length <= sizeBytes * 2);
    const [frame] = index < 0 ? [] : this.#frames.splice(index, 1);
    this.#bytes -= frame?.length ?? 0;
    return frame ?? new Uint8Array(sizeBytes);
  }

  /** Keeps the buffer for reuse, and drops the oldest where the pool is full. */
  release(frame: Uint8Array): void {
    if (frame.length > KEPT_BYTES) return;
    this.#frames.push(frame);
    this.#bytes += frame.length;
    while (this.#bytes > KEPT_BYTES) this.#bytes -= this.#frames.shift()?.length ?? 0;
  }
}
