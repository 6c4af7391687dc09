import { limits } from '../../limits.js';
import type { Lane } from '../../protocol/index.js';
import { FRAME_COST_BYTES, SLAB_FRAME_BYTES } from './abi.js';
import type { BufferPool } from './buffer-pool.js';
import type { RingEndpoint } from './ring-endpoint.js';

/** The lane must grant credit after each such part of the window was read. */
const STEPS_A_WINDOW = 4;

/** A received frame in the memory of the link, until it is read. */
export interface QueuedFrame {
  readonly bytes: Uint8Array;
  /** Its end in the receive slab; undefined for a block. */
  readonly position: number | undefined;
  readonly block?: Uint8Array | undefined;
}

/** The receiving end of a lane: the cost of the frames received, of those read, and of those granted to the sender. */
export class IncomingLane {
  readonly #lane: Lane;
  readonly #endpoint: RingEndpoint;
  readonly #slab: Uint8Array;
  readonly #pool: BufferPool;
  /** Blocks for announced frames, in their order. */
  readonly #lent: { readonly block: Uint8Array; readonly cost: number }[] = [];
  /** The cost of the announced frames. */
  #announced = 0;
  #framesReceived = 0;
  #received = 0;
  #read = 0;
  #granted = 0;

  constructor(lane: Lane, endpoint: RingEndpoint, pool: BufferPool) {
    this.#pool = pool;
    this.#lane = lane;
    this.#endpoint = endpoint;
    this.#slab = endpoint.receive[lane];
  }

  /** Frames received since the link opened, read or not. */
  get framesReceived(): number {
    return this.#framesReceived;
  }

  /** The cost of all frames read. */
  get read(): number {
    return this.#read;
  }

  /** True if frames were read for which the sender has no grant yet. */
  get hasUngranted(): boolean {
    return this.#read !== this.#granted;
  }

  /** True if so many were read that the sender must receive a grant. */
  get shouldGrant(): boolean {
    return (this.#read - this.#granted) * STEPS_A_WINDOW >= limits.linkWindowBytes;
  }

  frame(offset: number, length: number, position: number): QueuedFrame {
    this.#framesReceived += 1;
    this.#received += length + FRAME_COST_BYTES;
    return { bytes: this.#slab.subarray(offset, offset + length), position };
  }

  /** Lends a block for an announced frame. Returns what is wrong if the announcement is not allowed. */
  announced(length: number): string | undefined {
    const inFlight = this.#received + this.#announced - this.#read;
    const cost = length + FRAME_COST_BYTES;
    if (length <= SLAB_FRAME_BYTES || length > limits.maxMessageBytes + limits.frameBytes) {
      return `a frame of ${length} bytes`;
    }
    if (inFlight !== 0 && inFlight + cost > limits.linkWindowBytes) return `a frame of ${length} bytes without credit`;
    const block = this.#pool.take(length);
    this.#lent.push({ block, cost });
    this.#announced += cost;
    this.#endpoint.receiveBlock(this.#lane, block, length);
    return undefined;
  }

  block(length: number): QueuedFrame {
    const lent = this.#lent.shift();
    const block = lent?.block;
    const bytes = block?.subarray(0, length) ?? new Uint8Array(0);
    this.#announced -= lent?.cost ?? 0;
    this.#framesReceived += 1;
    this.#received += length + FRAME_COST_BYTES;
    return { bytes, position: undefined, block };
  }

  wasRead({ bytes, position, block }: QueuedFrame): void {
    this.#read += bytes.length + FRAME_COST_BYTES;
    if (block !== undefined) this.#pool.giveBack(block);
    if (position !== undefined) this.#endpoint.release(this.#lane, position);
    this.#endpoint.setGranted(this.#lane, this.#read);
  }

  /** A grant was submitted. */
  granted(): void {
    this.#granted = this.#read;
  }
}
