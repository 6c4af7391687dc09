import { codeOf, messageOf } from '../../foreign.js';
import { type SocketAddress, isEncrypted, isSocketFile } from '../../socket-address.js';
import type { LinkSecurity } from '../link-options.js';

/** What Node says of the certificate of another process that is not accepted here. */
const REFUSED = /^(ERR_TLS_CERT_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|INVALID_CA|HOSTNAME_MISMATCH)/;

/**
 * What is to be done about the failure of a connection inside TLS, as the second part of a sentence; undefined for a failure that has nothing to
 * do with certificates. `isCutOff`: the other end has closed the connection without an answer, as it does with a certificate that it refuses.
 */
export function tlsRemedy(
  error: unknown,
  { address, security, isCutOff }: { address: SocketAddress; security: LinkSecurity; isCutOff: boolean },
): string | undefined {
  const { tls } = security;
  if (!isEncrypted(address) || isSocketFile(address) || tls?.ca === undefined) return undefined;
  const { host } = address;
  const [own, authority] = [named('tlsCertFile', tls.files?.tlsCertFile), named('tlsCaFile', tls.files?.tlsCaFile)];
  if (REFUSED.test(String(codeOf(error) ?? ''))) {
    return `the certificate of ${host} is refused: ${messageOf(error).replace(/\.$/, '')}. Give ${host} a certificate for its name "${host}", signed by the authority of ${authority}`;
  }
  if (!isCutOff) return undefined;
  return `${host} has closed the connection, as it does with a certificate that it refuses: check that ${own} is valid, and signed by the authority that ${host} trusts`;
}

function named(option: string, path = ''): string {
  return path === '' ? option : `${option} ${path}`;
}
