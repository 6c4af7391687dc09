import type { Link } from '../../transport/index.js';

/** Totals of what links have sent and received. */
export interface Traffic {
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly framesSent: number;
  readonly framesReceived: number;
  readonly envelopesSent: number;
  readonly envelopesReceived: number;
  /** Tells that were received and that no actor here handled: they are dead letters of the processes that sent them. */
  readonly tellsReturned: number;
}

/** The totals of one link: of the frames that its channel wrote and read, and of the link's bytes. */
export function trafficOf(
  link: Pick<Link, 'bytesSent' | 'bytesReceived'> | undefined,
  sent: Counts,
  received: Counts,
  tellsReturned: number,
): Traffic {
  return {
    bytesSent: link?.bytesSent ?? 0,
    bytesReceived: link?.bytesReceived ?? 0,
    framesSent: sent.frames,
    framesReceived: received.frames,
    envelopesSent: sent.envelopes,
    envelopesReceived: received.envelopes,
    tellsReturned,
  };
}

interface Counts {
  readonly frames: number;
  readonly envelopes: number;
}

export const NO_TRAFFIC: Traffic = {
  bytesSent: 0,
  bytesReceived: 0,
  framesSent: 0,
  framesReceived: 0,
  envelopesSent: 0,
  envelopesReceived: 0,
  tellsReturned: 0,
};

export function addTraffic(left: Traffic, right: Traffic): Traffic {
  return {
    bytesSent: left.bytesSent + right.bytesSent,
    bytesReceived: left.bytesReceived + right.bytesReceived,
    framesSent: left.framesSent + right.framesSent,
    framesReceived: left.framesReceived + right.framesReceived,
    envelopesSent: left.envelopesSent + right.envelopesSent,
    envelopesReceived: left.envelopesReceived + right.envelopesReceived,
    tellsReturned: left.tellsReturned + right.tellsReturned,
  };
}
