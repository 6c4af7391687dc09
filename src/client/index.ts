/**
 * `millrace/client`: a client of a cluster through a gateway, for Node and for pages. It is the cluster's guest: nothing of it may advertise itself, hold a
 * runtime, or use what only Node has, but for loading the package `ws` where there is no WebSocket.
 */
// What declarations need where a program names older libraries.
/// <reference lib="es2022" preserve="true" />
/// <reference lib="esnext.disposable" preserve="true" />
export * from '../errors.js';
/** What modules of `millrace gen` import: so a page without a bundler needs one file, for `millrace/client` and `millrace/protocol`. */
export { decode, Duration, Empty, encode, Ref, Timestamp } from '../protocol/index.js';
export type { ClientAskOptions, ClientStreamOptions } from './call-options.js';
export type { ClientRef } from './client-ref.js';
export { Client, type StateListener } from './client.js';
export { connect, type ConnectOptions } from './connect.js';
export type { Token } from './connection-loss.js';
export type { ClientState } from './connection-state.js';
export type { UndeliveredTell } from './calls-in-flight.js';
export type { ClientSocket, WebSocketClass } from './socket.js';
export type { ClientStream } from './stream-reader.js';
