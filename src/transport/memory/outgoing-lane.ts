import { ConfigError, ProtocolError } from '../../errors.js';
import { limits } from '../../limits.js';
import { poison } from './buffers.js';
import type { TransmitBuffers } from './buffers.js';
import type { LaneFlow } from './lane-flow.js';

/** A message's own frame may be longer than the message by what frames it. */
const LARGEST_FRAME_BYTES = limits.maxMessageBytes + limits.frameBytes;

/** The sender's side of a lane: the buffer that is out, and who waits for credit. */
export class OutgoingLane {
  readonly flow: LaneFlow;
  readonly #peerAddress: string;
  readonly #buffers: TransmitBuffers;
  #buffer: Uint8Array | undefined;
  /** Size of the buffer that had no credit. */
  #refusedBytes: number | undefined;

  constructor(flow: LaneFlow, peerAddress: string, buffers: TransmitBuffers) {
    this.flow = flow;
    this.#peerAddress = peerAddress;
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
    if (this.#buffer !== undefined) {
      throw new ConfigError(`A buffer of this lane to ${this.#peerAddress} is out already: send it before the next.`);
    }
    if (!(sizeBytes <= LARGEST_FRAME_BYTES)) {
      throw new ProtocolError(`A frame of ${sizeBytes} bytes is too large: the limit is ${LARGEST_FRAME_BYTES}.`);
    }
    const capacity = Math.max(sizeBytes, limits.frameBytes);
    const hasCredit = this.flow.hasCredit(capacity);
    this.#refusedBytes = hasCredit ? undefined : capacity;
    if (hasCredit) this.#buffer = this.#buffers.take(capacity);
    return this.#buffer;
  }

  /** Takes the buffer back; its bytes go on their way when the link `isOpen`. */
  send(buffer: Uint8Array, length: number, isOpen: boolean): void {
    if (buffer !== this.#buffer) {
      throw new ConfigError(`The buffer sent to ${this.#peerAddress} is not the one that its lane gave out last.`);
    }
    if (!(length >= 0 && length <= buffer.length)) {
      throw new ConfigError(`A buffer of ${buffer.length} bytes cannot hold a frame of ${length}.`);
    }
    this.#buffer = undefined;
    const bytes = buffer.subarray(0, length);
    if (isOpen) this.flow.push(bytes);
    poison(bytes);
    this.#buffers.giveBack(buffer);
  }
}
