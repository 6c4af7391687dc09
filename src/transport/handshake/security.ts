import { ConfigError } from '../../errors.js';
import type { LinkSecurity } from '../link-options.js';
import { type SocketAddress, formatAddress, isLocal } from './address.js';

/** A shorter secret can be guessed from one recorded handshake. */
const SHORTEST_KEY_BYTES = 16;

/** Throws ConfigError when the settings do not let the two ends of a link at this address authenticate each other. */
export function checkSecurity(address: SocketAddress, security: LinkSecurity): void {
  const { key, tls, keyless = 'unix' } = security;
  const keyBytes = key === undefined ? 0 : Buffer.byteLength(key);
  if (key !== undefined && keyBytes < SHORTEST_KEY_BYTES) {
    throw new ConfigError(`The cluster key has ${keyBytes} bytes; it needs at least ${SHORTEST_KEY_BYTES}.`);
  }
  if (address.scheme === 'tls' && tls?.cert === undefined && (key === undefined || tls?.ca !== undefined)) {
    throw new ConfigError(`${formatAddress(address)} needs a certificate: set tls.cert and tls.key (PEM).`);
  }
  const hasMutualTls = address.scheme === 'tls' && tls?.ca !== undefined;
  if (key !== undefined || hasMutualTls) return;
  const isOpen = keyless === 'loopback' ? isLocal(address) : keyless === 'unix' && address.scheme === 'unix';
  if (isOpen) return;
  const remedy = isLocal(address) ? `, or keyless: '${address.scheme === 'unix' ? 'unix' : 'loopback'}'` : '';
  throw new ConfigError(
    `${formatAddress(address)} would accept unauthenticated peers: set the cluster key${address.scheme === 'tls' ? ', or tls.ca' : ''}${remedy}.`,
  );
}
