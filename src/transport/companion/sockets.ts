import { createServer, connect as connectPlain, type Server, type Socket } from 'node:net';
import { connect as connectTls, createServer as createTlsServer, type SecureContextOptions, TLSSocket } from 'node:tls';
import { limits } from '../../limits.js';
import { type CompanionAddress, isLocal } from './address.js';
import type { LinkSecurity, Pem } from '../link-options.js';

const SHARED = { noDelay: true } as const;

/** Label and length of RFC 9266: the same at both ends of one TLS connection, and nowhere else. */
const BINDING_LABEL = 'EXPORTER-Channel-Binding';
const BINDING_BYTES = 32;

/** A server that has not begun to listen. Of TLS the raw sockets come as `connection`, the others as `secureConnection`. */
export function serverFor(address: CompanionAddress, { tls }: LinkSecurity): Server {
  if (address.scheme !== 'tls') return createServer(SHARED);
  const isMutual = tls?.ca !== undefined;
  return createTlsServer({
    ...SHARED,
    ...contextOf(tls),
    minVersion: 'TLSv1.3',
    requestCert: isMutual,
    rejectUnauthorized: isMutual,
    handshakeTimeout: limits.connectTimeoutMs,
  });
}

/** A socket on its way to `address`; it says `connect`, or `secureConnect` for TLS, when it is there. */
export function socketTo(address: CompanionAddress, { tls }: LinkSecurity): Socket {
  if (address.scheme === 'unix') return connectPlain({ ...SHARED, path: address.path });
  const { host, port } = address;
  if (address.scheme === 'tcp') return connectPlain({ ...SHARED, host, port });
  // Without an authority the proof of the cluster key is bound to this very connection: nobody can stand between.
  return connectTls({
    ...SHARED,
    ...contextOf(tls),
    host,
    port,
    minVersion: 'TLSv1.3',
    rejectUnauthorized: tls?.ca !== undefined,
  });
}

function contextOf({ cert, key, ca }: NonNullable<LinkSecurity['tls']> = {}): SecureContextOptions {
  return { ...(cert && { cert: buffers(cert) }), ...(key && { key: buffers(key) }), ...(ca && { ca: buffers(ca) }) };
}

function buffers(pem: Pem): Buffer[] {
  const texts = typeof pem === 'string' || pem instanceof Uint8Array ? [pem] : pem;
  return texts.map((text) => Buffer.from(text));
}

/** What a proof is bound to. */
export function bindingOf(socket: Socket): Uint8Array {
  if (!(socket instanceof TLSSocket)) return new Uint8Array(0);
  return socket.exportKeyingMaterial(BINDING_BYTES, BINDING_LABEL, Buffer.alloc(0));
}

/** What kind of address leads there. */
export function schemeOf(socket: Socket): CompanionAddress['scheme'] {
  if (socket instanceof TLSSocket) return 'tls';
  return socket.remoteAddress === undefined ? 'unix' : 'tcp';
}

/** Both ends are on this host. */
export function isLocalSocket({ remoteAddress, remoteFamily }: Socket): boolean {
  // A Unix socket has no remote address.
  if (remoteAddress === undefined || remoteFamily === undefined) return true;
  return isLocal({ scheme: 'tcp', host: remoteAddress.replace(/^::ffff:/, ''), port: 0, instance: '' });
}
