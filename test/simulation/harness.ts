import { Errands } from './services/errands.js';
import { behavior } from '#src/index.js';
import { type Plan, type Workload, workload, type World } from '#src/simulation/index.js';

/** A workload of one size, which `run` does. */
export function workloadOf(run: (world: World) => Promise<void>, faults = {}): Workload {
  return workload('test', { sizes: { nodes: [1, 3], orders: [0, 20] }, faults, faultMs: 300, settleMs: 5_000, run });
}

export function planOf(plan: Partial<Plan> & { readonly nodes?: number; readonly orders?: number } = {}): Plan {
  const { nodes = 2, orders = 0, ...rest } = plan;
  const network = { latencyMs: 1, jitterMs: 0, loss: 0, duplicate: 0, reorder: 0, linkDeadMs: 1_000 };
  return { seed: 1, sizes: { nodes, orders }, network, faults: [], ...rest };
}

/** Answers what it is asked; anything else it takes, and does nothing. */
export function errands(more: Partial<Parameters<typeof behavior<typeof Errands>>[1]> = {}) {
  const take = (): void => {};
  const answer = (_state: undefined, { number }: { readonly number: number }) => ({ number: number * 2 });
  return behavior(Errands, {
    push: take,
    urge: take,
    run: answer,
    rush: answer,
    ponder: answer,
    promise: answer,
    stumble: take,
    guard: take,
    leave: take,
    raise: take,
    end: take,
    bother: take,
    on: { terminated: () => {} },
    ...more,
  });
}
