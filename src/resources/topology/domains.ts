import { ConfigError } from '../../errors.js';
import { limits } from '../../limits.js';
import { cpuSet, type CpuSet, intersection, without } from './cpu-set.js';
import { objectsOf, processorsInOrder, type Topology } from './topology.js';

/** How a machine is divided: not at all, by objects of its topology, or into a number of parts. */
export type PartitionStrategy = 'machine' | 'package' | 'numa' | 'l3' | 'core' | `count(${number})`;

/** The hwloc object type that each strategy divides by. */
const OBJECTS = { package: 'Package', numa: 'NUMANode', l3: 'L3Cache', core: 'Core' } as const;

export const STRATEGIES = ['machine', 'package', 'numa', 'l3', 'core', 'count(N)'] as const;

/** Throws ConfigError if the text is not a strategy. */
export function parseStrategy(text: string): PartitionStrategy {
  const count = countOf(text);
  if (count !== undefined) return `count(${count})`;
  if (text === 'machine' || isOfObjects(text)) return text;
  throw new ConfigError(
    `"${text}" is not a partition strategy. Use one of ${STRATEGIES.join(', ')}, with N from 1 to ${limits.partitions}.`,
  );
}

/**
 * Divides the processors of `usable`: each is in exactly one domain, and the domains are ordered by their first processors. Only
 * `count(n)` with fewer than n processors puts some into several domains. Processors outside the strategy's objects make one more
 * domain for each package.
 */
export function domains(topology: Topology, strategy: PartitionStrategy, usable: CpuSet): readonly CpuSet[] {
  const count = countOf(strategy);
  if (count !== undefined) return share(unitsOf(topology, usable, count), count);
  if (!isOfObjects(strategy)) return usable.length === 0 ? [] : [usable];
  return takeApart(setsOf(topology, OBJECTS[strategy]), setsOf(topology, 'Package'), usable).toSorted(byFirst);
}

/** Splits units into `count` parts of neighbours, whose sizes differ by one at most; repeats units where there are fewer than parts. */
export function share(units: readonly CpuSet[], count: number): readonly CpuSet[] {
  return Array.from({ length: count }, (_, index) => {
    if (count > units.length) return units[index % Math.max(1, units.length)] ?? [];
    const first = Math.floor((index * units.length) / count);
    return cpuSet(units.slice(first, Math.floor(((index + 1) * units.length) / count)).flat());
  });
}

/** `count(4)` -> 4; undefined for another strategy. */
export function countOf(strategy: string): number | undefined {
  const count = Number(/^count\((\d{1,6})\)$/.exec(strategy)?.[1]);
  return count >= 1 && count <= limits.partitions ? count : undefined;
}

function isOfObjects(strategy: string): strategy is keyof typeof OBJECTS {
  return Object.hasOwn(OBJECTS, strategy);
}

function setsOf(topology: Topology, type: string): readonly CpuSet[] {
  return objectsOf(topology, type).map(({ cpus }) => cpus);
}

/** The smallest sets first: memory near a whole package does not get processors that other memory is nearer to. */
function takeApart(sets: readonly CpuSet[], enclosing: readonly CpuSet[], usable: CpuSet): readonly CpuSet[] {
  const found: CpuSet[] = [];
  let left = usable;
  const take = (set: CpuSet): void => {
    const taken = intersection(left, set);
    if (taken.length === 0) return;
    found.push(taken);
    left = without(left, taken);
  };
  sets.toSorted((one, other) => one.length - other.length).forEach(take);
  enclosing.forEach(take);
  take(left);
  return found;
}

/** Whole cores where there are enough, otherwise processors; in the order of the tree. */
function unitsOf(topology: Topology, usable: CpuSet, count: number): readonly CpuSet[] {
  const members = new Set(usable);
  const processors = processorsInOrder(topology).filter((cpu) => members.has(cpu));
  const coreOf = new Map(setsOf(topology, 'Core').flatMap((core) => core.map((cpu) => [cpu, core])));
  const cores = new Set(processors.map((cpu) => coreOf.get(cpu) ?? [cpu]));
  if (cores.size < count) return processors.map((cpu) => [cpu]);
  return [...cores].map((core) => intersection(core, usable));
}

function byFirst(left: CpuSet, right: CpuSet): number {
  return (left[0] ?? 0) - (right[0] ?? 0);
}
