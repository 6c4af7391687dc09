import { RingQueue } from '../../ring-queue.js';
import { type EnvelopeView, readDelimitedEnvelope, WireReader } from '../../protocol/index.js';

const SMALLEST_CHUNK_BYTES = 256;
const LARGEST_CHUNK_BYTES = 64 * 1024;
/** Copying fewer bytes than this one by one is faster than a view of them. */
const FEW_BYTES = 64;

interface Chunk {
  readonly bytes: Uint8Array;
  /** The envelopes that wait are in [start, end). */
  start: number;
  end: number;
}

/**
 * Envelopes of one link that wait, oldest first: tells to one actor beside its mailbox, or what came before its sender has proven who it is. They stay encoded, so that they take the memory that they took
 * on the link: decoded, small messages may take many times as much.
 */
export class ParkedTells {
  /** Of all that wait. */
  sizeBytes = 0;
  readonly #chunks = new RingQueue<Chunk>();
  readonly #reader = new WireReader();
  #nextChunkBytes = SMALLEST_CHUNK_BYTES;

  /** Copies the envelope in [start, end) of a frame. */
  push(frame: Uint8Array, start: number, end: number): void {
    const size = end - start;
    const chunk = this.#chunkFor(size);
    if (size > FEW_BYTES) {
      chunk.bytes.set(frame.subarray(start, end), chunk.end);
    } else {
      for (let from = start, to = chunk.end; from < end; ) {
        chunk.bytes[to++] = frame[from++] ?? 0;
      }
    }
    chunk.end += size;
    this.sizeBytes += size;
  }

  /** Removes the oldest envelope, reads it into `view`, and returns the bytes that contain its value; undefined when none waits. */
  take(view: EnvelopeView): Uint8Array | undefined {
    const chunk = this.#chunks.peek();
    if (chunk === undefined) {
      return undefined;
    }
    readDelimitedEnvelope(this.#reader.reset(chunk.bytes, chunk.start, chunk.end), view, Number.POSITIVE_INFINITY);
    this.sizeBytes -= view.end - chunk.start;
    chunk.start = view.end;
    if (chunk.start === chunk.end) {
      this.#chunks.shift();
    }
    return chunk.bytes;
  }

  #chunkFor(size: number): Chunk {
    const last = this.#chunks.last();
    if (last !== undefined && last.end + size <= last.bytes.length) {
      return last;
    }
    const chunk = { bytes: new Uint8Array(Math.max(size, this.#nextChunkBytes)), start: 0, end: 0 };
    this.#nextChunkBytes = Math.min(LARGEST_CHUNK_BYTES, this.#nextChunkBytes * 2);
    this.#chunks.push(chunk);
    return chunk;
  }
}
