import { isUint8Array } from 'node:util/types';
import { ConfigError, ProtocolError } from '../../../errors.js';
import { shownValue } from '../../../foreign.js';
import { accepted, checkOptions } from '../../../options/index.js';
import { systemEntropy } from '../../../scheduler/index.js';
import type { SecurityDefinition, StateLabel } from './security.js';

export interface CipherKey {
  /** A whole number from 0 to 2^32 - 1. It is written before what the key has sealed. */
  readonly id: number;
  /** 32 bytes. */
  readonly key: Uint8Array;
}

/** What `stateCipher` gives to `defineSecurity`. */
export type StateCipher = Required<Pick<SecurityDefinition, 'seal' | 'open'>>;

/**
 *     offset   0         1         5          17        33
 *            +---------+---------+----------+---------+------------
 *            | format  | key id  | nonce    | tag     | encrypted
 *            +---------+---------+----------+---------+------------
 */
const FORMAT = 1;
const [ID_AT, NONCE_AT, TAG_AT, BODY_AT] = [1, 5, 17, 33];
const KEY_BYTES = 32;
const MAX_ID = 0xffff_ffff;

/**
 * Encrypts and authenticates states by AES-256-GCM. The first key seals; all of them open. To change keys, put the new one behind the old one in all processes, and then before
 * it. A state opens only as that of the same component and version. Throws ConfigError for wrong keys; `open` throws ProtocolError for what none of them has sealed.
 *
 *     const cipher = stateCipher({ keys: [{ id: 2, key: newKey }, { id: 1, key: oldKey }] });
 */
export function stateCipher(options: { readonly keys: readonly CipherKey[] }): StateCipher {
  const keys = checked(options);
  const [first] = keys;
  if (first === undefined) throw new ConfigError('stateCipher needs a key at least.');
  return {
    seal: (state, label) => sealed(first, state, label),
    open: (bytes, label) => opened(keys, bytes, label),
  };
}

function sealed({ id, key }: CipherKey, state: Uint8Array, label: StateLabel): Uint8Array {
  const nonce = systemEntropy(TAG_AT - NONCE_AT);
  const cipher = cryptography().createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(bytesOf(label));
  const body = [cipher.update(state), cipher.final()];
  const head = Buffer.alloc(NONCE_AT);
  head[0] = FORMAT;
  head.writeUInt32LE(id, ID_AT);
  return Buffer.concat([head, nonce, cipher.getAuthTag(), ...body]);
}

function opened(keys: readonly CipherKey[], given: Uint8Array, label: StateLabel): Uint8Array {
  const bytes = Buffer.from(given.buffer, given.byteOffset, given.byteLength);
  const of = `The state of component "${label.component}"`;
  if (bytes.length < BODY_AT || bytes[0] !== FORMAT) {
    throw new ProtocolError(`${of} was not sealed by stateCipher: was the old version served without it?`);
  }
  const id = bytes.readUInt32LE(ID_AT);
  const used = keys.find((each) => each.id === id);
  if (used === undefined) throw new ProtocolError(`${of} was sealed with key ${id}, which is not among the keys here.`);
  const decipher = cryptography().createDecipheriv('aes-256-gcm', used.key, bytes.subarray(NONCE_AT, TAG_AT), {
    authTagLength: BODY_AT - TAG_AT,
  });
  decipher.setAAD(bytesOf(label));
  decipher.setAuthTag(bytes.subarray(TAG_AT, BODY_AT));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(BODY_AT)), decipher.final()]);
  } catch (cause) {
    throw new ProtocolError(
      `${of} does not open: it was changed, or it is of another component or version, or key ${id} is another one here.`,
      { cause },
    );
  }
}

/** Loaded on first use: most programs need none. */
const cryptography = () => process.getBuiltinModule('node:crypto');

/** What is authenticated with the state. */
function bytesOf({ component, version }: StateLabel): Buffer {
  return Buffer.from(JSON.stringify([component, version]));
}

function checked(options: { readonly keys: readonly CipherKey[] }): readonly CipherKey[] {
  checkOptions('stateCipher', options, { keys: accepted.object });
  const list: unknown = options?.keys;
  if (!Array.isArray(list)) throw new ConfigError(`keys of stateCipher must be an array, not ${shownValue(list)}.`);
  const keys = options.keys.map(({ id, key }) => {
    if (!Number.isSafeInteger(id) || id < 0 || id > MAX_ID) {
      throw new ConfigError(`The id of a key must be a whole number from 0 to ${MAX_ID}, not ${shownValue(id)}.`);
    }
    if (!isUint8Array(key) || key.length !== KEY_BYTES) {
      throw new ConfigError(`Key ${id} must have ${KEY_BYTES} bytes: openssl rand ${KEY_BYTES} makes one.`);
    }
    return { id, key: Uint8Array.from(key) };
  });
  if (new Set(keys.map(({ id }) => id)).size < keys.length) {
    throw new ConfigError('Two keys of stateCipher have the same id.');
  }
  return keys;
}
