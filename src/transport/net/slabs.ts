import { limits } from '../../limits.js';
import { HEADER_BYTES } from './frame-format.js';

/** Ordinary frames that a slab has room for, however little of its room each one uses. */
const FRAMES_A_SLAB = 4;
export const SLAB_BYTES = FRAMES_A_SLAB * (HEADER_BYTES + limits.frameBytes);
/** Free slabs kept for use again. */
const KEPT_SLABS = 16;

/** Memory that frames are written into, one behind the other, and handed to the socket from. */
export interface Slab {
  readonly bytes: Uint8Array;
  /** Where the frames begin that were not handed over yet, and where they end. */
  start: number;
  end: number;
  /** Regions that the socket has not written yet. */
  regions: number;
  isLost: boolean;
}

/** Bytes of large buffers kept for use again: fresh memory costs more than what is written into it. */
const KEPT_LARGE_BYTES = 4 * 1024 * 1024;

/** Memory of one transport, shared by its links: an idle link holds none. */
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
    if (slab === undefined) return { bytes: unfilled(SLAB_BYTES), start: 0, end: 0, regions: 0, isLost: false };
    slab.start = 0;
    slab.end = 0;
    return slab;
  }

  /** Somebody may write into it at any time: nobody else gets this memory. */
  lose(slab: Slab): void {
    this.#taken -= 1;
    slab.isLost = true;
  }

  giveBack(slab: Slab): void {
    if (slab.isLost) return;
    this.#taken -= 1;
    if (this.#free.length < KEPT_SLABS) this.#free.push(slab);
  }

  /** Memory for one frame that no slab has room for. */
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

/** Not a Buffer, whose `slice` is no copy. */
function unfilled(sizeBytes: number): Uint8Array {
  return new Uint8Array(Buffer.allocUnsafeSlow(sizeBytes).buffer);
}
