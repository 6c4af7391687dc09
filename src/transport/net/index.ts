/**
 * The `net` transport: links over Unix sockets, TCP and TLS, with coalesced writes and credit for each lane. The runtime makes one for
 * each process that links to others. It must never read the contents of a frame.
 */
export { netKind } from './kind.js';
export { NetLink, type LinkOwner } from './link.js';
export { type NetStatistics, NetTransport, type NetTransportOptions } from './transport.js';
