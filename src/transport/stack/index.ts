/**
 * Combines the transports of one process into one, which connects to a peer by the nearest transport that reaches it. The runtime makes
 * one for each process that has several transports. It must never read a frame, or move one from link to link.
 */
export { shownAddress } from './alternatives.js';
export { type RefusedRoute, refusedBefore } from './tried-routes.js';
export { type Layer, StackTransport, type StackOptions } from './stack-transport.js';
