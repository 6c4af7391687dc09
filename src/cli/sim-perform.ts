/** Carries out the tasks of `millrace sim`, in a worker or, for a single seed, in the main thread where a debugger is at home. */
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
import type { Ran, Shrunk, Task } from './sim-tasks.js';

/** The workload that a module exports as its default. Throws ConfigError. */
export async function importWorkload(url: string): Promise<Workload> {
  let module: Readonly<Record<string, unknown>>;
  try {
    module = await importModule(url);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(`The module ${url} cannot be loaded: ${why}`, { cause });
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
