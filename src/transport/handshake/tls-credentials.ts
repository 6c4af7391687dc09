/**
 * Checks certificates and keys before anything listens. OpenSSL accepts some wrong ones when a context is made, and fails at each handshake
 * later: an authority without a certificate, a certificate without its key.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { ConfigError } from '../../errors.js';
import { messageOf } from '../../foreign.js';
import type { LinkSecurity, Pem } from '../link-options.js';

type Tls = Omit<NonNullable<LinkSecurity['tls']>, 'files'>;

/** What errors call each part: in code `tls.cert`, for options the option and its file. */
export type TlsNames = { readonly [Part in keyof Tls]-?: string };

const IN_CODE: TlsNames = { cert: 'tls.cert', key: 'tls.key', ca: 'tls.ca' };
const CERTIFICATE = /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----[^-]*-----END (?:X509 |TRUSTED )?CERTIFICATE-----/g;

/**
 * Throws ConfigError, with the name of the part, for a text that is not PEM, for a key that is encrypted or belongs to another certificate, and for
 * a certificate without its key or the reverse.
 */
export function assertTls({ cert, key, ca }: Tls, names: TlsNames = IN_CODE): void {
  if ((cert === undefined) !== (key === undefined)) {
    const [given, missing] = cert === undefined ? [names.key, names.cert] : [names.cert, names.key];
    throw new ConfigError(`${given} is set, and ${missing} is not: a certificate and its private key go together.`);
  }
  if (ca !== undefined) certificatesIn(ca, names.ca);
  if (cert === undefined || key === undefined) return;
  const [own] = certificatesIn(cert, names.cert);
  for (const each of textsOf(key)) {
    const isPair = own?.checkPrivateKey(privateKey(each, names.key)) === true;
    if (!isPair) throw new ConfigError(`${names.key} is not the private key of the certificate of ${names.cert}.`);
  }
  try {
    createSecureContext({ cert: textsOf(cert).map(toBuffer), key: textsOf(key).map(toBuffer) });
  } catch (cause) {
    throw new ConfigError(`${names.cert} and ${names.key} cannot be used: ${messageOf(cause)}.`, { cause });
  }
}

/** Every certificate of a PEM: at least one. */
function certificatesIn(pem: Pem, name: string): readonly X509Certificate[] {
  const blocks = textsOf(pem).flatMap((text) => text.match(CERTIFICATE) ?? []);
  if (blocks.length === 0) {
    throw new ConfigError(`${name} contains no certificate in PEM: -----BEGIN CERTIFICATE----- is missing.`);
  }
  return blocks.map((block, index) => {
    try {
      return new X509Certificate(block);
    } catch (cause) {
      throw new ConfigError(`${name}: certificate ${index + 1} cannot be read: ${messageOf(cause)}.`, { cause });
    }
  });
}

function privateKey(pem: string, name: string): KeyObject {
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem)) {
    throw new ConfigError(`${name} contains no private key in PEM: -----BEGIN PRIVATE KEY----- is missing.`);
  }
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(pem)) {
    throw new ConfigError(
      `${name} is encrypted, and there is no option for its passphrase: decrypt it with openssl pkey -in FILE -out NEW.`,
    );
  }
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw new ConfigError(`${name} cannot be read: ${messageOf(cause)}.`, { cause });
  }
}

function textsOf(pem: Pem): readonly string[] {
  const texts = typeof pem === 'string' || pem instanceof Uint8Array ? [pem] : pem;
  return texts.map((text) => toBuffer(text).toString());
}

function toBuffer(text: string | Uint8Array): Buffer {
  return Buffer.from(text);
}
