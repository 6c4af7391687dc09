/**
 * The interfaces of a transport: it opens links to other processes and carries frames over them. `actors/transport` calls them. Each
 * folder below implements one transport and has its own index; `handshake` authenticates sockets, and `kinds` lists the
 * transports to other processes. Nothing here
 * may know actors, envelopes, or the contents of a frame.
 */
export type { ExternalLayer, OpenKind, OpenKindOptions, TransportKind } from './kind.js';
export type { FileReaders, LinkLibrary, LinkSecurity, ListenOptions, Pem, TlsFiles } from './link-options.js';
export type { Carrier, CloseReason, Link, LinkHandlers, RepeatCounters, RingCounters, Transport } from './transport.js';
