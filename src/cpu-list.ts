import { ConfigError } from './errors.js';

/** Far above the processor numbers of any kernel; larger numbers are refused. */
export const MAX_CPU = 65_535;

interface Range {
  readonly first: number;
  readonly last: number;
}

/** `0-3,8` -> [0, 1, 2, 3, 8]: ascending, without duplicates. Throws ConfigError for anything else. */
export function parseCpuList(list: string): readonly number[] {
  const cpus: number[] = [];
  // In this order each processor is made once, however many ranges contain it.
  for (const { first, last } of rangesOf(list).toSorted((left, right) => left.first - right.first)) {
    for (let cpu = Math.max(first, (cpus.at(-1) ?? -1) + 1); cpu <= last; cpu++) cpus.push(cpu);
  }
  return cpus;
}

/** Whether `parseCpuList` accepts the text. */
export function isCpuList(list: string): boolean {
  try {
    return rangesOf(list).length > 0;
  } catch {
    return false;
  }
}

function rangesOf(list: string): readonly Range[] {
  return list.split(',').map((range) => {
    const bounds = /^(\d+)(?:-(\d+))?$/.exec(range.trim());
    const first = Number(bounds?.[1]);
    const last = Number(bounds?.[2] ?? bounds?.[1]);
    if (bounds === null || last < first || last > MAX_CPU) {
      throw new ConfigError(`"${list}" is not a list of processors. Write one as 0-3,8.`);
    }
    return { first, last };
  });
}
