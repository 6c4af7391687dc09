import { generate } from 'selfsigned';

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

let authority: Promise<Certificate> | undefined;

/** Valid for a day, for 127.0.0.1; signed by `ca`, or by itself. */
export async function certificate(ca?: Certificate): Promise<Certificate> {
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'millrace test' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notAfterDate: new Date(Date.now() + 24 * 3_600_000),
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
    ...(ca && { ca: { cert: ca.cert, key: ca.key } }),
  });
  return { cert, key };
}

/** Signs the certificates of one cluster. */
export function clusterAuthority(): Promise<Certificate> {
  authority ??= generate([{ name: 'commonName', value: 'millrace test authority' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notAfterDate: new Date(Date.now() + 24 * 3_600_000),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, critical: true },
    ],
  }).then(({ cert, private: key }) => ({ cert, key }));
  return authority;
}
