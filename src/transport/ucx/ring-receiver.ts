import { LANES, Lane } from '../../protocol/index.js';
import type { BufferPool } from '../buffer-pool.js';
import type { LinkLife } from '../link-life.js';
import { type QueuedFrame, ReceiveSlab } from './receive-slab.js';
import type { RingEndpoint } from './ring-endpoint.js';

/** The receiving half of a link. It holds frames until the handlers are set, and then delivers them as they arrive. */
export class RingReceiver {
  readonly #lanes: readonly [ReceiveSlab, ReceiveSlab];
  readonly #life: LinkLife;
  readonly #held: { readonly lane: Lane; readonly frame: QueuedFrame }[] = [];
  /** Called when the peer should receive a grant. */
  readonly #shouldGrant: () => void;

  constructor(endpoint: RingEndpoint, pool: BufferPool, life: LinkLife, shouldGrant: () => void) {
    this.#lanes = [new ReceiveSlab(Lane.control, endpoint, pool), new ReceiveSlab(Lane.data, endpoint, pool)];
    this.#life = life;
    this.#shouldGrant = shouldGrant;
  }

  /** True while received frames wait for handlers. */
  get isHolding(): boolean {
    return this.#held.length > 0;
  }

  /** True if so much was read that the peer must receive a grant now. */
  get mustGrant(): boolean {
    return this.#lanes[Lane.control].credit.shouldGrant || this.#lanes[Lane.data].credit.shouldGrant;
  }

  get hasUngranted(): boolean {
    return this.#lanes[Lane.control].credit.hasUngranted || this.#lanes[Lane.data].credit.hasUngranted;
  }

  /** The cost of the frames read, on each lane. */
  get taken(): readonly number[] {
    return this.#lanes.map(({ credit }) => credit.read);
  }

  /** True if at least this many frames of each lane have arrived, read or not. */
  hasReceived(frames: readonly bigint[]): boolean {
    return frames.every((count, lane) => count <= BigInt(this.#lanes[lane === 0 ? 0 : 1].framesReceived));
  }

  /** See ReceiveSlab.announced. */
  announced(lane: Lane, length: number): void {
    this.#lanes[lane].announced(length);
  }

  /** A frame has arrived in the receive slab. Delivers it to the handlers, or holds it until they are set. */
  takeFrame(lane: Lane, offset: number, length: number, position: number): void {
    this.#take(lane, this.#lanes[lane].frame(offset, length, position));
  }

  /** As `takeFrame`, for an announced frame. */
  takeBlock(lane: Lane, length: number): void {
    this.#take(lane, this.#lanes[lane].block(length));
  }

  /** Delivers the frames that waited for handlers, while the link is open. */
  deliverHeld(): void {
    for (const { lane, frame } of this.#held.splice(0)) {
      if (this.#life.isOpen) this.#deliver(lane, frame);
      else this.#lanes[lane].drop(frame);
    }
  }

  /** The endpoint is closed. */
  discard(): void {
    for (const { lane, frame } of this.#held.splice(0)) this.#lanes[lane].drop(frame);
    for (const lane of LANES) this.#lanes[lane].abandon();
  }

  /** A grant was submitted. */
  granted(): void {
    for (const lane of LANES) this.#lanes[lane].credit.granted();
  }

  #take(lane: Lane, frame: QueuedFrame): void {
    if (!this.#life.isOpen) this.#lanes[lane].drop(frame);
    else if (!this.#life.hasHandlers || this.#held.length > 0) this.#held.push({ lane, frame });
    else this.#deliver(lane, frame);
  }

  #deliver(lane: Lane, frame: QueuedFrame): void {
    this.#life.deliver(lane, frame.bytes);
    this.#lanes[lane].wasRead(frame);
    this.#shouldGrant();
  }
}
