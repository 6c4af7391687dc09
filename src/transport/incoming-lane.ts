import { ProtocolError } from '../errors.js';
import { limits } from '../limits.js';

/** Credit that a frame uses in addition to its bytes, so that empty frames are bounded too. */
export const FRAME_COST_BYTES = 64;

/** A lane should grant credit after each such part of the window was read, unless the sender requests it earlier. */
const STEPS_A_WINDOW = 4;

/** The credit of a lane at its receiving end: the cost of the frames received, of those read, and of those granted to the sender. */
export class IncomingLane {
  #received = 0;
  #read = 0;
  /** `#read` at the last grant that was sent, and what else the sender may know of it. */
  #granted = 0;
  #known = 0;
  /** `#received` when the sender requested credit. */
  #requestedAt: number | undefined;

  /** The cost of all frames read. */
  get read(): number {
    return this.#read;
  }

  /** True if frames were read for which the sender was sent no grant. */
  get hasUngranted(): boolean {
    return this.#read !== this.#granted;
  }

  /** True if the sender should now receive a grant: so much was read, or it has requested one. */
  get shouldGrant(): boolean {
    const ungranted = this.#read - this.#granted;
    const isWanted = this.#requestedAt !== undefined && this.#read >= this.#requestedAt;
    return ungranted > 0 && (isWanted || ungranted * STEPS_A_WINDOW >= limits.linkWindowBytes);
  }

  /** Called before a frame of this size. Throws ProtocolError if the sender has no credit for it: this bounds memory. */
  admit(sizeBytes: number): void {
    const inFlight = this.#received - this.#known;
    const cost = sizeBytes + FRAME_COST_BYTES;
    if (inFlight !== 0 && inFlight + cost > limits.linkWindowBytes) {
      throw new ProtocolError(`The peer sent a frame of ${sizeBytes} bytes without credit.`);
    }
    this.#received += cost;
  }

  /** As `admit`, for a frame whose credit was checked before. */
  received(sizeBytes: number): void {
    this.#received += sizeBytes + FRAME_COST_BYTES;
  }

  wasRead(sizeBytes: number): void {
    this.#read += sizeBytes + FRAME_COST_BYTES;
  }

  creditRequested(): void {
    this.#requestedAt = this.#received;
  }

  /** From now on frames to the sender say what was read, even if no grant is sent. */
  published(): void {
    this.#known = this.#read;
  }

  /** A grant for all frames read was sent. */
  granted(): void {
    this.#granted = this.#read;
    this.#known = this.#read;
    if (this.#requestedAt !== undefined && this.#read >= this.#requestedAt) this.#requestedAt = undefined;
  }
}
