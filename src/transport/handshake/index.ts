/**
 * Authenticated sockets between two processes: addresses, the listener, the dialer, the handshake (in which each end also names its
 * capabilities), and the liveness monitor. The transports that use sockets call it. It must never read the bytes that
 * follow the handshake.
 */
export { type SocketAddress, formatAddress, isLocal, listenAddress, parseAddress } from '../../socket-address.js';
export type { AuthenticatedClient, PeerConnection, HandshakeSettings } from './peer-connection.js';
export type { DialOptions } from './dial.js';
export { ConnectionManager, type ConnectionManagerOptions } from './connection-manager.js';
export type { Hello } from './handshake.js';
export { hostSilenceProbe } from './proc-net-tcp.js';
export { schemeOf } from './sockets.js';
export { assertClusterKey, checkSecurity } from './security.js';
export { assertTls } from './tls-credentials.js';
export { abandonSockets, removeLeftSockets } from './socket-file.js';
export { LivenessMonitor, type MonitoredLink } from './liveness-monitor.js';
