import { ConfigError } from '../../errors.js';
import { limits } from '../../limits.js';
import type { LinkSecurity } from '../link-options.js';
import { type SocketAddress, formatAddress, isEncrypted, isLocal, isSocketFile } from '../../socket-address.js';

/** Throws ConfigError when the settings do not let the two ends of a link at this address authenticate each other. */
export function checkSecurity(address: SocketAddress, security: LinkSecurity): void {
  const { key, tls, keyless = 'unix' } = security;
  if (key !== undefined) assertClusterKey(key, 'The cluster key');
  if (isEncrypted(address) && tls?.cert === undefined && (key === undefined || tls?.ca !== undefined)) {
    throw new ConfigError(`${formatAddress(address)} needs a certificate: set tls.cert and tls.key (PEM).`);
  }
  const hasMutualTls = isEncrypted(address) && tls?.ca !== undefined;
  if (key !== undefined || hasMutualTls) return;
  const isOpen = keyless === 'loopback' ? isLocal(address) : keyless === 'unix' && isSocketFile(address);
  if (isOpen) return;
  const remedy = isLocal(address) ? `, or keyless: '${isSocketFile(address) ? 'unix' : 'loopback'}'` : '';
  throw new ConfigError(
    `${formatAddress(address)} would accept unauthenticated peers: set the cluster key${isEncrypted(address) ? ', or tls.ca' : ''}${remedy}.`,
  );
}

/** Throws ConfigError for a key that is too short; an empty one too. `name` is what the error calls the key. */
export function assertClusterKey(key: string | Uint8Array, name: string): void {
  const bytes = Buffer.byteLength(key);
  if (bytes < limits.shortestKeyBytes) {
    throw new ConfigError(`${name} has ${bytes} bytes; it needs at least ${limits.shortestKeyBytes}.`);
  }
}
