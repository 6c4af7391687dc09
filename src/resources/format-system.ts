import type { PartitionPlan } from './partition-plans.js';
import type { System } from './system.js';
import { formatCpuList, formatTopology } from './topology/index.js';

/** Formats a System: the machine, its host partitions, the partitions, and the pinning of each partition's thread. */
export function formatSystem(system: System): string {
  const { topology, cpus, hosts, partitions, strategy, availableParallelism } = system;
  const machine =
    topology === undefined ? `machine: ${availableParallelism} processors, topology unknown` : formatTopology(topology);
  return [
    machine,
    `usable: processors ${formatCpuList(cpus)}`,
    '',
    `host partitions by ${strategy}: ${hosts.length}`,
    ...table(
      hosts.map(({ index, cpuset, nodes, gpus, networks, engineGroups }) => [
        `  ${index}`,
        `processors ${cpuset}`,
        `NUMA nodes ${formatCpuList(nodes) || '-'}`,
        `gpus ${namesOf(gpus)}`,
        `networks ${namesOf(networks)}`,
        `engines ${engineGroups.map(({ name, concurrency, cpus }) => `${name}=${concurrency} on ${formatCpuList(cpus)}`).join('; ')}`,
      ]),
    ),
    '',
    `partitions: ${partitions.length}; the thread of each is pinned as follows (inline partitions share one thread, which is never pinned):`,
    ...table(partitions.map(pinningOf)),
  ].join('\n');
}

function pinningOf({ index, host, cpuset, nodes, gpu }: PartitionPlan): readonly string[] {
  const memory = nodes.length === 0 ? 'memory unbound' : `memory to NUMA nodes ${formatCpuList(nodes)}`;
  return [
    `  ${index}`,
    `host ${host}`,
    `thread to processors ${cpuset || 'any'}`,
    memory,
    gpu === undefined ? '' : `gpu ${gpu.name}`,
  ];
}

function namesOf(devices: readonly { readonly name: string }[]): string {
  return devices.map(({ name }) => name).join(', ') || '-';
}

function table(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
