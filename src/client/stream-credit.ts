import { limits } from '../limits.js';

/** How far the reader of a stream is, as totals from its first element. */
export interface StreamProgress {
  /** Elements that its user has asked for. */
  readonly asked: number;
  readonly received: number;
  readonly granted: number;
  /** Elements that may come before they are asked for, and that of the first call of `next`. */
  readonly windowItems: number;
}

/** The total that a reader may grant now: never so much that more is open than a gateway accepts, however many calls of `next` wait. */
export function creditOf({ asked, received, windowItems }: Omit<StreamProgress, 'granted'>): number {
  return Math.min(asked + windowItems - 1, received + limits.gatewayWindowItems);
}

/** The total to grant now; undefined while it is not worth a frame. What is held back is less than the window, so there is credit for each `next` that waits. */
export function nextGrant(progress: StreamProgress): number | undefined {
  const { granted, received, windowItems } = progress;
  const credit = creditOf(progress);
  const isDue = credit - granted >= Math.max(1, windowItems >> 2) || (credit > granted && granted === received);
  return isDue ? credit : undefined;
}
