import { createServer, connect as connectPlain, type Server, type Socket } from 'node:net';
import {
  connect as connectTls,
  createServer as createTlsServer,
  type SecureContextOptions,
  type Server as TlsServer,
  type TlsOptions,
  TLSSocket,
} from 'node:tls';
import { limits } from '../../limits.js';
import { isLoopbackHost } from '../../host-name.js';
import { type SocketAddress, isSocketFile } from '../../socket-address.js';
import type { LinkSecurity, Pem } from '../link-options.js';
import type { ConnectionSocket } from './connection-socket.js';

const SHARED = { noDelay: true } as const;

/** Label and length of the channel binding of RFC 9266: equal at both ends of one TLS connection, and different for every other. */
const BINDING_LABEL = 'EXPORTER-Channel-Binding';
const BINDING_BYTES = 32;

/** Makes a server that does not listen yet. A TLS server emits raw sockets as `connection` and TLS sockets as `secureConnection`. */
export function serverFor(address: SocketAddress, security: LinkSecurity): Server {
  if (address.scheme !== 'tls') return createServer(SHARED);
  const server = createTlsServer({ ...SHARED, ...tlsServerOptions(security.tls) });
  followTls(server, security);
  return server;
}

/** From now on each new connection of the server uses the certificates that there are then. */
export function followTls(server: TlsServer, security: LinkSecurity): void {
  let known = security.tls;
  server.prependListener('connection', () => {
    const { tls } = security;
    if (tls === known) return;
    known = tls;
    server.setSecureContext(tlsServerOptions(tls));
  });
}

/** The options of a TLS server that authenticates its clients, where there is an authority. */
export function tlsServerOptions(tls: LinkSecurity['tls']): TlsOptions {
  const isMutual = tls?.ca !== undefined;
  return {
    ...contextOf(tls),
    minVersion: 'TLSv1.3',
    requestCert: isMutual,
    rejectUnauthorized: isMutual,
    handshakeTimeout: limits.connectTimeoutMs,
  };
}

/**
 * The options of a TLS client. Without a CA, the proof of the cluster key is bound to this TLS connection: it defeats a man in the middle.
 */
export function tlsClientOptions(tls: LinkSecurity['tls']) {
  return { ...contextOf(tls), minVersion: 'TLSv1.3', rejectUnauthorized: tls?.ca !== undefined } as const;
}

/** Opens a socket to `address`. It emits `connect`, or `secureConnect` for TLS, when it is connected. */
export function socketTo(address: SocketAddress, { tls }: LinkSecurity): Socket {
  if (isSocketFile(address)) return connectPlain({ ...SHARED, path: address.path });
  const { host, port } = address;
  if (address.scheme === 'tcp') return connectPlain({ ...SHARED, host, port });
  return connectTls({ ...SHARED, ...tlsClientOptions(tls), host, port });
}

/** Certificates and keys as Node takes them. */
function contextOf({ cert, key, ca }: NonNullable<LinkSecurity['tls']> = {}): SecureContextOptions {
  return { ...(cert && { cert: buffers(cert) }), ...(key && { key: buffers(key) }), ...(ca && { ca: buffers(ca) }) };
}

function buffers(pem: Pem): Buffer[] {
  const texts = typeof pem === 'string' || pem instanceof Uint8Array ? [pem] : pem;
  return texts.map((text) => Buffer.from(text));
}

/** The channel binding of a socket. Empty without TLS. */
export function bindingOf(socket: ConnectionSocket): Uint8Array {
  if (!(socket instanceof TLSSocket)) return new Uint8Array(0);
  return socket.exportKeyingMaterial(BINDING_BYTES, BINDING_LABEL, Buffer.alloc(0));
}

/** The scheme of the socket's peer address. */
export function schemeOf(socket: ConnectionSocket): SocketAddress['scheme'] {
  if (socket instanceof TLSSocket) return 'tls';
  return socket.remoteAddress === undefined ? 'unix' : 'tcp';
}

/** True if both ends are on this host. */
export function isLocalSocket({ remoteAddress, remoteFamily }: ConnectionSocket): boolean {
  // Whatever stays on this host has no remote address.
  if (remoteAddress === undefined || remoteFamily === undefined) return true;
  return isLoopbackHost(remoteAddress);
}
