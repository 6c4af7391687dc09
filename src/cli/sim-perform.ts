/** Performs the tasks of `millrace sim`: in a worker, or for a single seed on the main thread, where a debugger works. */
import { messageOf } from '../foreign.js';
import { importModule } from '../import-module.js';
import { ConfigError } from '../index.js';
import {
  drawPlan,
  isWorkload,
  type Plan,
  shrinkPlan,
  simulate,
  type Violation,
  type Workload,
} from '../simulation/index.js';

export type Task =
  /** Runs a seed; twice with `isRepeated`, to compare both traces. */
  | { readonly task: 'run'; readonly seed: number; readonly isRepeated: boolean }
  /** Looks for a smaller plan that violates the same invariant. */
  | { readonly task: 'shrink'; readonly plan: Plan; readonly violation: Violation; readonly budgetMs: number };

/** How one seed ended. */
export interface Ran {
  readonly seed: number;
  readonly plan: Plan;
  readonly violations: readonly Violation[];
  readonly messages: number;
}

export interface Shrunk {
  readonly plan: Plan;
  readonly violations: readonly Violation[];
  readonly runs: number;
}

/** The workload that a module exports as its default. Throws ConfigError. */
export async function importWorkload(url: string): Promise<Workload> {
  let module: Readonly<Record<string, unknown>>;
  try {
    module = await importModule(url);
  } catch (cause) {
    throw new ConfigError(`The module ${url} cannot be loaded: ${messageOf(cause)}`, { cause });
  }
  const found = module['default'];
  if (!isWorkload(found)) {
    throw new ConfigError(`The module ${url} has no workload as its default export: export default workload(...).`);
  }
  return found;
}

export function perform(workload: Workload, task: Task): Promise<Ran | Shrunk> {
  return task.task === 'run'
    ? runPlan(workload, drawPlan(workload, task.seed), { isRepeated: task.isRepeated })
    : shrink(workload, task);
}

export async function runPlan(
  workload: Workload,
  plan: Plan,
  { isRepeated, trace }: { readonly isRepeated: boolean; readonly trace?: ((line: string) => void) | undefined },
): Promise<Ran> {
  const options = { isHashed: isRepeated, ...(trace === undefined ? {} : { trace }) };
  const { violations, messages, traceHash } = await simulate(workload, plan, options);
  const ran = { seed: plan.seed, plan, violations, messages };
  if (!isRepeated || violations.length > 0) return ran;
  const again = await simulate(workload, plan, { isHashed: true });
  return again.traceHash === traceHash ? ran : { ...ran, violations: [DIFFERENT] };
}

const DIFFERENT: Violation = {
  invariant: 'fault',
  message: 'two runs of this seed differ: does the workload, or what it calls, use real time or chance, or keep state?',
  atMs: 0,
};

async function shrink(workload: Workload, { plan, violation, budgetMs }: Task & { task: 'shrink' }): Promise<Shrunk> {
  const endMs = performance.now() + budgetMs;
  const shrunk = await shrinkPlan({
    workload,
    plan,
    invariant: violation.invariant,
    simulate: (smaller) => simulate(workload, smaller),
    isEnough: () => performance.now() > endMs,
  });
  const { violations } = await simulate(workload, shrunk.plan);
  return { ...shrunk, violations };
}
