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
export { hostSilenceProbe } from './proc-net-tcp.js';
export { schemeOf, tlsClientOptions, tlsServerOptions } from './sockets.js';
export { socketProtocol } from './socket-protocol.js';
export type { ByteStream, Dialing, Listener, StreamProtocol } from './stream-protocol.js';
export { Admission } from './admission.js';
export { assertAdvertised, cannotListen, listening, newInstance } from './binding.js';
export { assertClusterKey, checkSecurity } from './security.js';
export { assertTls } from './tls-credentials.js';
export { abandonSockets, removeLeftSockets } from './socket-file.js';
export { LivenessMonitor, type MonitoredLink } from './liveness-monitor.js';
