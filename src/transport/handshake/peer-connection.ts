import type { Duplex } from 'node:stream';
import type { Logger } from '../../logging/index.js';
import type { v1 } from '../../protocol/on-demand/index.js';
import type { Entropy, Scheduler } from '../../scheduler/index.js';
import type { Hello } from './handshake.js';
import type { LinkSecurity } from '../link-options.js';
import type { ConnectionSocket } from './connection-socket.js';

/** An authenticated connection to another process. The receiver of this object owns it. */
export interface PeerConnection {
  /** Its bytes. */
  readonly stream: Duplex;
  /** What carries them: the same, unless there is a protocol in between. */
  readonly socket: ConnectionSocket;
  /** At the client: the dialed address. At the listener: the address on which the client listens, or from which it connected. */
  readonly peerAddress: string;
  /** The hello of the other end. */
  readonly peer: v1.PeerHello;
  /** Both ends are on this host. */
  readonly isLocal: boolean;
  /** Bytes that arrived after the handshake and that nobody has read yet. */
  readonly unread: Uint8Array;
}

/** A client whose proof was verified, and that waits for the hello of the listener. */
export interface AuthenticatedClient {
  readonly hello: v1.PeerHello;
  readonly socket: ConnectionSocket;
}

/** What the client and the listener need for a handshake. */
export interface HandshakeSettings {
  readonly scheduler: Scheduler;
  readonly log: Logger;
  readonly entropy: Entropy;
  readonly security: LinkSecurity;
  /** Makes the hello of this end. `client` is undefined if this end is the client. */
  readonly makeHello: (client?: AuthenticatedClient) => Hello | Promise<Hello>;
}

/** Errors of a socket reach whoever awaits it. A later error must not crash the process, so the socket always has a listener. */
export function withoutUncaughtErrors<Carrying extends ConnectionSocket>(socket: Carrying): Carrying {
  return socket.on('error', () => {});
}
