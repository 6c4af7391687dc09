/**
 * The transports of one process as one: the nearest that leads to a peer is taken. Whoever starts a process with several ways to
 * others makes it; it must never look at frames, nor move one from link to link.
 */
export { type Layer, StackTransport, type StackOptions } from './stack-transport.js';
