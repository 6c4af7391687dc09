/**
 * The `ws` transport: links over WebSockets, which pass HTTP proxies, and share a port with an HTTP server. A connection is a stream of
 * bytes; the rest is as with sockets. The only room that knows the package `ws`, which loads with the first connection.
 */
export { webSocketKind } from './kind.js';
export { WebSocketTransport, type WebSocketTransportOptions } from './transport.js';
