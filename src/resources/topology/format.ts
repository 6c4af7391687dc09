import { formatCpuList } from './cpu-set.js';
import { devicesOf } from './devices.js';
import { objectsOf, type Topology, type TopologyObject } from './topology.js';

/** The types of objects that are printed; of others, only the children are. */
const NAMES: Readonly<Record<string, string>> = {
  Package: 'package',
  Die: 'die',
  Group: 'group',
  NUMANode: 'NUMA node',
  L3Cache: 'L3 cache',
  Core: 'core',
};

/** Formats a machine as lines of text: the tree, the kinds of cores, GPUs and network interfaces. */
export function formatTopology(topology: Topology): string {
  const { machine, complete, allowed, kinds } = topology;
  const counts = ['Package', 'NUMANode', 'L3Cache', 'Core', 'PU'].map((type) => objectsOf(topology, type).length);
  const [packages = 0, nodes = 0, caches = 0, cores = 0, processors = 0] = counts;
  const lines = [
    `machine: ${processors} processors, ${cores} cores, ${packages} packages, ${nodes} NUMA nodes, ${caches} L3 caches`,
    ...machine.children.flatMap((child) => treeOf(child, 1)),
  ];
  kinds.forEach(({ name, cpus }, rank) =>
    lines.push(`  cores of kind ${rank}${name === '' ? '' : ` (${name})`}: processors ${formatCpuList(cpus)}`),
  );
  for (const { kind, names, name, pciAddress = 'not on PCI', cpus } of [
    ...devicesOf(topology, 'gpu'),
    ...devicesOf(topology, 'network'),
  ]) {
    const all = names.length === 0 ? name : names.join(', ');
    lines.push(`  ${kind} ${all} (${pciAddress}), near processors ${formatCpuList(cpus)}`);
  }
  if (allowed.length < complete.length) {
    lines.push(`  allowed: processors ${formatCpuList(allowed)} of ${formatCpuList(complete)}`);
  }
  return lines.join('\n');
}

function treeOf(object: TopologyObject, depth: number): readonly string[] {
  const { type, index, cpus, sizeBytes, children } = object;
  const name = NAMES[type];
  if (name === undefined) return children.flatMap((child) => treeOf(child, depth));
  const number = index === undefined || type === 'L3Cache' ? '' : ` ${index}`;
  const size = sizeBytes === undefined ? '' : sizeBytes === 0 ? ' without memory' : ` of ${formatBytes(sizeBytes)}`;
  const what = cpus.length === 0 ? 'near no processor' : `processors ${formatCpuList(cpus)}`;
  return [
    `${'  '.repeat(depth)}${name}${number}${size}: ${what}`,
    ...children.flatMap((child) => treeOf(child, depth + 1)),
  ];
}

function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const step = Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${Number((bytes / 1024 ** step).toFixed(1))} ${units[step]}`;
}
