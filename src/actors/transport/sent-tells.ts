import { RingQueue } from '../../ring-queue.js';
import type { BacklogBuffers } from './backlog-buffers.js';

/** One buffer of copies, and where each ends: in the buffer, and in the link's total of the lane. */
interface Chunk {
  readonly bytes: Uint8Array;
  readonly ends: number[];
  readonly totals: number[];
  /** Copies may be added. */
  readonly isShared: boolean;
}

/**
 * Copies of the tells that were handed to the link, until the link reports that its peer has taken their frames. Their bytes are bounded
 * by the credit of the lane. Frames without tells are not copied.
 *
 *     keep -> | tells of a frame | tells of a frame | free |  -> release, a chunk at a time
 */
export class SentTells {
  readonly #pool: BacklogBuffers;
  readonly #chunkBytes: number;
  readonly #chunks = new RingQueue<Chunk>();
  /** The chunk of the copy whose frame is being sent. */
  #open: Chunk | undefined;

  constructor(pool: BacklogBuffers, chunkBytes: number) {
    this.#pool = pool;
    this.#chunkBytes = chunkBytes;
  }

  /** Copies whole envelopes of a frame, of which some are tells. `sent` must follow, with what `Link.send` returns for the frame. */
  keep(envelopes: Uint8Array): void {
    const chunk = this.#chunkFor(envelopes.length);
    const start = chunk.ends.at(-1) ?? 0;
    chunk.bytes.set(envelopes, start);
    chunk.ends.push(start + envelopes.length);
    this.#open = chunk;
  }

  sent(total: number): void {
    this.#open?.totals.push(total);
    this.#open = undefined;
  }

  /** As `keep`, for a buffer of the pool that nobody else uses any more: keeps it without a copy. */
  adopt(bytes: Uint8Array, size: number, total: number): void {
    this.#chunks.push({ bytes, ends: [size], totals: [total], isShared: false });
  }

  /** The peer has taken the frames up to this total. */
  release(taken: number): void {
    for (let chunk = this.#chunks.peek(); chunk !== undefined; chunk = this.#chunks.peek()) {
      if ((chunk.totals.at(-1) ?? 0) > taken) return;
      this.#chunks.shift();
      this.#pool.release(chunk.bytes);
    }
  }

  /** The link has ended: removes and returns the copies of frames past this total, the oldest first. */
  untaken(taken: number): Uint8Array[] {
    return this.#chunks.drain().map(({ bytes, ends, totals }) => {
      const first = totals.findIndex((total) => total > taken);
      return first < 0 ? bytes.subarray(0, 0) : bytes.subarray(ends[first - 1] ?? 0, ends.at(-1));
    });
  }

  #chunkFor(sizeBytes: number): Chunk {
    const last = this.#chunks.last();
    if (last?.isShared === true && last.bytes.length - (last.ends.at(-1) ?? 0) >= sizeBytes) return last;
    const bytes = this.#pool.acquire(Math.max(sizeBytes, this.#chunkBytes));
    const chunk = { bytes, ends: [], totals: [], isShared: true };
    this.#chunks.push(chunk);
    return chunk;
  }
}
