import { ProtocolError } from '../../errors.js';
import type { Lane } from '../../protocol/index.js';
import { LARGEST_FRAME_BYTES } from '../buffer-lease.js';
import type { BufferPool } from '../buffer-pool.js';
import { IncomingLane } from '../incoming-lane.js';
import { SLAB_FRAME_BYTES } from './abi.js';
import type { RingEndpoint } from './ring-endpoint.js';

/** A received frame in the memory of the link, until it is read. */
export interface QueuedFrame {
  readonly bytes: Uint8Array;
  /** Its end in the receive slab; undefined for a block. */
  readonly position: number | undefined;
  readonly block?: Uint8Array | undefined;
}

/**
 * The received frames of a lane, in the receive slab of an endpoint, and larger ones in blocks of the pool. The shim checks the credit of
 * frames in the slab, and this class that of announced ones.
 */
export class ReceiveSlab {
  readonly credit = new IncomingLane();
  readonly #lane: Lane;
  readonly #endpoint: RingEndpoint;
  readonly #slab: Uint8Array;
  readonly #pool: BufferPool;
  /** Blocks for announced frames, in their order. */
  readonly #lent: Uint8Array[] = [];
  #framesReceived = 0;

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

  frame(offset: number, length: number, position: number): QueuedFrame {
    this.#framesReceived += 1;
    this.credit.received(length);
    return { bytes: this.#slab.subarray(offset, offset + length), position };
  }

  /** Lends a block for an announced frame. Throws ProtocolError if the announcement is not allowed. */
  announced(length: number): void {
    if (length <= SLAB_FRAME_BYTES || length > LARGEST_FRAME_BYTES) {
      throw new ProtocolError(`The peer announced a frame of ${length} bytes.`);
    }
    this.credit.admit(length);
    const block = this.#pool.take(length);
    this.#lent.push(block);
    this.#endpoint.receiveBlock(this.#lane, block, length);
  }

  /** The announced frame has arrived in its block. */
  block(length: number): QueuedFrame {
    this.#framesReceived += 1;
    const block = this.#lent.shift();
    return { bytes: block?.subarray(0, length) ?? new Uint8Array(0), position: undefined, block };
  }

  wasRead({ bytes, position, block }: QueuedFrame): void {
    this.credit.wasRead(bytes.length);
    if (block !== undefined) this.#pool.giveBack(block);
    if (position !== undefined) this.#endpoint.release(this.#lane, position);
    // It travels with each message to the peer.
    this.#endpoint.setGranted(this.#lane, this.credit.read);
    this.credit.published();
  }

  /** Takes back the memory of a frame that nobody reads any more. */
  drop({ block }: QueuedFrame): void {
    if (block !== undefined) this.#pool.giveBack(block);
  }

  /** The endpoint is closed. UCX may still write to blocks that it was receiving into, so those are not reused. */
  abandon(): void {
    for (const _ of this.#lent.splice(0)) this.#pool.abandon();
  }
}
