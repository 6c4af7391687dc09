/** The three kinds of id as branded types, the checks that make them, and how to decode them. */
import { ProtocolError } from '../errors.js';
import {
  type Band,
  type ChannelRole,
  channelBands,
  GATEWAYS_PER_NODE,
  type PoolRole,
  type ProcessRole,
  poolBands,
  processBands,
} from './bands.js';

declare const kind: unique symbol;

/** Id of a process. */
export type PUid = bigint & { readonly [kind]: 'p_uid' };
/** Id of a channel: where messages for one reader arrive. */
export type CUid = bigint & { readonly [kind]: 'c_uid' };
/** Id of a memory pool. */
export type MUid = bigint & { readonly [kind]: 'm_uid' };

/** The role that an id belongs to, and its index in the band of that role. */
export interface Place<Role extends string> {
  readonly role: Role;
  readonly index: bigint;
}

/** Checks a number from outside. Throws ProtocolError when no process can have it. */
export function pUid(value: bigint): PUid {
  if (isPUid(value)) return value;
  throw new ProtocolError(refusal('process', 'p_uid', value));
}

/** Checks a number from outside. Throws ProtocolError when no channel can have it. */
export function cUid(value: bigint): CUid {
  if (isCUid(value)) return value;
  throw new ProtocolError(refusal('channel', 'c_uid', value));
}

/** Checks a number from outside. Throws ProtocolError when no pool can have it. */
export function mUid(value: bigint): MUid {
  if (isMUid(value)) return value;
  throw new ProtocolError(refusal('pool', 'm_uid', value));
}

/** Decodes a p_uid: the role of the process. Undefined for one that no process can have. */
export function placeOfPUid(value: bigint): Place<ProcessRole> | undefined {
  return find(processBands, value);
}

/** Decodes a c_uid: the role of the channel. Undefined for one that no channel can have. */
export function placeOfCUid(value: bigint): Place<ChannelRole> | undefined {
  return find(channelBands, value);
}

/** Decodes an m_uid: the role of the pool. Undefined for one that no pool can have. */
export function placeOfMUid(value: bigint): Place<PoolRole> | undefined {
  return find(poolBands, value);
}

/** An id as text for logs and messages: `describeId('channel', 2n ** 56n + 3n)` is `shepherd 3`. Never throws. */
export function describeId(of: 'process' | 'channel' | 'pool', value: bigint): string {
  const tables: Record<typeof of, Readonly<Record<string, Band>>> = {
    process: processBands,
    channel: channelBands,
    pool: poolBands,
  };
  const table = tables[of];
  const place = find(table, value);
  const band = place && table[place.role];
  return place && band ? inWords(place, band) : `no ${of} (${value})`;
}

function inWords({ role, index }: Place<string>, { indexed }: Band): string {
  const words = role.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  switch (indexed) {
    case 'one':
      return words;
    case 'node':
    case 'host':
    case 'sequence':
      return `${words} ${index}`;
    case 'gateway':
      return `${words} ${index % BigInt(GATEWAYS_PER_NODE)} of node ${index / BigInt(GATEWAYS_PER_NODE)}`;
    case 'host and direction':
      return `${words} ${index % 2n === 0n ? 'in' : 'out'} ${index / 2n}`;
    case 'ordinal and sequence':
      return `${words} ${index >> 32n}:${index & 0xffff_ffffn}`;
  }
}

function find<Role extends string>(bands: Readonly<Record<Role, Band>>, value: bigint): Place<Role> | undefined {
  for (const role in bands) {
    const { first, count } = bands[role];
    if (value >= first && value < first + count) return { role, index: value - first };
  }
  return undefined;
}

function isPUid(value: bigint): value is PUid {
  return placeOfPUid(value) !== undefined;
}

function isCUid(value: bigint): value is CUid {
  return isUserId(value) || placeOfCUid(value) !== undefined;
}

function isMUid(value: bigint): value is MUid {
  return isUserId(value) || placeOfMUid(value) !== undefined;
}

/** The common case, decided without a search in the table. */
function isUserId(value: bigint): boolean {
  return value >= channelBands.user.first && value < channelBands.user.end;
}

function refusal(of: string, name: string, value: bigint): string {
  return `${value} is the ${name} of no ${of}: it lies outside every band of conventional ids (docs/ids.md).`;
}
