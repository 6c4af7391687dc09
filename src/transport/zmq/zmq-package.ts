import type * as zeromq from 'zeromq';
import { ResourceError } from '../../errors.js';
import { isRecord } from '../../foreign.js';
import { limits } from '../../limits.js';
import { requireNative } from '../../installation.js';

/** What the transport uses of the package `zeromq`. */
export type ZeroMq = Pick<typeof zeromq, 'Dealer' | 'Router'>;

/** Throws ResourceError where the package is missing. */
export function loadZeroMq(): ZeroMq {
  let cause: unknown;
  try {
    const found = requireNative('zeromq');
    if (isComplete(found)) return found;
  } catch (error) {
    cause = error;
  }
  throw new ResourceError(
    'Addresses of zmq+ipc: and zmq+tcp:// need the package zeromq, version 6.8 or later. Run: npm install zeromq',
    { cause },
  );
}

/** More than CURVE adds to a message. */
const CURVE_BYTES = 1_024;

/** What both ends say of a socket. `linkDeadMs`: a host that acknowledges nothing for this long is lost. */
export function socketOptions(linkDeadMs: number) {
  const seconds = Math.max(1, Math.ceil(linkDeadMs / 5_000));
  return {
    // A message that does not fit is dropped, counted, and repeated. With any other time the package may lose the event for which it
    // waits (docs/decisions/0017).
    sendTimeout: 0,
    linger: limits.zmqLingerMs,
    maxMessageSize: limits.zmqMessageBytes + CURVE_BYTES,
    handshakeInterval: limits.connectTimeoutMs,
    reconnectInterval: limits.zmqReconnectPauseMs,
    tcpMaxRetransmitTimeout: linkDeadMs,
    tcpKeepalive: 1,
    tcpKeepaliveIdle: seconds,
    tcpKeepaliveInterval: seconds,
    tcpKeepaliveCount: 5,
  } as const;
}

function isComplete(found: unknown): found is ZeroMq {
  return isRecord(found) && 'Dealer' in found && 'Router' in found;
}
