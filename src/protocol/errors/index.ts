/**
 * Errors of Millrace as they are sent, and what arrives as the class that its code names. The routers of links use it, and clients and their
 * gateway. It must not send what a caller may not see of an error: its stack and its cause.
 */
export { forCaller, fromWire, NO_CAUSE, thrownByHandler, toWire } from './wire-errors.js';
