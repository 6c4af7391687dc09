import { ProtocolError } from '../../errors.js';
import { limits } from '../../limits.js';
import { FRAME_COST_BYTES } from './frame-format.js';

/** The lane grants credit after each such part of the window was read, unless the sender requests it earlier. */
const STEPS_A_WINDOW = 4;

/** The receiving end of a lane: the cost of the frames received, of those read, and of those granted to the sender. */
export class IncomingLane {
  #received = 0;
  #read = 0;
  #granted = 0;
  /** `#received` when the sender requested credit. */
  #requestedAt: number | undefined;

  /** The cost of all frames read. */
  get read(): number {
    return this.#read;
  }

  /** True if the sender should now receive a grant. */
  get shouldGrant(): boolean {
    const unknown = this.#read - this.#granted;
    const isWanted = this.#requestedAt !== undefined && this.#read >= this.#requestedAt;
    return unknown > 0 && (isWanted || unknown * STEPS_A_WINDOW >= limits.linkWindowBytes);
  }

  /** True if frames were read that the sender does not know of. */
  get hasUngranted(): boolean {
    return this.#read !== this.#granted;
  }

  /** Called before a frame of this size. Throws ProtocolError if the sender has no credit for it: this bounds memory. */
  admit(sizeBytes: number): void {
    const inFlight = this.#received - this.#granted;
    const cost = sizeBytes + FRAME_COST_BYTES;
    if (inFlight !== 0 && inFlight + cost > limits.linkWindowBytes) {
      throw new ProtocolError(`The peer sent a frame of ${sizeBytes} bytes without credit.`);
    }
    this.#received += cost;
  }

  wasRead(sizeBytes: number): void {
    this.#read += sizeBytes + FRAME_COST_BYTES;
  }

  creditRequested(): void {
    this.#requestedAt = this.#received;
  }

  granted(): void {
    this.#granted = this.#read;
    if (this.#requestedAt !== undefined && this.#read >= this.#requestedAt) this.#requestedAt = undefined;
  }
}
