import { createHash } from 'node:crypto';
import type { ConfigError } from '../../errors.js';
import { isRecord, messageOf } from '../../foreign.js';
import { unusable } from '../../named-file.js';
import type { StoreEntry } from '../cluster-store.js';

/**
 * The file of an embedded store. The first line says what it is, and has the length and the checksum of the rest, so that a file of another program,
 * of a newer version, or of which a part is missing is none of ours:
 *
 *     millrace-cluster-store 1 84 9f86d081884c7d65...\n
 *     {"revision":12,"entries":[{"key":"control-plane","revision":12,"value":"base64"}]}\n
 */
export interface StoreState {
  /** That of the last write. */
  readonly revision: number;
  readonly entries: ReadonlyMap<string, StoreEntry>;
}

export const EMPTY: StoreState = { revision: 0, entries: new Map() };

const MAGIC = 'millrace-cluster-store';
const VERSION = 1;
const HEADER = /^millrace-cluster-store (?<version>\d{1,9})(?: (?<length>\d{1,12}) (?<checksum>[\da-f]{64}))?/;
/** Longer than any first line. */
const HEADER_BYTES = 256;
const ADVICE =
  'Restore it from a copy, or remove it while no process of the cluster runs: the cluster then starts anew';

export function encodeState({ revision, entries }: StoreState): Uint8Array {
  const listed = [...entries].map(([key, entry]) => ({
    key,
    revision: entry.revision,
    value: Buffer.from(entry.value).toString('base64'),
  }));
  const body = Buffer.from(`${JSON.stringify({ revision, entries: listed })}\n`);
  return Buffer.concat([Buffer.from(`${MAGIC} ${VERSION} ${body.length} ${checksumOf(body)}\n`), body]);
}

/** Throws ConfigError for what is no whole file of this version. */
export function decodeState(bytes: Uint8Array, path: string): StoreState {
  const bad = (fault: string, cause?: unknown): ConfigError =>
    unusable({ what: 'The cluster store', path }, fault, cause);
  if (bytes.length === 0) throw bad(`is empty. ${ADVICE}`);
  const end = bytes.subarray(0, HEADER_BYTES).indexOf(10);
  const first = Buffer.from(bytes.subarray(0, end === -1 ? HEADER_BYTES : end)).toString('latin1');
  const header = HEADER.exec(first)?.groups;
  if (header === undefined) {
    if (MAGIC.startsWith(first) || first.startsWith(MAGIC))
      throw bad(`is damaged: its first line is not whole. ${ADVICE}`);
    throw bad('is a file of another program. Name another path');
  }
  if (Number(header['version']) !== VERSION) {
    throw bad(
      `has version ${header['version']}, and this version of Millrace reads ${VERSION}. Run the version that wrote it`,
    );
  }
  const body = bytes.subarray(end + 1);
  if (end === -1 || Number(header['length']) !== body.length)
    throw bad(`is damaged: a part is missing, or too much. ${ADVICE}`);
  if (checksumOf(body) !== header['checksum']) throw bad(`is damaged: its checksum is wrong. ${ADVICE}`);
  try {
    return stateOf(JSON.parse(Buffer.from(body).toString('utf8')));
  } catch (cause) {
    throw bad(`is damaged: ${messageOf(cause)}. ${ADVICE}`, cause);
  }
}

function stateOf(content: unknown): StoreState {
  if (!isRecord(content) || !isRevision(content['revision']) || !Array.isArray(content['entries'])) {
    throw new Error('its content is not that of a store');
  }
  return { revision: content['revision'], entries: new Map(content['entries'].map(entryOf)) };
}

function entryOf(entry: unknown): [string, StoreEntry] {
  if (!isRecord(entry)) throw new Error('an entry is no object');
  const { key, revision, value } = entry;
  if (typeof key !== 'string' || !isRevision(revision) || typeof value !== 'string') {
    throw new Error('an entry has no key, revision or value');
  }
  return [key, { revision, value: new Uint8Array(Buffer.from(value, 'base64')) }];
}

function isRevision(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function checksumOf(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('hex');
}
