import { MAX_CPU } from '../../cpu-list.js';

/** Numbers of processors, ascending, without duplicates. Also used for sets of NUMA nodes. */
export type CpuSet = readonly number[];

export function cpuSet(cpus: Iterable<number>): CpuSet {
  return Object.freeze([...new Set(cpus)].toSorted((left, right) => left - right));
}

export function intersection(left: CpuSet, right: CpuSet): CpuSet {
  const members = new Set(right);
  return left.filter((cpu) => members.has(cpu));
}

export function without(left: CpuSet, right: CpuSet): CpuSet {
  const members = new Set(right);
  return left.filter((cpu) => !members.has(cpu));
}

export function union(...sets: readonly CpuSet[]): CpuSet {
  return cpuSet(sets.flat());
}

export function overlaps(left: CpuSet, right: CpuSet): boolean {
  const members = new Set(right);
  return left.some((cpu) => members.has(cpu));
}

/** [0, 1, 2, 3, 8] -> `0-3,8`, as Linux writes it. */
export function formatCpuList(cpus: CpuSet): string {
  const ranges: { first: number; last: number }[] = [];
  for (const cpu of cpus) {
    const range = ranges.at(-1);
    if (range?.last === cpu - 1) range.last = cpu;
    else ranges.push({ first: cpu, last: cpu });
  }
  return ranges.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`)).join(',');
}

/**
 * Parses a bitmap as hwloc writes it: 32-bit words, the highest first, `0x00000001,,0x0000ffff`; an empty word is zero. Undefined for
 * anything else, including infinite sets (`0xf...f`).
 */
export function parseBitmap(text: string): CpuSet | undefined {
  const words = text.split(',');
  if (text === '' || words.length > (MAX_CPU + 1) / 32) return undefined;
  const cpus: number[] = [];
  for (const [index, word] of words.toReversed().entries()) {
    if (!/^(0x[0-9a-f]{1,8})?$/i.test(word)) return undefined;
    const bits = Number(word === '' ? 0 : word);
    for (let bit = 0; bit < 32; bit++) {
      if ((bits >>> bit) & 1) cpus.push(index * 32 + bit);
    }
  }
  return Object.freeze(cpus);
}
