import type { CpuSet } from './cpu-set.js';

/** One object of hwloc's tree: a package, a NUMA node, a cache, a core, a processor (PU), or a group of them. */
export interface TopologyObject {
  /** hwloc's type name: Machine, Package, NUMANode, L3Cache, Core, PU, Group, Die, ... */
  readonly type: string;
  /** The operating system's number, where it has one. */
  readonly index?: number;
  /** The processors in it; for a NUMA node, the nearest processors. */
  readonly cpus: CpuSet;
  /** The memory of a NUMA node; the size of a cache. */
  readonly sizeBytes?: number;
  readonly children: readonly TopologyObject[];
}

/** Cores of one kind on a machine with several kinds; in hwloc's order, the most efficient first, the fastest last. */
export interface CpuKind {
  /** CoreType, where it is known: IntelAtom, IntelCore. */
  readonly name: string;
  readonly cpus: CpuSet;
}

/** An operating-system device: a GPU, a network interface. */
export interface IoDevice {
  /** hwloc's types: block, gpu, network, openfabrics, dma, coproc. */
  readonly type: string;
  readonly name: string;
}

/** A card on the PCI bus, or a device that is not on it, with its operating-system devices. */
export interface IoCard {
  /** `0000:3b:00.0`; a device that is not on the PCI bus has none. */
  readonly pciAddress?: string;
  /** Class, subclass: `0302`. */
  readonly pciClass?: string;
  /** The nearest processors. */
  readonly cpus: CpuSet;
  readonly devices: readonly IoDevice[];
}

/** A machine: plain frozen data from `readTopology`. `isDeepStrictEqual` of node:util compares two. */
export interface Topology {
  readonly machine: TopologyObject;
  /** Every processor of the machine, including those that are offline or not allowed. */
  readonly complete: CpuSet;
  /** Processors that the cgroup allows; the affinity of the process may allow fewer. */
  readonly allowed: CpuSet;
  readonly allowedNodes: CpuSet;
  /** Empty where all cores are of one kind. */
  readonly kinds: readonly CpuKind[];
  readonly cards: readonly IoCard[];
}

/** All objects of one type, in the order of the tree. */
export function objectsOf(topology: Topology, type: string): readonly TopologyObject[] {
  return below(topology.machine).filter((object) => object.type === type);
}

/** An object, and all objects below it. */
export function below(object: TopologyObject): readonly TopologyObject[] {
  return [object, ...object.children.flatMap(below)];
}

/** Processors in the order of the tree: those of one core and of one cache are neighbours. */
export function processorsInOrder(topology: Topology): CpuSet {
  return objectsOf(topology, 'PU').flatMap(({ cpus }) => cpus);
}
