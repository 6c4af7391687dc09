import type { Duplex } from 'node:stream';
import type { SocketAddress } from '../../socket-address.js';
import type { LinkSecurity, ListenOptions } from '../link-options.js';
import type { RepeatCounters } from '../transport.js';
import type { HandshakeSettings, PeerConnection } from './peer-connection.js';
import type { ConnectionSocket } from './connection-socket.js';

/** A connection before its handshake: the bytes, and the socket that carries them. For sockets both are the same. */
export interface ByteStream {
  readonly stream: Duplex;
  readonly socket: ConnectionSocket;
}

/** A connection that is being made. */
export interface Dialing {
  /** Resolves when bytes can be sent. */
  readonly connected: Promise<ByteStream>;
  /** Ends it at once, now and after it is connected. */
  destroy(): void;
}

/** Accepts connections and authenticates them. */
export interface Listener {
  /** Connections whose handshake is in progress. */
  readonly handshakes: number;
  /** Connections that it has rejected. */
  readonly rejected: number;
  /** Resolves to the address that others dial. Rejects with ConfigError when it cannot bind the address. */
  open(): Promise<string>;
  /** Accepts no more connections. Idempotent. */
  close(): Promise<void>;
}

/** How streams of bytes between two processes are made: the addresses, the dialer and the listener. */
export interface StreamProtocol {
  /** The schemes of its addresses. */
  readonly schemes: readonly SocketAddress['scheme'][];
  dial(address: SocketAddress, security: LinkSecurity): Dialing;
  /** Throws ConfigError for an invalid address, or for one that would accept unauthenticated connections. */
  listener(settings: HandshakeSettings, options: ListenOptions, accept: (connection: PeerConnection) => void): Listener;
  /** What carries a connection, as `Carrier.medium`. */
  mediumOf(socket: ConnectionSocket): string;
  /** What a connection has repeated, as `Link.repeats`. Left out by those that repeat nothing. */
  repeatsOf?(socket: ConnectionSocket): RepeatCounters | undefined;
}
