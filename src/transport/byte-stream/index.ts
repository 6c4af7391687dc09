/**
 * Links over an authenticated stream of bytes, with coalesced writes and credit for each lane. Transports whose connections are such streams
 * extend `StreamTransport`. Nothing here may read the contents of a frame, or know what carries the bytes.
 */
export { StreamLink, type LinkOwner } from './link.js';
export { type StreamStatistics, StreamTransport, type StreamTransportOptions } from './transport.js';
