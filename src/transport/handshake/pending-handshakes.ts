import { limits } from '../../limits.js';
import { type Entropy, randomStream, type Scheduler, type Timer } from '../../scheduler/index.js';
import { EvictionPool, type PoolMember } from './eviction-pool.js';
import { openFilesLimit } from './open-files.js';
import type { ConnectionSocket } from './connection-socket.js';

/** Each kind of connection may use this part of the files that the process may open. */
const SHARE_OF_FILES = 4;

/** A connection whose handshake is in progress. */
interface Pending extends PoolMember {
  readonly socket: ConnectionSocket;
  readonly timer: Timer;
  /** Address and port of the peer. Empty for Unix sockets. */
  readonly peer: string;
  /** The nonce of its opening, once that was verified. */
  nonce: string | undefined;
}

export interface PendingHandshakesOptions {
  readonly scheduler: Scheduler;
  readonly entropy: Entropy;
  readonly rejected: (socket: ConnectionSocket, why: string) => void;
}

/**
 * Connections whose handshake is in progress. Each has a deadline. Those that have not proven anything are apart from those whose opening
 * was verified, so that a flood of the first never costs one of the second. Where there are too many of a kind, one of that kind is
 * rejected.
 */
export class PendingHandshakes {
  readonly #scheduler: Scheduler;
  readonly #rejected: (socket: ConnectionSocket, why: string) => void;
  readonly #all = new Map<ConnectionSocket, Pending>();
  /** By address and port of the peer, to find the raw socket of a TLS socket. */
  readonly #byPeer = new Map<string, ConnectionSocket>();
  readonly #nonces = new Set<string>();
  readonly #silent: EvictionPool<Pending>;
  readonly #opened: EvictionPool<Pending>;

  constructor({ scheduler, entropy, rejected }: PendingHandshakesOptions) {
    this.#scheduler = scheduler;
    this.#rejected = rejected;
    const random = randomStream(Buffer.from(entropy(16)).toString('hex'));
    const share = Math.max(1, Math.floor(openFilesLimit() / SHARE_OF_FILES));
    this.#silent = new EvictionPool(Math.min(limits.unprovenConnections, share), random);
    this.#opened = new EvictionPool(Math.min(limits.pendingHandshakes, share), random);
  }

  get size(): number {
    return this.#all.size;
  }

  /** A connection was accepted. Rejects another one if there are too many that have proven nothing. */
  began(socket: ConnectionSocket): ConnectionSocket {
    const timer = this.#scheduler.setTimer(limits.connectTimeoutMs, () =>
      this.reject(socket, `its handshake took longer than ${limits.connectTimeoutMs} ms (limit connectTimeoutMs)`),
    );
    const pending: Pending = { socket, timer, from: networkOf(socket), peer: peerOf(socket), nonce: undefined };
    this.#all.set(socket, pending);
    this.#byPeer.set(pending.peer, socket);
    socket.once('close', () => this.reject(socket, 'the connection ended during the handshake'));
    this.#evict(this.#silent.add(pending), 'connections had proven nothing (limit unprovenConnections)');
    return socket;
  }

  /**
   * The opening of this connection was verified. Returns false if the handshake has ended, or if another one with this nonce is in progress:
   * then one of the two is a recording.
   */
  opened(socket: ConnectionSocket, nonce: Uint8Array): boolean {
    const pending = this.#all.get(socket);
    const key = Buffer.from(nonce).toString('latin1');
    if (pending === undefined || this.#nonces.has(key)) return false;
    this.#nonces.add(key);
    pending.nonce = key;
    this.#silent.remove(pending);
    this.#evict(this.#opened.add(pending), 'handshakes were in progress (limit pendingHandshakes)');
    return true;
  }

  /** Finds the raw socket of a TLS socket: both have the same peer. */
  find(secure: ConnectionSocket): ConnectionSocket | undefined {
    return this.#byPeer.get(peerOf(secure));
  }

  /** Returns false if the handshake had already ended. */
  ended(socket: ConnectionSocket): boolean {
    const pending = this.#all.get(socket);
    if (pending === undefined) return false;
    this.#scheduler.clearTimer(pending.timer);
    this.#all.delete(socket);
    if (this.#byPeer.get(pending.peer) === socket) this.#byPeer.delete(pending.peer);
    if (pending.nonce !== undefined) this.#nonces.delete(pending.nonce);
    this.#silent.remove(pending);
    this.#opened.remove(pending);
    return true;
  }

  /** Rejects the connection, unless its handshake has ended. */
  reject(socket: ConnectionSocket, why: string): void {
    if (!this.ended(socket)) return;
    this.#rejected(socket, why);
    socket.destroy();
  }

  /** Closes all these connections. */
  close(): void {
    for (const socket of this.#all.keys()) {
      this.ended(socket);
      socket.destroy();
    }
  }

  #evict(pending: Pending | undefined, why: string): void {
    if (pending !== undefined) this.reject(pending.socket, `too many ${why}`);
  }
}

function peerOf({ remoteAddress = '', remotePort = 0 }: ConnectionSocket): string {
  return `${remoteAddress} ${remotePort}`;
}

/** The host of the peer, or its network: one host of IPv6 has as many addresses as it likes within 64 bits. */
function networkOf({ remoteAddress = '' }: ConnectionSocket): string {
  const address = remoteAddress.replace(/^::ffff:(?=\d+\.)/, '');
  if (!address.includes(':')) return address;
  const [before = '', after] = address.split('::');
  const groups = before === '' ? [] : before.split(':');
  const behind = after === undefined || after === '' ? [] : after.split(':');
  const zeros = Array.from({ length: Math.max(0, 8 - groups.length - behind.length) }, () => '0');
  return [...groups, ...zeros, ...behind].slice(0, 4).join(':');
}
