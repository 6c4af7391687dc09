/** Bytes that are kept: as many as wait for four links that are held up. */
const KEPT_BYTES = 4 * 1024 * 1024;

/** Memory of frames that have left, for those that wait next: fresh memory costs more than writing a frame into it. */
export class SpareFrames {
  readonly #frames: Uint8Array[] = [];
  #bytes = 0;

  /** At least `sizeBytes`, and not much more. The one used last, which the processor knows best; what is in it is left over. */
  take(sizeBytes: number): Uint8Array {
    const index = this.#frames.findLastIndex(({ length }) => length >= sizeBytes && length <= sizeBytes * 2);
    const [frame] = index < 0 ? [] : this.#frames.splice(index, 1);
    this.#bytes -= frame?.length ?? 0;
    return frame ?? new Uint8Array(sizeBytes);
  }

  /** The oldest make room. */
  giveBack(frame: Uint8Array): void {
    if (frame.length > KEPT_BYTES) return;
    this.#frames.push(frame);
    this.#bytes += frame.length;
    while (this.#bytes > KEPT_BYTES) this.#bytes -= this.#frames.shift()?.length ?? 0;
  }
}
