import { type EnvelopeView, Lane } from '../../protocol/index.js';
import { ParkedTells } from './parked-tells.js';

/** The channel, as what waits on it sees it. */
interface ClaimingChannel {
  violated(text: string): void;
}

/** What a peer has sent that says it is a partition of this process, and has not proven it yet: it waits for the proof, on each lane in order. */
export class UnprovenEnvelopes {
  readonly #maxBytes: number;
  readonly #channel: ClaimingChannel;
  /** By lane. Undefined where none has waited. */
  #waiting: { readonly [L in Lane]: ParkedTells } | undefined;

  constructor(maxBytes: number, channel: ClaimingChannel) {
    this.#maxBytes = maxBytes;
    this.#channel = channel;
  }

  /** A peer that sends more than `maxBytes` without a proof is refused. */
  add(lane: Lane, bytes: Uint8Array, view: EnvelopeView): void {
    this.#waiting ??= { [Lane.control]: new ParkedTells(), [Lane.data]: new ParkedTells() };
    const { [Lane.control]: control, [Lane.data]: data } = this.#waiting;
    const sizeBytes = control.sizeBytes + data.sizeBytes + view.end - view.start;
    if (sizeBytes > this.#maxBytes) {
      this.#channel.violated(
        `The peer says that it is a partition of this process, and has sent ${sizeBytes} bytes before it has proven that.`,
      );
    } else {
      this.#waiting[lane].push(bytes, view.start, view.end);
    }
  }

  /** Removes the oldest of a lane, reads it into `view`, and returns the bytes that contain its value; undefined when none waits. */
  take(lane: Lane, view: EnvelopeView): Uint8Array | undefined {
    return this.#waiting?.[lane].take(view);
  }

  close(): void {
    this.#waiting = undefined;
  }
}
