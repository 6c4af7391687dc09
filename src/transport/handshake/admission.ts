import type { Duplex } from 'node:stream';
import { ProtocolError } from '../../errors.js';
import { messageOf } from '../../foreign.js';
import { limits } from '../../limits.js';
import { type SocketAddress, formatAddress } from '../../socket-address.js';
import { isAnswered, respond } from './handshake.js';
import { openFilesLimit } from './open-files.js';
import { type PeerConnection, type HandshakeSettings, withoutUncaughtErrors } from './peer-connection.js';
import { PendingHandshakes } from './pending-handshakes.js';
import { RejectedPeers } from './rejected-peers.js';
import { bindingOf, isLocalSocket } from './sockets.js';
import type { ByteStream } from './stream-protocol.js';
import type { ConnectionSocket } from './connection-socket.js';

/**
 * The connections of one listener from the moment they are accepted: each has a deadline for its handshake, and is given away when that has
 * succeeded. All others are rejected and counted, and some are logged.
 *
 *     began(socket) --> handshake(stream over it) --> accept(connection)
 *                   \-> reject                    \-> rejected
 */
export class Admission {
  readonly #settings: HandshakeSettings;
  readonly #accept: (connection: PeerConnection) => void;
  readonly #rejectedPeers: RejectedPeers;
  readonly #handshakes: PendingHandshakes;
  #own: SocketAddress;
  /** Connections that were accepted and are open. */
  #accepted = 0;
  readonly #mostAccepted = Math.min(limits.acceptedLinks, Math.floor(openFilesLimit() / 2));

  constructor(settings: HandshakeSettings, own: SocketAddress, accept: (connection: PeerConnection) => void) {
    this.#settings = settings;
    this.#own = own;
    this.#accept = accept;
    this.#rejectedPeers = new RejectedPeers(settings.scheduler, settings.log);
    const { scheduler, entropy } = settings;
    const rejected = (socket: ConnectionSocket, why: string): void => this.#rejected(socket, why);
    this.#handshakes = new PendingHandshakes({ scheduler, entropy, rejected });
  }

  get rejected(): number {
    return this.#rejectedPeers.count;
  }

  /** Connections whose handshake is in progress. */
  get handshakes(): number {
    return this.#handshakes.size;
  }

  /** The address of the listener is known by now. */
  listensAt(own: SocketAddress): void {
    this.#own = own;
  }

  /** A socket was accepted. Until its handshake is over, it stands for the connection in the count. */
  began(socket: ConnectionSocket): ConnectionSocket {
    return this.#handshakes.began(withoutUncaughtErrors(socket));
  }

  /** The socket that `began`, below this TLS socket. */
  find(secure: ConnectionSocket): ConnectionSocket | undefined {
    return this.#handshakes.find(secure);
  }

  /** Closes the connection of a socket that `began`, unless its handshake has ended. */
  reject(raw: ConnectionSocket, why: string): void {
    this.#handshakes.reject(raw, why);
  }

  /** As `reject`, after an answer in the protocol of the connection. */
  rejectWith(raw: ConnectionSocket, why: string, stream: Duplex, answer: string): void {
    if (!this.#handshakes.ended(raw)) return;
    this.#rejected(raw, why);
    stream.end(answer, () => stream.destroy());
  }

  /** Closes all connections whose handshake is in progress. */
  close(): void {
    this.#handshakes.close();
  }

  /** Runs the handshake on a connection whose `raw` socket `began`. */
  async handshake(raw: ConnectionSocket, { stream, socket }: ByteStream): Promise<void> {
    const { security, entropy, makeHello } = this.#settings;
    try {
      const isLocal = isLocalSocket(socket);
      const from = nameOf(this.#own, socket);
      const { peer, unread } = await respond({
        socket: stream,
        key: security.key,
        entropy,
        binding: bindingOf(socket),
        own: this.#own,
        opened: (nonce) => {
          this.#assertRoom();
          return this.#handshakes.opened(raw, nonce);
        },
        makeHello: (hello) => makeHello({ hello, socket }),
      });
      if (!this.#handshakes.ended(raw)) return;
      this.#accepted += 1;
      socket.once('close', () => {
        this.#accepted -= 1;
      });
      this.#accept({ stream, socket, peer, unread, isLocal, peerAddress: peer.address === '' ? from : peer.address });
    } catch (error) {
      if (!this.#handshakes.ended(raw)) return;
      this.#rejected(socket, messageOf(error));
      if (isAnswered(error)) destroyWhenWritten(stream);
      else stream.destroy();
    }
  }

  /** Throws ProtocolError, which is sent to the peer, when as many connections as may be were accepted and are open. */
  #assertRoom(): void {
    if (this.#accepted < this.#mostAccepted) return;
    throw new ProtocolError(
      `This process has ${this.#accepted} open links from peers, as many as it may (limit acceptedLinks, or half of its open files).`,
    );
  }

  #rejected(socket: ConnectionSocket, why: string): void {
    this.#rejectedPeers.add(nameOf(this.#own, socket), why);
  }
}

function nameOf({ scheme }: SocketAddress, { remoteAddress, remotePort }: ConnectionSocket): string {
  if (remoteAddress === undefined || remotePort === undefined) return `${scheme}:`;
  return formatAddress({ scheme: 'tcp', host: remoteAddress, port: remotePort, instance: '' });
}

/** The peer receives why it was rejected. */
function destroyWhenWritten(stream: Duplex): void {
  stream.end(() => stream.destroy());
}
