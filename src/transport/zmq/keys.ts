import { createPrivateKey, createPublicKey, hkdfSync } from 'node:crypto';

/** As ZeroMQ takes the keys of CURVE: 40 characters of Z85. */
export interface CurveKeys {
  readonly publicKey: string;
  readonly secretKey: string;
}

const KEY_BYTES = 32;
const PURPOSE = 'millrace zmq curve';
/** What comes before the 32 bytes of a private key of X25519 in PKCS #8. */
const PKCS8 = Buffer.from('302e020100300506032b656e04220420', 'hex');
const DIGITS = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#';

/**
 * The keys of CURVE of all processes of a cluster, which are derived from its key. CURVE never sends the public key of the server, and nobody
 * without it gets past its handshake, so all of the cluster is one party. Which process is at the other end is proven by the handshake of the link.
 */
export function curveKeys(clusterKey: string | Uint8Array): CurveKeys {
  const secret = Buffer.from(hkdfSync('sha256', clusterKey, '', PURPOSE, KEY_BYTES));
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8, secret]), format: 'der', type: 'pkcs8' });
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return { secretKey: z85(secret), publicKey: z85(spki.subarray(-KEY_BYTES)) };
}

/** RFC 32 of ZeroMQ: 4 bytes, big-endian, are 5 digits of base 85. */
function z85(bytes: Buffer): string {
  let text = '';
  for (let start = 0; start < bytes.length; start += 4) {
    const number = bytes.readUInt32BE(start);
    for (let power = 85 ** 4; power >= 1; power /= 85) text += DIGITS[Math.floor(number / power) % 85];
  }
  return text;
}
