import { ConfigError } from '../../errors.js';
import { isRecord, messageOf } from '../../foreign.js';
import type { LeaseView, StoreEntry } from '../cluster-store.js';

/** The value of a key that holds a lease. It is JSON, so that people can read it in the store. */
export interface LeaseRecord extends LeaseView {
  /** Random text of the one wait for the lease that got it: a process may wait more than once. */
  readonly token: string;
  /** The process that holds it, where the store can tell whether a process is still there; otherwise empty. */
  readonly owner: string;
}

const VERSION = 1;

export function encodeLease({ epoch, holder, ttlMs, isTaken, token, owner }: LeaseRecord): Uint8Array {
  const text = Buffer.from(holder).toString('base64');
  const fields = { lease: VERSION, epoch: String(epoch), holder: text, ttlMs, isTaken, token, owner };
  return new TextEncoder().encode(JSON.stringify(fields));
}

/** Throws ConfigError for a value that is no lease, or one of a newer version. `where` names the key. */
export function decodeLease(value: Uint8Array, where: string): LeaseRecord {
  let fields: unknown;
  try {
    fields = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(value));
  } catch (cause) {
    throw noLease(where, messageOf(cause), cause);
  }
  if (!isRecord(fields)) throw noLease(where, 'it is no JSON object');
  const { lease: version, epoch, holder, ttlMs, isTaken, token, owner } = fields;
  if (version !== VERSION) throw noLease(where, `its version is ${String(version)}, and ${VERSION} is expected`);
  const isComplete =
    typeof epoch === 'string' &&
    /^\d{1,20}$/.test(epoch) &&
    typeof holder === 'string' &&
    typeof ttlMs === 'number' &&
    Number.isFinite(ttlMs) &&
    ttlMs > 0 &&
    typeof isTaken === 'boolean' &&
    typeof token === 'string' &&
    typeof owner === 'string';
  if (!isComplete) throw noLease(where, 'a field is missing or wrong');
  return { epoch: BigInt(epoch), holder: new Uint8Array(Buffer.from(holder, 'base64')), ttlMs, isTaken, token, owner };
}

/** What an entry says of the lease of its key; undefined where nobody has ever held it. Throws ConfigError for what is no lease. */
export function leaseIn(entry: StoreEntry | undefined, where: string): LeaseView | undefined {
  return entry && decodeLease(entry.value, where);
}

function noLease(where: string, why: string, cause?: unknown): ConfigError {
  return new ConfigError(
    `The value of ${where} is not a lease: ${why}. Use another key, or let all processes run the same version of Millrace.`,
    { cause },
  );
}
