/**
 * The `ws` transport: links over WebSockets, which pass HTTP proxies, and share a port with an HTTP server. A connection is a stream of
 * bytes; the rest is as with sockets. The only room that knows the package `ws`, which loads with the first connection; gateways for clients get it here.
 */
export { type UpgradeListener, type UpgradeServer, webSocketKind } from './kind.js';
export { SharedServer } from './shared-server.js';
export { WebSocketTransport, type WebSocketTransportOptions } from './transport.js';
export { loadWs, type WebSocket, type WebSocketServer } from './ws-package.js';
