/**
 * Companion sockets: how two processes meet. Addresses, the listener, the dialer, and the authenticated hello, in which both ends also
 * say what faster ways between them they know. The transports that rest on a socket call it; it must never read what comes after.
 */
export { type CompanionAddress, formatAddress, isLocal, listenAddress, parseAddress } from './address.js';
export type { Companion, CompanionSettings } from './companion.js';
export { Dial, type DialOptions } from './dial.js';
export { type Acquaintance, answer, greet, type HandshakeOptions, type Introduction } from './handshake.js';
export { CompanionListener, type ListenOptions } from './listener.js';
export { schemeOf } from './sockets.js';
export { checkSecurity, type LinkSecurity } from './security.js';
export { removeLeftSocket } from './socket-file.js';
