/**
 * What every transport is: ways to reach other processes with frames over links. actors/transport calls it; each folder
 * below is one transport, found by its own index. Nothing here knows actors, envelopes or what is in a frame.
 */
export type { LinkLibrary, LinkSecurity, ListenOptions, Pem } from './link-options.js';
export type { Carrier, CloseReason, Link, LinkHandlers, RingCounters, Transport } from './transport.js';
