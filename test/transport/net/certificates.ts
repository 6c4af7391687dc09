import { randomUUID } from 'node:crypto';
import { generate } from 'selfsigned';

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

const DAY_MS = 24 * 3_600_000;

let authority: Promise<Certificate> | undefined;

/** Valid for a day, for 127.0.0.1 or the name of a host; signed by `ca`, or by itself. */
export async function certificate(ca?: Certificate, host?: string): Promise<Certificate> {
  const name = host === undefined ? ({ type: 7, ip: '127.0.0.1' } as const) : ({ type: 2, value: host } as const);
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'millrace test' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notAfterDate: new Date(Date.now() + DAY_MS),
    extensions: [{ name: 'subjectAltName', altNames: [name] }],
    ...(ca && { ca: { cert: ca.cert, key: ca.key } }),
  });
  return { cert, key };
}

/** Signs the certificates of one cluster. */
export function clusterAuthority(): Promise<Certificate> {
  authority ??= newAuthority();
  return authority;
}

/** Signs the certificates of another cluster. Each has a name of its own: by that OpenSSL finds who has signed a certificate. */
export async function newAuthority(): Promise<Certificate> {
  const value = `millrace test authority ${randomUUID()}`;
  const { cert, private: key } = await generate([{ name: 'commonName', value }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notAfterDate: new Date(Date.now() + DAY_MS),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, critical: true },
    ],
  });
  return { cert, key };
}
