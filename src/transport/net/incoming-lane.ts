import { ProtocolError } from '../../errors.js';
import { limits } from '../../limits.js';
import { FRAME_COST_BYTES } from './frame-format.js';

/** Credit is given back in steps of this part of the window, unless the sender asks. */
const STEPS_A_WINDOW = 4;

/** The receiver's side of a lane: what it was sent, what was read of it, and what the sender knows of that. */
export class IncomingLane {
  #received = 0;
  #read = 0;
  #granted = 0;
  /** `#received` when the sender asked for credit. */
  #wantedAt: number | undefined;

  /** Cost of all frames read. */
  get read(): number {
    return this.#read;
  }

  /** The sender should be told what was read. */
  get owesGrant(): boolean {
    const unknown = this.#read - this.#granted;
    const isWanted = this.#wantedAt !== undefined && this.#read >= this.#wantedAt;
    return unknown > 0 && (isWanted || unknown * STEPS_A_WINDOW >= limits.linkWindowBytes);
  }

  /** A frame of this size is coming. ProtocolError when the sender has no credit for it: memory stays bounded. */
  admit(sizeBytes: number): void {
    const inFlight = this.#received - this.#granted;
    const cost = sizeBytes + FRAME_COST_BYTES;
    if (inFlight !== 0 && inFlight + cost > limits.linkWindowBytes) {
      throw new ProtocolError(`A frame of ${sizeBytes} bytes came without credit.`);
    }
    this.#received += cost;
  }

  wasRead(sizeBytes: number): void {
    this.#read += sizeBytes + FRAME_COST_BYTES;
  }

  want(): void {
    this.#wantedAt = this.#received;
  }

  granted(): void {
    this.#granted = this.#read;
    if (this.#wantedAt !== undefined && this.#read >= this.#wantedAt) this.#wantedAt = undefined;
  }
}
