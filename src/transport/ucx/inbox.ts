import { LANES, Lane } from '../../protocol/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import type { LinkHandlers } from '../transport.js';
import type { Blocks } from './blocks.js';
import { IncomingLane, type WaitingFrame } from './incoming-lane.js';
import type { Seat } from './seat.js';

/** The receiving half of a link: frames wait here until somebody listens, and then go by. */
export class Inbox {
  bytesReceived = 0;
  readonly #lanes: readonly [IncomingLane, IncomingLane];
  readonly #scheduler: Scheduler;
  readonly #held: { readonly lane: Lane; readonly frame: WaitingFrame }[] = [];
  /** The peer should be told what was read. */
  readonly #owesGrant: () => void;

  constructor(seat: Seat, blocks: Blocks, scheduler: Scheduler, owesGrant: () => void) {
    this.#lanes = [new IncomingLane(Lane.control, seat, blocks), new IncomingLane(Lane.data, seat, blocks)];
    this.#scheduler = scheduler;
    this.#owesGrant = owesGrant;
  }

  /** Frames that came are with nobody yet. */
  get isHolding(): boolean {
    return this.#held.length > 0;
  }

  /** So much was read that the peer must be told now. */
  get mustGrant(): boolean {
    return this.#lanes[Lane.control].owesGrant || this.#lanes[Lane.data].owesGrant;
  }

  get hasUngranted(): boolean {
    return this.#lanes[Lane.control].hasUngranted || this.#lanes[Lane.data].hasUngranted;
  }

  /** So many frames of each lane have come, read or not. */
  hasReceived(frames: readonly bigint[]): boolean {
    return frames.every((count, lane) => count <= BigInt(this.#lanes[lane === 0 ? 0 : 1].framesReceived));
  }

  /** As that of IncomingLane. */
  announced(lane: Lane, length: number): string | undefined {
    return this.#lanes[lane].announced(length);
  }

  slabFrame(lane: Lane, offset: number, length: number, position: number): WaitingFrame {
    return this.#lanes[lane].frame(offset, length, position);
  }

  blockFrame(lane: Lane, length: number): WaitingFrame {
    return this.#lanes[lane].block(length);
  }

  /** Gives it to the handlers, or keeps it for them. */
  take(lane: Lane, frame: WaitingFrame, handlers: LinkHandlers | undefined): void {
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

  /** The peer will know with whatever is sent next. */
  granted(): void {
    for (const lane of LANES) this.#lanes[lane].granted();
  }

  /** What a handler throws is the scheduler's affair, and must not stop what comes behind. */
  #deliver(handlers: LinkHandlers, lane: Lane, frame: WaitingFrame): void {
    this.bytesReceived += frame.bytes.length;
    try {
      handlers.frame(lane, frame.bytes);
    } catch (error) {
      this.#scheduler.schedule(() => {
        throw error;
      });
    }
    this.#lanes[lane].wasRead(frame);
    this.#owesGrant();
  }
}
