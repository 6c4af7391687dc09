/**
 * What clients and their gateway agree on beside the frames of gateway.proto: the subprotocol, the version, and why a WebSocket is closed. Both rooms use it;
 * it must know neither.
 */
export { CLIENT_SUBPROTOCOL, CLIENT_VERSION, type CloseReason, CLOSES } from './agreed.js';
