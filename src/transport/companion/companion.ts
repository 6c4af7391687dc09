import type { Socket } from 'node:net';
import type { Logger } from '../../logging/index.js';
import type { v1 } from '../../protocol/index.js';
import type { Entropy, Scheduler } from '../../scheduler/index.js';
import type { Introduction } from './handshake.js';
import type { LinkSecurity } from '../link-options.js';

/** A socket to another process, both of which know who is at the other end. Whoever takes it over owns the socket. */
export interface Companion {
  readonly socket: Socket;
  /** Address that was dialed; at the listener that on which the other end listens, or where it came from. */
  readonly peerAddress: string;
  /** What the other end said of itself. */
  readonly peer: v1.Introduction;
  /** Both ends are on this host. */
  readonly isLocal: boolean;
  /** What the other end has sent already. */
  readonly unread: Uint8Array;
}

/** What both ways to a companion need. */
export interface CompanionSettings {
  readonly scheduler: Scheduler;
  readonly log: Logger;
  readonly entropy: Entropy;
  readonly security: LinkSecurity;
  /** What this end says of itself; `client` is what the other end has said, undefined where this end speaks first. */
  readonly introduce: (client: v1.Introduction | undefined) => Introduction | Promise<Introduction>;
}

/** Errors come to whoever waits for the socket; one that comes later must not end the process. */
export function withoutUncaughtErrors(socket: Socket): Socket {
  return socket.on('error', () => {});
}
