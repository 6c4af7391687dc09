import { ConfigError } from '../errors.js';
import type { CpuSet } from './topology/index.js';

/** One kind of work in a partition: its number of concurrent engines, and their processors. */
export interface EngineGroup {
  readonly name: string;
  readonly concurrency: number;
  readonly cpus: CpuSet;
}

/** The group of the dispatcher; every partition has it. */
export const MAIN = 'main';

/** The group of operations that wait for peers. Its engines are on the event loop of the partition, and take no processor of their own. */
export const NETWORK = 'network';

/**
 * Assigns processors to groups. Each group gets as many as its budget, in the order of the groups, from the last processor down. One
 * processor is reserved for `main`, which also gets the processors that remain. A group without a processor shares those of `main`:
 * budgets are numbers of engines, and a small machine does not reduce them.
 */
export function planEngineGroups(cpus: CpuSet, budgets: Readonly<Record<string, number>> = {}): readonly EngineGroup[] {
  let left = cpus;
  const groups = Object.entries(budgets)
    .filter(([name]) => name !== MAIN)
    .map(([name, concurrency]) => {
      const wanted = check(name, concurrency);
      const taken = name === NETWORK ? 0 : Math.min(wanted, Math.max(0, left.length - 1));
      const own = left.slice(left.length - taken);
      left = left.slice(0, left.length - taken);
      return { name, concurrency, own };
    });
  const main = { name: MAIN, concurrency: check(MAIN, budgets[MAIN] ?? Math.max(1, left.length)), cpus: left };
  return [
    main,
    ...groups.map(({ name, concurrency, own }) => ({ name, concurrency, cpus: own.length > 0 ? own : left })),
  ];
}

function check(name: string, concurrency: number): number {
  if (Number.isInteger(concurrency) && concurrency >= 1 && concurrency <= 4_096) return concurrency;
  throw new ConfigError(
    `The engine group ${name} must have a whole number of engines from 1 to 4096, not ${concurrency}.`,
  );
}
