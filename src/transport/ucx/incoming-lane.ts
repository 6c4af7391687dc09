import { limits } from '../../limits.js';
import type { Lane } from '../../protocol/index.js';
import { FRAME_COST_BYTES, SLAB_FRAME_BYTES } from './abi.js';
import type { Blocks } from './blocks.js';
import type { Seat } from './seat.js';

/** Credit is told without being asked in steps of this part of the window. */
const STEPS_A_WINDOW = 4;

/** A frame that lies in the memory of the link until it is read. */
export interface WaitingFrame {
  readonly bytes: Uint8Array;
  /** Where it ends in the receive slab; undefined for a block. */
  readonly position: number | undefined;
  readonly block?: Uint8Array | undefined;
}

/** The receiver's side of a lane: what came, what was read of it, and what the sender knows of that. */
export class IncomingLane {
  readonly #lane: Lane;
  readonly #seat: Seat;
  readonly #slab: Uint8Array;
  readonly #blocks: Blocks;
  /** Lent to frames that are announced, in their order. */
  readonly #lent: { readonly block: Uint8Array; readonly cost: number }[] = [];
  /** Cost of those. */
  #announced = 0;
  #framesReceived = 0;
  #received = 0;
  #read = 0;
  #granted = 0;

  constructor(lane: Lane, seat: Seat, blocks: Blocks) {
    this.#blocks = blocks;
    this.#lane = lane;
    this.#seat = seat;
    this.#slab = seat.receive[lane];
  }

  /** Frames that came since the link opened, read or not. */
  get framesReceived(): number {
    return this.#framesReceived;
  }

  /** Frames were read of which the sender does not know. */
  get hasUngranted(): boolean {
    return this.#read !== this.#granted;
  }

  /** So many that it must be told. */
  get owesGrant(): boolean {
    return (this.#read - this.#granted) * STEPS_A_WINDOW >= limits.linkWindowBytes;
  }

  frame(offset: number, length: number, position: number): WaitingFrame {
    this.#framesReceived += 1;
    this.#received += length + FRAME_COST_BYTES;
    return { bytes: this.#slab.subarray(offset, offset + length), position };
  }

  /** Lends memory for a block that is to come; says what is wrong with it otherwise. */
  announced(length: number): string | undefined {
    const inFlight = this.#received + this.#announced - this.#read;
    const cost = length + FRAME_COST_BYTES;
    if (length <= SLAB_FRAME_BYTES || length > limits.maxMessageBytes + limits.frameBytes) {
      return `a frame of ${length} bytes`;
    }
    if (inFlight !== 0 && inFlight + cost > limits.linkWindowBytes) return `a frame of ${length} bytes without credit`;
    const block = this.#blocks.take(length);
    this.#lent.push({ block, cost });
    this.#announced += cost;
    this.#seat.receiveBlock(this.#lane, block, length);
    return undefined;
  }

  block(length: number): WaitingFrame {
    const lent = this.#lent.shift();
    const block = lent?.block;
    const bytes = block?.subarray(0, length) ?? new Uint8Array(0);
    this.#announced -= lent?.cost ?? 0;
    this.#framesReceived += 1;
    this.#received += length + FRAME_COST_BYTES;
    return { bytes, position: undefined, block };
  }

  wasRead({ bytes, position, block }: WaitingFrame): void {
    this.#read += bytes.length + FRAME_COST_BYTES;
    if (block !== undefined) this.#blocks.giveBack(block);
    if (position !== undefined) this.#seat.release(this.#lane, position);
    this.#seat.setGranted(this.#lane, this.#read);
  }

  /** The sender will know with whatever is sent next. */
  granted(): void {
    this.#granted = this.#read;
  }
}
