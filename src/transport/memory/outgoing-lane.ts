import { limits } from '../../limits.js';
import { BufferLease } from '../buffer-lease.js';
import { type BufferPool, poison } from './buffers.js';
import type { LaneFlow } from './lane-flow.js';

/** The sending end of a lane: the buffer that is lent, and whether the caller waits for credit. */
export class OutgoingLane {
  readonly flow: LaneFlow;
  readonly #lease: BufferLease;
  readonly #buffers: BufferPool;
  /** Size of the last buffer that was refused for lack of credit. */
  #refusedBytes: number | undefined;

  constructor(flow: LaneFlow, peerAddress: string, buffers: BufferPool) {
    this.flow = flow;
    this.#lease = new BufferLease(() => peerAddress);
    this.#buffers = buffers;
  }

  /** A buffer was refused, and credit now suffices for it. */
  get isWritableAgain(): boolean {
    return this.#refusedBytes !== undefined && this.flow.hasCredit(this.#refusedBytes);
  }

  /** `writable` was called. */
  writableReported(): void {
    this.#refusedBytes = undefined;
  }

  acquire(sizeBytes: number): Uint8Array | undefined {
    this.#lease.check(sizeBytes);
    const capacity = Math.max(sizeBytes, limits.frameBytes);
    const hasCredit = this.flow.hasCredit(capacity);
    this.#refusedBytes = hasCredit ? undefined : capacity;
    return hasCredit ? this.#lease.begin(this.#buffers.take(capacity)) : undefined;
  }

  /** Takes the buffer back. Queues its bytes if the link `isOpen`, and drops them otherwise. Returns the total, as Link.send. */
  send(buffer: Uint8Array, length: number, isOpen: boolean): number {
    this.#lease.end(buffer, length);
    const bytes = buffer.subarray(0, length);
    const total = isOpen ? this.flow.push(bytes) : Number.POSITIVE_INFINITY;
    poison(bytes);
    this.#buffers.giveBack(buffer);
    return total;
  }
}
