/**
 * Authenticated connections between two processes: addresses, the listener, the dialer, the handshake (in which each end also names its
 * capabilities), and the liveness monitor. The transports whose connections are streams of bytes call it; each says by a `StreamProtocol`
 * how it makes them. It must never read the bytes that
 * follow the handshake.
 */
export { type SocketAddress, formatAddress, isLocal, listenAddress, parseAddress } from '../../socket-address.js';
export type { AuthenticatedClient, PeerConnection, HandshakeSettings } from './peer-connection.js';
export type { DialOptions } from './dial.js';
export { ConnectionManager, type ConnectionManagerOptions } from './connection-manager.js';
export type { Hello } from './handshake.js';
export { withoutUncaughtErrors } from './peer-connection.js';
export { hostSilenceProbe } from './proc-net-tcp.js';
export { followTls, schemeOf, tlsClientOptions, tlsServerOptions } from './sockets.js';
export { socketProtocol } from './socket-protocol.js';
export type { ConnectionSocket } from './connection-socket.js';
export type { ByteStream, Dialing, Listener, StreamProtocol } from './stream-protocol.js';
export { Admission } from './admission.js';
export { EvictionPool } from './eviction-pool.js';
export { RejectedPeers } from './rejected-peers.js';
export { assertAdvertised, cannotListen, listening, newInstance } from './binding.js';
export { assertClusterKey, checkSecurity } from './security.js';
export { assertTls } from './tls-credentials.js';
export { readSecurityFile } from './security-file.js';
export { readTlsFiles } from './tls-files.js';
export {
  abandonSocket,
  abandonSockets,
  type PrivateSocket,
  privateSocket,
  removeLeftSockets,
  socketParents,
  sweepStaleFolders,
} from './socket-file.js';
export { LivenessMonitor, type MonitoredLink } from './liveness-monitor.js';
