import { EnvelopeView, readDelimitedEnvelope, WireReader } from '../../protocol/index.js';

/** What a reader of frames calls. */
export interface FrameOwner {
  /** False ends the reading, also in the midst of a frame. */
  readonly isReading: boolean;
  /** `view` and `bytes` are valid during the call. May throw, which is as `malformed`. */
  envelope(bytes: Uint8Array, view: EnvelopeView): void;
  malformed(error: unknown): void;
}

/** Reads the envelopes of the frames that a link receives, one after another, and counts them. */
export class IncomingFrames {
  frames = 0;
  envelopes = 0;
  readonly #maxMessageBytes: number;
  readonly #owner: FrameOwner;
  readonly #view = new EnvelopeView();
  readonly #reader = new WireReader();

  constructor(maxMessageBytes: number, owner: FrameOwner) {
    this.#maxMessageBytes = maxMessageBytes;
    this.#owner = owner;
  }

  /** What is wrong with one envelope does not keep those after it from being read. */
  read(bytes: Uint8Array): void {
    const [view, owner] = [this.#view, this.#owner];
    const reader = this.#reader.reset(bytes);
    this.frames++;
    for (let isMore = true; isMore && owner.isReading; ) {
      try {
        isMore = readDelimitedEnvelope(reader, view, this.#maxMessageBytes);
        if (isMore) {
          this.envelopes++;
          owner.envelope(bytes, view);
        }
      } catch (error) {
        owner.malformed(error);
      }
    }
  }
}
