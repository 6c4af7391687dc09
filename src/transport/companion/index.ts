/**
 * Companion sockets: how two processes meet. Addresses, the listener, the dialer, and the authenticated hello, in which both ends also
 * say what faster ways between them they know; and the watch for peers that have fallen silent. The transports that rest on a socket
 * call it; it must never read what comes after the hello.
 */
export { type CompanionAddress, formatAddress, isLocal, listenAddress, parseAddress } from './address.js';
export type { Companion, CompanionSettings } from './companion.js';
export type { DialOptions } from './dial.js';
export { Door, type DoorOptions } from './door.js';
export { type Acquaintance, answer, greet, type HandshakeOptions, type Introduction } from './handshake.js';
export { hostSilence } from './kernel-table.js';
export { schemeOf } from './sockets.js';
export { checkSecurity } from './security.js';
export { abandonSocket, removeLeftSocket } from './socket-file.js';
export { Vigil, type Watched } from './vigil.js';
