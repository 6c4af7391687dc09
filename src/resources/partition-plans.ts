import { ConfigError } from '../errors.js';
import { type EngineGroup, planEngineGroups } from './engine-groups.js';
import {
  type CpuSet,
  type Device,
  devicesOf,
  formatCpuList,
  matchDevices,
  nodesOf,
  type Topology,
} from './topology/index.js';

/** Processors that belong together, with their memory and the nearest devices. */
export interface HostPartition {
  readonly index: number;
  readonly cpus: CpuSet;
  /** `cpus` as Linux writes them: `0-3,8`. */
  readonly cpuset: string;
  /** The nearest NUMA nodes; empty where the memory is unknown. */
  readonly nodes: CpuSet;
  readonly gpus: readonly Device[];
  readonly networks: readonly Device[];
  readonly engineGroups: readonly EngineGroup[];
}

/** A planned event loop: a host partition, with one of its GPUs where it has any. */
export interface PartitionPlan {
  readonly index: number;
  /** Index of its host partition. Partitions with different GPUs of one host share its processors. */
  readonly host: number;
  readonly cpus: CpuSet;
  readonly cpuset: string;
  readonly nodes: CpuSet;
  readonly gpu?: Device;
}

export interface HostOptions {
  readonly topology?: Topology | undefined;
  readonly engineGroups?: Readonly<Record<string, number>> | undefined;
}

/** The host partitions of domains, with their nearest memory and devices. */
export function planHosts(
  domains: readonly CpuSet[],
  { topology, engineGroups }: HostOptions,
): readonly HostPartition[] {
  const gpus = nearEach(domains, 'gpu', topology);
  const networks = nearEach(domains, 'network', topology);
  return domains.map((cpus, index) => ({
    index,
    cpus,
    cpuset: formatCpuList(cpus),
    nodes: topology === undefined ? [] : nodesOf(topology, cpus),
    gpus: gpus[index] ?? [],
    networks: networks[index] ?? [],
    engineGroups: planEngineGroups(cpus, engineGroups),
  }));
}

/**
 * One partition for each GPU of a host partition, and one for each host partition without a GPU: those with a GPU first, then in the
 * order of their first processors.
 */
export function flatten(hosts: readonly HostPartition[]): readonly PartitionPlan[] {
  const withGpu = hosts.flatMap((host) => host.gpus.map((gpu) => ({ host, gpu })));
  const without = hosts.filter(({ gpus }) => gpus.length === 0).map((host) => ({ host, gpu: undefined }));
  return [...withGpu, ...without].map(({ host: { index: host, cpus, cpuset, nodes }, gpu }, index) => ({
    index,
    host,
    cpus,
    cpuset,
    nodes,
    ...(gpu === undefined ? {} : { gpu }),
  }));
}

function nearEach(
  domains: readonly CpuSet[],
  kind: Device['kind'],
  topology: Topology | undefined,
): readonly (readonly Device[])[] {
  if (topology === undefined) return [];
  const devices = devicesOf(topology, kind);
  return matchDevices(topology, domains, devices).map((indices) => indices.flatMap((index) => devices[index] ?? []));
}

/** The host partition of a plan. */
export function hostOf({ hosts }: { readonly hosts: readonly HostPartition[] }, plan: PartitionPlan): HostPartition {
  const host = hosts[plan.host];
  if (host === undefined)
    throw new ConfigError(`Partition ${plan.index} belongs to host partition ${plan.host}, which does not exist.`);
  return host;
}
