import { LANES, Lane } from '../../protocol/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import type { LinkHandlers } from '../transport.js';
import type { BufferPool } from './buffer-pool.js';
import { IncomingLane, type QueuedFrame } from './incoming-lane.js';
import type { RingEndpoint } from './ring-endpoint.js';

/** The receiving half of a link. It holds frames until the handlers are set, and then delivers them as they arrive. */
export class RingReceiver {
  bytesReceived = 0;
  readonly #lanes: readonly [IncomingLane, IncomingLane];
  readonly #scheduler: Scheduler;
  readonly #held: { readonly lane: Lane; readonly frame: QueuedFrame }[] = [];
  /** Called when the peer should receive a grant. */
  readonly #shouldGrant: () => void;

  constructor(endpoint: RingEndpoint, pool: BufferPool, scheduler: Scheduler, shouldGrant: () => void) {
    this.#lanes = [new IncomingLane(Lane.control, endpoint, pool), new IncomingLane(Lane.data, endpoint, pool)];
    this.#scheduler = scheduler;
    this.#shouldGrant = shouldGrant;
  }

  /** True while received frames wait for handlers. */
  get isHolding(): boolean {
    return this.#held.length > 0;
  }

  /** True if so much was read that the peer must receive a grant now. */
  get mustGrant(): boolean {
    return this.#lanes[Lane.control].shouldGrant || this.#lanes[Lane.data].shouldGrant;
  }

  get hasUngranted(): boolean {
    return this.#lanes[Lane.control].hasUngranted || this.#lanes[Lane.data].hasUngranted;
  }

  /** The cost of the frames read, on each lane. */
  get taken(): readonly number[] {
    return this.#lanes.map((lane) => lane.read);
  }

  /** True if at least this many frames of each lane have arrived, read or not. */
  hasReceived(frames: readonly bigint[]): boolean {
    return frames.every((count, lane) => count <= BigInt(this.#lanes[lane === 0 ? 0 : 1].framesReceived));
  }

  /** See IncomingLane.announced. */
  announced(lane: Lane, length: number): string | undefined {
    return this.#lanes[lane].announced(length);
  }

  slabFrame(lane: Lane, offset: number, length: number, position: number): QueuedFrame {
    return this.#lanes[lane].frame(offset, length, position);
  }

  blockFrame(lane: Lane, length: number): QueuedFrame {
    return this.#lanes[lane].block(length);
  }

  /** Delivers the frame to the handlers, or holds it until they are set. */
  take(lane: Lane, frame: QueuedFrame, handlers: LinkHandlers | undefined): void {
    if (handlers === undefined || this.#held.length > 0) this.#held.push({ lane, frame });
    else this.#deliver(handlers, lane, frame);
  }

  deliverHeld(handlers: LinkHandlers, isOpen: () => boolean): void {
    for (const { lane, frame } of this.#held.splice(0)) {
      if (isOpen()) this.#deliver(handlers, lane, frame);
    }
  }

  forget(): void {
    this.#held.length = 0;
  }

  /** A grant was submitted. */
  granted(): void {
    for (const lane of LANES) this.#lanes[lane].granted();
  }

  /** An error of a handler goes to the scheduler. It must not stop the frames that follow. */
  #deliver(handlers: LinkHandlers, lane: Lane, frame: QueuedFrame): void {
    this.bytesReceived += frame.bytes.length;
    try {
      handlers.frame(lane, frame.bytes);
    } catch (error) {
      this.#scheduler.schedule(() => {
        throw error;
      });
    }
    this.#lanes[lane].wasRead(frame);
    this.#shouldGrant();
  }
}
