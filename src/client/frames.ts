import { ProtocolError } from '../errors.js';
import { decode, encode } from '../protocol/index.js';
import { v1 } from '../protocol/on-demand/index.js';
import type { Frame } from './calls-in-flight.js';

/** A frame in memory of its own, which every WebSocket takes. */
export function clientFrame(frame: Frame): ArrayBuffer {
  return encode(v1.ClientFrame, { frame }).slice().buffer;
}

/** A message of a gateway. Throws ProtocolError for what is no frame. */
export function gatewayFrame(data: unknown): v1.GatewayFrame['frame'] {
  if (!(data instanceof ArrayBuffer)) throw new ProtocolError('The gateway sent a text message.');
  return decode(v1.GatewayFrame, new Uint8Array(data)).frame;
}
