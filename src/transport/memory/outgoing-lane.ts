import { limits } from '../../limits.js';
import { TransmitLoan } from '../transmit-loan.js';
import { poison } from './buffers.js';
import type { TransmitBuffers } from './buffers.js';
import type { LaneFlow } from './lane-flow.js';

/** The sender's side of a lane: the buffer that is out, and who waits for credit. */
export class OutgoingLane {
  readonly flow: LaneFlow;
  readonly #loan: TransmitLoan;
  readonly #buffers: TransmitBuffers;
  /** Size of the buffer that had no credit. */
  #refusedBytes: number | undefined;

  constructor(flow: LaneFlow, peerAddress: string, buffers: TransmitBuffers) {
    this.flow = flow;
    this.#loan = new TransmitLoan(() => peerAddress);
    this.#buffers = buffers;
  }

  /** A buffer was refused, and would not be now. */
  get owesCredit(): boolean {
    return this.#refusedBytes !== undefined && this.flow.hasCredit(this.#refusedBytes);
  }

  /** Its owner is told of the credit. */
  settleCredit(): void {
    this.#refusedBytes = undefined;
  }

  acquire(sizeBytes: number): Uint8Array | undefined {
    this.#loan.check(sizeBytes);
    const capacity = Math.max(sizeBytes, limits.frameBytes);
    const hasCredit = this.flow.hasCredit(capacity);
    this.#refusedBytes = hasCredit ? undefined : capacity;
    return hasCredit ? this.#loan.begin(this.#buffers.take(capacity)) : undefined;
  }

  /** Takes the buffer back; its bytes go on their way when the link `isOpen`. */
  send(buffer: Uint8Array, length: number, isOpen: boolean): void {
    this.#loan.end(buffer, length);
    const bytes = buffer.subarray(0, length);
    if (isOpen) this.flow.push(bytes);
    poison(bytes);
    this.#buffers.giveBack(buffer);
  }
}
