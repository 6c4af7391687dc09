import type { CpuSet } from './cpu-set.js';

/** One object of hwloc's tree: a package, a NUMA node, a cache, a core, a processor (PU), or a group of them. */
export interface TopologyObject {
  /** hwloc's word for it: Machine, Package, NUMANode, L3Cache, Core, PU, Group, Die, ... */
  readonly type: string;
  /** The number that the operating system gives it, where it gives one. */
  readonly index?: number;
  /** Processors in it; of a NUMA node, those that it is near to. */
  readonly cpus: CpuSet;
  /** Of a NUMA node, its memory; of a cache, its size. */
  readonly sizeBytes?: number;
  readonly children: readonly TopologyObject[];
}

/** Cores of one kind on a machine that has several; the most efficient first, the fastest last, as hwloc ranks them. */
export interface CpuKind {
  /** CoreType, where the machine says it: IntelAtom, IntelCore. */
  readonly name: string;
  readonly cpus: CpuSet;
}

/** An operating-system device: a GPU, a network interface. */
export interface IoDevice {
  /** hwloc's types: block, gpu, network, openfabrics, dma, coproc. */
  readonly type: string;
  readonly name: string;
}

/** What hangs on the PCI bus, or is a device without one, with its operating-system devices. */
export interface IoCard {
  /** `0000:3b:00.0`; a device that is not on the PCI bus has none. */
  readonly pciAddress?: string;
  /** Class, subclass: `0302`. */
  readonly pciClass?: string;
  /** Processors that are nearest. */
  readonly cpus: CpuSet;
  readonly devices: readonly IoDevice[];
}

/** A machine: plain frozen data, made by `readTopology`. Two of them compare with `isDeepStrictEqual` of node:util. */
export interface Topology {
  readonly machine: TopologyObject;
  /** Every processor that the machine has, those included that are off or withheld. */
  readonly complete: CpuSet;
  /** Processors that the cgroup allows; the affinity of the process may be narrower yet. */
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

/** An object, and all below it. */
export function below(object: TopologyObject): readonly TopologyObject[] {
  return [object, ...object.children.flatMap(below)];
}

/** Processors in the order of the tree, in which those of one core and of one cache are neighbours. */
export function processorsInOrder(topology: Topology): CpuSet {
  return objectsOf(topology, 'PU').flatMap(({ cpus }) => cpus);
}
