/**
 * The `net` transport: links over Unix sockets, TCP and TLS, with coalesced frames and credit for each lane. Whoever starts a process
 * that talks to others makes one; it must never know what is in a frame.
 */
export { NetLink, type LinkOwner } from './link.js';
export { type NetStatistics, NetTransport, type NetTransportOptions } from './transport.js';
