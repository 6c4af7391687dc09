import { lowerRemaining } from '../../protocol/index.js';

/** An ask on its way, as far as it matters to a frame that waits. */
export interface Perishable {
  /** Scheduler time. */
  readonly deadlineMs: number;
  /** Nobody waits for its reply any more. */
  readonly isSettled: boolean;
}

interface Ask {
  readonly ask: Perishable;
  /** Where its envelope lies in the frame, with the length before it. */
  readonly start: number;
  readonly end: number;
}

/** A frame of ours that waits for the link: envelopes as they will be sent, and which of them are asks. */
export class WaitingFrame {
  bytes: Uint8Array;
  size = 0;
  readonly #asks: Ask[] = [];

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Nothing more is written; a buffer that is mostly empty is let go. */
  finish(size: number): void {
    this.size = size;
    if (size < this.bytes.length / 2) this.bytes = this.bytes.slice(0, size);
  }

  /** An ask was written to [start, end). */
  addAsk(ask: Perishable, start: number, end: number): void {
    this.#asks.push({ ask, start, end });
  }

  /** Bytes that are worth sending: all but those of asks that are over. */
  liveBytes(nowMs: number): number {
    let live = this.size;
    for (const { ask, start, end } of this.#asks) if (isOver(ask, nowMs)) live -= end - start;
    return live;
  }

  /** Puts what is worth sending into `target`; asks say how much time they have left now. Returns its size. */
  copyTo(target: Uint8Array, nowMs: number): number {
    let copied = 0;
    let from = 0;
    for (const { ask, start, end } of this.#asks) {
      const until = isOver(ask, nowMs) ? start : end;
      if (until === end) lowerRemaining(this.bytes, start, end, (ask.deadlineMs - nowMs) * 1_000);
      target.set(this.bytes.subarray(from, until), copied);
      copied += until - from;
      from = end;
    }
    target.set(this.bytes.subarray(from, this.size), copied);
    return copied + this.size - from;
  }
}

function isOver({ isSettled, deadlineMs }: Perishable, nowMs: number): boolean {
  return isSettled || deadlineMs <= nowMs;
}
