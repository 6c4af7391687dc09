/** Maps an index to its id: one function for each role. Each throws ConfigError for an index outside its role. */
import { ConfigError } from '../errors.js';
import {
  type Band,
  channelBands,
  GATEWAYS_PER_NODE,
  HOST_ADDERS,
  IDS_PER_ORDINAL,
  MAX_NODES,
  MAX_ORDINALS,
  poolBands,
  processBands,
} from './bands.js';
import { firstSequenceOf } from './incarnation.js';
import { type CUid, cUid, type MUid, mUid, type PUid, pUid } from './uid.js';

export const launcherPUid: PUid = pUid(processBands.launcher.first);
export const globalServicesPUid: PUid = pUid(processBands.globalServices.first);
export const transportServicePUid = (node: number): PUid => pUid(ofNode(processBands.transportService, node));
/** One of several in a run with a cluster store. `index`: below 2^31, and random, for each of them is started without asking the others. */
export const globalServicesCandidatePUid = (index: number | bigint): PUid =>
  pUid(at(processBands.globalServicesCandidate, index));
/** The managed process number `index` of a run, counted from 0. */
export const managedPUid = (index: number | bigint): PUid => pUid(at(processBands.managed, index));

export const globalServicesStdinCUid: CUid = cUid(channelBands.globalServicesStdin.first);
export const globalServicesStdoutCUid: CUid = cUid(channelBands.globalServicesStdout.first);
export const globalServicesInputCUid: CUid = cUid(channelBands.globalServicesInput.first);
export const membershipCUid: CUid = cUid(channelBands.membership.first);
export const debugCUid = (index: number | bigint): CUid => cUid(at(channelBands.debug, index));
export const transportAgentCUid = (node: number): CUid => cUid(ofNode(channelBands.transportAgent, node));
export const shepherdCUid = (node: number): CUid => cUid(ofNode(channelBands.shepherd, node));
export const launcherBackendCUid = (node: number): CUid => cUid(ofNode(channelBands.launcherBackend, node));
export const loggingServiceCUid = (node: number): CUid => cUid(ofNode(channelBands.loggingService, node));
export const backendGatewayCUid = (hostId: bigint): CUid => cUid(at(channelBands.backendGateway, hostAdder(hostId)));
export const backendFrontendCUid = (hostId: bigint): CUid => cUid(at(channelBands.backendFrontend, hostAdder(hostId)));
export const globalServicesReturnCUid = (index: number | bigint): CUid =>
  cUid(at(channelBands.globalServicesReturn, index));
export const shepherdReturnCUid = (index: number | bigint): CUid => cUid(at(channelBands.shepherdReturn, index));

/** Gateway `gateway` (0 to GATEWAYS_PER_NODE - 1) of a node. */
export function gatewayCUid(node: number, gateway: number): CUid {
  demand(node, MAX_NODES, 'node index');
  demand(gateway, GATEWAYS_PER_NODE, 'gateway');
  return cUid(at(channelBands.gateway, node * GATEWAYS_PER_NODE + gateway));
}

export function backendLocalCUid(hostId: bigint, direction: 'in' | 'out'): CUid {
  return cUid(at(channelBands.backendLocal, 2n * hostAdder(hostId) + (direction === 'in' ? 0n : 1n)));
}

/** Id number `sequence` of the leased block `ordinal`. Allocators call this; nothing else makes user ids. */
export const userCUid = (ordinal: number, sequence: number): CUid =>
  cUid(ofBlock(channelBands.user, ordinal, sequence));

export const nodeDefaultMUid = (node: number): MUid => mUid(ofNode(poolBands.nodeDefault, node));
export const nodeLoggingMUid = (node: number): MUid => mUid(ofNode(poolBands.nodeLogging, node));
export const userMUid = (ordinal: number, sequence: number): MUid => mUid(ofBlock(poolBands.user, ordinal, sequence));

/** The first id of a partition's block: the actor through which it exchanges values. */
export const descriptorsCUid = (ordinal: number, incarnation: bigint): CUid =>
  userCUid(ordinal, firstSequenceOf(incarnation));

/** The second id of a partition's block: the actor that shows what the partition does. Other ids follow from `firstSequenceOf` plus two. */
export const introspectionCUid = (ordinal: number, incarnation: bigint): CUid =>
  userCUid(ordinal, firstSequenceOf(incarnation) + 1);

/** The ordinal of the leased block that a user id belongs to, and so its owner; undefined for infrastructure ids. */
export function ownerOrdinal(id: bigint): number | undefined {
  const { first, end } = channelBands.user;
  return id >= first && id < end ? Number((id - first) >> 32n) : undefined;
}

/** Whether a p_uid is that of a process of the application, and not of the infrastructure: only such a process is given work. */
export function isManaged(id: bigint): boolean {
  return id >= processBands.managed.first && id < processBands.managed.end;
}

/** The offset of a host id in its band. The offset is reduced, not the sum: a reduced sum would leave the band for half of all hosts. */
export function hostAdder(hostId: bigint): bigint {
  if (hostId < 0n) throw new ConfigError(`Host id ${hostId} is negative: it is a hash, 0 or more.`);
  return hostId % HOST_ADDERS;
}

function ofNode(band: Band, node: number): bigint {
  demand(node, MAX_NODES, 'node index');
  return at(band, node);
}

function ofBlock(band: Band, ordinal: number, sequence: number): bigint {
  demand(ordinal, MAX_ORDINALS, 'ordinal');
  demand(sequence, IDS_PER_ORDINAL, 'sequence');
  return band.first + (BigInt(ordinal) << 32n) + BigInt(sequence);
}

function at(band: Band, index: number | bigint): bigint {
  if (typeof index === 'number') demand(index, Number.MAX_SAFE_INTEGER, 'index');
  const offset = BigInt(index);
  if (offset < 0n || offset >= band.count) {
    throw new ConfigError(`Index ${index} is out of range for ${band.holder}: 0 to ${band.count - 1n}.`);
  }
  return band.first + offset;
}

function demand(value: number, end: number, name: string): void {
  if (Number.isInteger(value) && value >= 0 && value < end) return;
  throw new ConfigError(`The ${name} ${value} is out of range: an integer from 0 to ${end - 1}.`);
}
