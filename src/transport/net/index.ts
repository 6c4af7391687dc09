/**
 * The `net` transport: links over Unix sockets, TCP and TLS. The runtime makes one for each process that links to others. It must never
 * read the contents of a frame.
 */
export { netKind } from './kind.js';
export { NetTransport } from './transport.js';
