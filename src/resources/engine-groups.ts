import { ConfigError } from '../errors.js';
import type { CpuSet } from './topology/index.js';

/** Work of one kind in a partition: as many engines at a time as its budget, on processors of their own where there are enough. */
export interface EngineGroup {
  readonly name: string;
  readonly concurrency: number;
  readonly cpus: CpuSet;
}

/** The group that every partition has: its dispatcher. */
export const MAIN = 'main';

/**
 * Gives each group as many processors as its budget says, in the order of the groups, from the last processor down; `main` has one of
 * its own first where there is one, and what the others leave. A group for which none is left shares those of `main`: budgets are
 * numbers of engines, and a small machine keeps them.
 */
export function planEngineGroups(cpus: CpuSet, budgets: Readonly<Record<string, number>> = {}): readonly EngineGroup[] {
  let left = cpus;
  const groups = Object.entries(budgets)
    .filter(([name]) => name !== MAIN)
    .map(([name, concurrency]) => {
      const taken = Math.min(check(name, concurrency), Math.max(0, left.length - 1));
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
  throw new ConfigError(`The engine group ${name} has a whole number of engines from 1 to 4096; got ${concurrency}.`);
}
