/** Segments of one partition, and their elements; `read` and `written` include segments that have ended. */
export interface SegmentTotals {
  /** Registered segments. */
  readonly registered: number;
  /** Elements that segments have read from their ports, and written to them. */
  readonly read: number;
  readonly written: number;
  /** Elements that wait in ports. */
  readonly queued: number;
}

export const NO_SEGMENTS: SegmentTotals = { registered: 0, read: 0, written: 0, queued: 0 };

export function addSegments(left: SegmentTotals, right: SegmentTotals): SegmentTotals {
  return {
    registered: left.registered + right.registered,
    read: left.read + right.read,
    written: left.written + right.written,
    queued: left.queued + right.queued,
  };
}
