import { type CpuSet, cpuSet, intersection, overlaps } from './cpu-set.js';
import { objectsOf, type Topology, type TopologyObject } from './topology.js';

/**
 * Numbers of the NUMA nodes that are nearest to processors, among those that have memory and are allowed. Processors of a node without
 * memory use the nodes of the smallest enclosing object that has memory. Empty where the memory is unknown.
 */
export function nodesOf(topology: Topology, cpus: CpuSet): CpuSet {
  const usable = objectsOf(topology, 'NUMANode').filter(
    ({ index, sizeBytes = 0 }) => sizeBytes > 0 && index !== undefined && isAllowed(topology, index),
  );
  return numbersOf(usable, cpus) ?? numbersOf(usable, around(topology.machine, cpus, usable)) ?? [];
}

function isAllowed({ allowedNodes }: Topology, index: number): boolean {
  return allowedNodes.length === 0 || allowedNodes.includes(index);
}

function numbersOf(nodes: readonly TopologyObject[], cpus: CpuSet): CpuSet | undefined {
  const near = nodes.filter((node) => overlaps(node.cpus, cpus));
  return near.length === 0 ? undefined : cpuSet(near.flatMap(({ index }) => index ?? []));
}

/** The processors of the smallest object that contains these and is near one of the nodes. */
function around(object: TopologyObject, cpus: CpuSet, nodes: readonly TopologyObject[]): CpuSet {
  const smaller = object.children.find(
    (child) =>
      intersection(cpus, child.cpus).length === cpus.length && nodes.some((node) => overlaps(node.cpus, child.cpus)),
  );
  return smaller === undefined ? object.cpus : around(smaller, cpus, nodes);
}
