/** What the workers of `millrace sim` are told, and what they answer. */
import type { Plan, Violation } from '../simulation/index.js';

export type Task =
  /** Runs a seed; twice where `isRepeated`, to see that both runs are alike. */
  | { readonly task: 'run'; readonly seed: number; readonly isRepeated: boolean }
  /** Looks for a smaller plan that violates the same. */
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
