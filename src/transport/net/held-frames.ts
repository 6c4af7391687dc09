import type { Lane } from '../../protocol/index.js';
import type { CloseReason } from '../transport.js';

export interface HeldFrame {
  readonly lane: Lane;
  readonly bytes: Uint8Array;
}

/** What came before a link had its handlers: copies of frames, as many as its peer has credit for, and how it ended. */
export class HeldFrames {
  readonly #frames: HeldFrame[] = [];
  end: CloseReason | undefined;

  get isEmpty(): boolean {
    return this.#frames.length === 0;
  }

  add(lane: Lane, bytes: Uint8Array): void {
    this.#frames.push({ lane, bytes: bytes.slice() });
  }

  take(): HeldFrame | undefined {
    return this.#frames.shift();
  }
}
