import os from 'node:os';
import { ConfigError, ResourceError } from '../errors.js';
import { limits } from '../limits.js';
import { usableParallelism } from './cpu-quota.js';
import { exportTopology } from './native.js';
import { flatten, type HostPartition, type PartitionPlan, planHosts } from './partition-plans.js';
import { processAffinity } from './pinning.js';
import {
  type CpuSet,
  countOf,
  cpuSet,
  domains,
  formatCpuList,
  frozen,
  intersection,
  type PartitionStrategy,
  parseCpuList,
  parseStrategy,
  readTopology,
  share,
  type Topology,
  without,
} from './topology/index.js';

/** How the machine is divided into partitions. */
export interface SystemOptions {
  /** Number of partitions of this process, whatever the topology of the machine. Default 1. */
  readonly partitions?: number;
  /** Partitions by the topology of the machine; needs libhwloc. Each GPU gets a partition. Not together with `partitions`. */
  readonly strategy?: PartitionStrategy;
  /** Restricts the processors that this process may use: `0-3,8`. */
  readonly cpuset?: string;
  /** Groups of engines in each partition, and how many engines each has: `{ parse: 4 }`. */
  readonly engineGroups?: Readonly<Record<string, number>>;
}

/** What is known of a machine before it is divided. */
export interface Machine {
  /** The affinity of this process; undefined where it is unknown, and for other machines. */
  readonly affinity?: CpuSet | undefined;
  readonly topology?: Topology | undefined;
  /** The useful number of threads. Default: that of this machine, or the usable processors of the topology. */
  readonly availableParallelism?: number;
  readonly notices?: readonly string[];
}

/** The machine as a process sees it. Immutable. `formatSystem` prints it; `isDeepStrictEqual` of node:util compares two. */
export interface System {
  /** Processors that this process may use. */
  readonly cpus: CpuSet;
  readonly availableParallelism: number;
  readonly strategy: PartitionStrategy;
  readonly hosts: readonly HostPartition[];
  readonly partitions: readonly PartitionPlan[];
  readonly topology?: Topology;
  /** What differs from the options, and what to do about it. */
  readonly notices: readonly string[];
}

/** Provides a System: of this machine, or in tests of any other. */
export type SystemProvider = (options: SystemOptions) => System;

/** Describes this machine: the process's affinity, the useful parallelism, and the topology where a strategy needs it. */
export const machineProvider: SystemProvider = (options) => {
  const here = { affinity: processAffinity(), availableParallelism: usableParallelism() };
  if (options.strategy === undefined) return describeSystem(options, here);
  try {
    return describeSystem(options, { ...here, topology: readTopology(exportTopology(), 'this machine') });
  } catch (error) {
    if (!(error instanceof ResourceError)) throw error;
    const notice = `${error.message} Continuing without topology: partitions by number of processors, devices unknown.`;
    return describeSystem(options, { ...here, notices: [notice] });
  }
};

/** Divides a machine by the options. Without a topology, strategies other than `count(n)` make one partition. */
export function describeSystem(options: SystemOptions, machine: Machine): System {
  const { topology, notices = [] } = machine;
  const strategy = strategyOf(options);
  const { cpus, missing } = usable(options, machine);
  const { availableParallelism = topology === undefined ? os.availableParallelism() : cpus.length } = machine;
  const found = topology === undefined ? divide(strategy, cpus) : domains(topology, strategy, cpus);
  const hosts = planHosts(found, { topology, engineGroups: options.engineGroups });
  const partitions = flatten(hosts);
  if (partitions.length > limits.partitions) {
    throw new ConfigError(
      `The strategy ${strategy} makes ${partitions.length} partitions; the limit is ${limits.partitions}.`,
    );
  }
  return frozen({
    cpus,
    availableParallelism,
    strategy,
    hosts,
    partitions,
    ...(topology === undefined ? {} : { topology }),
    notices: [...notices, ...missing],
  });
}

function strategyOf({ partitions, strategy }: SystemOptions): PartitionStrategy {
  if (partitions === undefined) return strategy === undefined ? 'machine' : parseStrategy(strategy);
  if (strategy !== undefined) {
    throw new ConfigError(`partitions and strategy exclude each other: give either ${partitions} or ${strategy}.`);
  }
  if (countOf(`count(${partitions})`) === undefined) {
    throw new ConfigError(`partitions must be a whole number from 1 to ${limits.partitions}, not ${partitions}.`);
  }
  return `count(${partitions})`;
}

/** The processors that affinity, cgroup and the option cpuset allow. */
function usable({ cpuset }: SystemOptions, machine: Machine): { cpus: CpuSet; missing: readonly string[] } {
  const { affinity, topology, availableParallelism = os.availableParallelism() } = machine;
  const known = topology?.allowed ?? affinity ?? Array.from({ length: availableParallelism }, (_, cpu) => cpu);
  const allowed = intersection(known, affinity ?? known);
  if (topology !== undefined && allowed.length === 0) {
    const where = `the affinity of this process ${formatCpuList(affinity ?? [])}`;
    throw new ConfigError(
      `The topology allows the processors ${formatCpuList(known) || 'none'}, ${where}: they have none in common.`,
    );
  }
  if (cpuset === undefined) return { cpus: cpuSet(allowed), missing: [] };
  const wanted = cpuSet(parseCpuList(cpuset));
  const cpus = intersection(wanted, allowed);
  if (cpus.length === 0) {
    throw new ConfigError(
      `cpuset ${cpuset} contains none of the processors that this process may use: ${formatCpuList(allowed)}.`,
    );
  }
  const lacking = formatCpuList(without(wanted, allowed));
  const notice = `cpuset ${cpuset} contains the processors ${lacking}, which this process may not use. Continuing with ${formatCpuList(cpus)}.`;
  return { cpus, missing: lacking === '' ? [] : [notice] };
}

/** Without a topology: processors in the order of their numbers. */
function divide(strategy: PartitionStrategy, cpus: CpuSet): readonly CpuSet[] {
  const count = countOf(strategy);
  return count === undefined
    ? [cpus]
    : share(
        cpus.map((cpu) => [cpu]),
        count,
      );
}
