import { lowerRemaining } from '../../protocol/index.js';

/** A pending call: its envelope is dropped from a queued frame when it has expired or settled. */
export interface Expirable {
  /** Scheduler time. */
  readonly deadlineMs: number;
  /** Its caller does not wait for a reply any more. */
  readonly isSettled: boolean;
  /** Its envelope was dropped. */
  readonly dropped?: () => void;
}

interface Ask {
  readonly ask: Expirable;
  /** Offset of its envelope in the frame, including the length prefix. */
  readonly start: number;
  readonly end: number;
}

/** A frame that waits for the link: envelopes as they will be sent, and the offsets of those that are asks. */
export class QueuedFrame {
  bytes: Uint8Array;
  size = 0;
  /** Some of its envelopes are tells. */
  hasTells = false;
  readonly #asks: Ask[] = [];

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Nothing more is written to it. A buffer that is less than half full is replaced by a smaller one. */
  finish(size: number): void {
    this.size = size;
    if (size < this.bytes.length / 2) this.bytes = this.bytes.slice(0, size);
  }

  /** An ask was written to [start, end). */
  addAsk(ask: Expirable, start: number, end: number): void {
    this.#asks.push({ ask, start, end });
  }

  /** Bytes to send: all but those of asks that have expired or settled. */
  liveBytes(nowMs: number): number {
    let live = this.size;
    for (const { ask, start, end } of this.#asks) if (isOver(ask, nowMs)) live -= end - start;
    return live;
  }

  /** The frame was sent: those calls are told that were not. */
  sent(nowMs: number): void {
    for (const { ask } of this.#asks) if (isOver(ask, nowMs)) ask.dropped?.();
  }

  /** Copies the live bytes into `target`, with the asks' remaining times as of now. Returns the size. */
  copyTo(target: Uint8Array, nowMs: number): number {
    let copied = 0;
    let from = 0;
    for (const { ask, start, end } of this.#asks) {
      const until = isOver(ask, nowMs) ? start : end;
      if (until === end) lowerRemaining(this.bytes, start, end, (ask.deadlineMs - nowMs) * 1_000, nowMs);
      target.set(this.bytes.subarray(from, until), copied);
      copied += until - from;
      from = end;
    }
    target.set(this.bytes.subarray(from, this.size), copied);
    return copied + this.size - from;
  }
}

function isOver({ isSettled, deadlineMs }: Expirable, nowMs: number): boolean {
  return isSettled || deadlineMs <= nowMs;
}
