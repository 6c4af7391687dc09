import { limits } from '../../limits.js';
import { HEADER_BYTES } from './frame-format.js';

/** Ordinary frames of the largest size that fit into a slab. */
const FRAMES_A_SLAB = 4;
export const SLAB_BYTES = FRAMES_A_SLAB * (HEADER_BYTES + limits.frameBytes);
/** Most free slabs that are kept for reuse. */
const KEPT_SLABS = 16;

/** Memory for consecutive frames. Regions of it are written to the socket. */
export interface Slab {
  readonly bytes: Uint8Array;
  /** Start and end of the frames that were not given to the socket yet. */
  start: number;
  end: number;
  /** Regions that the socket has but has not written yet. */
  regions: number;
  isAbandoned: boolean;
}

/** Most bytes of large buffers that are kept for reuse: fresh memory costs more than writing into it. */
const KEPT_LARGE_BYTES = 4 * 1024 * 1024;

/** The memory that all links of one transport share. An idle link holds none. */
export class Slabs {
  readonly #free: Slab[] = [];
  #freeLarge: Uint8Array[] = [];
  #taken = 0;

  /** Slabs in use. */
  get taken(): number {
    return this.#taken;
  }

  take(): Slab {
    this.#taken += 1;
    const slab = this.#free.pop();
    if (slab === undefined) return { bytes: unfilled(SLAB_BYTES), start: 0, end: 0, regions: 0, isAbandoned: false };
    slab.start = 0;
    slab.end = 0;
    return slab;
  }

  /** Drops a slab whose buffer is still lent: its owner may write into it at any time, so it is never reused. */
  abandon(slab: Slab): void {
    this.#taken -= 1;
    slab.isAbandoned = true;
  }

  giveBack(slab: Slab): void {
    if (slab.isAbandoned) return;
    this.#taken -= 1;
    if (this.#free.length < KEPT_SLABS) this.#free.push(slab);
  }

  /** Returns memory for one frame that is too large for a slab. */
  takeLarge(sizeBytes: number): Uint8Array {
    const kept = this.#freeLarge.find(({ length }) => length >= sizeBytes);
    if (kept === undefined) return unfilled(sizeBytes);
    this.#freeLarge = this.#freeLarge.filter((other) => other !== kept);
    return kept.subarray(0, sizeBytes);
  }

  giveBackLarge(bytes: Uint8Array): void {
    const whole = new Uint8Array(bytes.buffer);
    const keptBytes = this.#freeLarge.reduce((sum, { length }) => sum + length, whole.length);
    if (keptBytes <= KEPT_LARGE_BYTES) this.#freeLarge.push(whole);
  }
}

/** Not a Buffer: its `slice` does not copy. */
function unfilled(sizeBytes: number): Uint8Array {
  return new Uint8Array(Buffer.allocUnsafeSlow(sizeBytes).buffer);
}
