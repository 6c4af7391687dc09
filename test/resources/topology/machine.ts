/** Machines that are not this one: files that hwloc wrote of synthetic descriptions, with cards added by hand, and random ones. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { type CpuSet, readTopology, type Topology } from '#src/resources/index.js';

export const MACHINES = 'test/resources/topology/machines';

export function machine(name: string): Topology {
  return readTopology(readFileSync(`${MACHINES}/${name}.xml`, 'utf8'), name);
}

export interface RandomMachine {
  readonly xml: string;
  /** Every processor in the tree. */
  readonly cpus: CpuSet;
  /** What the process may use: at least one of them. */
  readonly affinity: CpuSet;
}

interface Shape {
  readonly packages: number;
  readonly nodes: number;
  readonly caches: number;
  /** Cores of each cache, which need not be equal, and the processors of each core. */
  readonly cores: readonly (readonly number[])[];
  /** Packages whose cores have no L3 cache, and no NUMA node of their own. */
  readonly bare: number;
  readonly gpus: number;
  readonly order: number;
  readonly mask: readonly boolean[];
}

const shapes: fc.Arbitrary<Shape> = fc.record({
  packages: fc.integer({ min: 1, max: 3 }),
  nodes: fc.integer({ min: 1, max: 3 }),
  caches: fc.integer({ min: 1, max: 3 }),
  cores: fc.array(fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 4 }), {
    minLength: 1,
    maxLength: 4,
  }),
  bare: fc.nat({ max: 1 }),
  gpus: fc.nat({ max: 5 }),
  order: fc.nat({ max: 6 }),
  mask: fc.array(fc.boolean(), { minLength: 1, maxLength: 40 }),
});

/** A random tree: packages, NUMA nodes, caches and cores of uneven sizes, processors numbered in any order, cards, and an affinity. */
export const randomMachines: fc.Arbitrary<RandomMachine> = shapes.map(build);

function build({ packages, nodes, caches, cores, bare, gpus, order, mask }: Shape): RandomMachine {
  const threads = cores.flat().reduce((sum, each) => sum + each, 1);
  // At least as many as there will be.
  const count = packages * nodes * caches * threads + bare * 3 + 64;
  // Numbers that are prime to each other reach every processor, far apart.
  const step = [1, 3, 5, 7, 11, 13, 17][order] ?? 1;
  const size = [...Array(count * 2).keys()].find((n) => n >= count && n % step !== 0) ?? count;
  let made = 0;
  let node = 0;
  let coreIndex = 0;
  const object = (type: string, inner: string, attributes = ''): string =>
    `<object type="${type}" ${attributes}>${inner}</object>`;
  const cpus: number[] = [];
  const core = (threads: number): string => {
    const processors = Array.from({ length: threads }, () => {
      const cpu = (made++ * step) % size;
      cpus.push(cpu);
      return object('PU', '', `os_index="${cpu}"`);
    });
    return object('Core', processors.join(''), `os_index="${coreIndex++}"`);
  };
  const cache = (index: number): string =>
    object('L3Cache', (cores[index % cores.length] ?? [1]).map(core).join(''), 'cache_size="33554432"');
  const group = (): string => {
    const before = cpus.length;
    const inner = Array.from({ length: caches }, (_, index) => cache(index)).join('');
    const memory = `os_index="${node++}" cpuset="${bitmap(cpus.slice(before))}" local_memory="1073741824"`;
    return object('Group', object('NUMANode', '', memory) + inner);
  };
  const whole = Array.from({ length: packages }, (_, index) =>
    object('Package', Array.from({ length: nodes }, group).join(''), `os_index="${index}"`),
  );
  const plain = Array.from({ length: bare }, (_, index) =>
    object('Package', core(2) + core(1), `os_index="${packages + index}"`),
  );
  const cards = Array.from({ length: gpus }, (_, index) =>
    object('PCIDev', object('OSDev', '', `name="cuda${index}" osdev_type="5"`), `pci_busid="0000:${10 + index}:00.0"`),
  );
  const all = whole.join('') + plain.join('') + object('Bridge', cards.join(''), 'bridge_type="0-1"');
  const affinity = cpus.filter((_, index) => mask[index % mask.length]).toSorted((a, b) => a - b);
  return {
    xml: `<topology version="2.0">${object('Machine', all, 'os_index="0"')}</topology>`,
    cpus: cpus.toSorted((a, b) => a - b),
    affinity: affinity.length === 0 ? cpus.slice(0, 1) : affinity,
  };
}

/** As hwloc writes sets: words of 32 bits, the highest first. */
export function bitmap(cpus: CpuSet): string {
  const words = Array.from({ length: Math.floor(Math.max(0, ...cpus) / 32) + 1 }, () => 0);
  for (const cpu of cpus) words[cpu >> 5] = ((words[cpu >> 5] ?? 0) | (1 << (cpu & 31))) >>> 0;
  return words
    .toReversed()
    .map((word) => `0x${word.toString(16).padStart(8, '0')}`)
    .join(',');
}
