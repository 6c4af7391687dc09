import type { Executor } from '../actors/runtime/index.js';
import { MillraceError } from '../errors.js';
import type { SimulatedNode } from './node.js';
import type { Plan } from './plan.js';
import type { SimulationTimers } from './simulation-timers.js';
import type { Violations } from './violation.js';

export interface WorldOptions {
  readonly plan: Plan;
  readonly nodes: readonly SimulatedNode[];
  readonly executor: Executor;
  readonly timers: SimulationTimers;
  readonly violations: Violations;
  readonly settleMs: number;
}

/** The environment of a workload: nodes that crash and restart, virtual time, and random numbers from the seed. All nodes are up at the start. */
export class World {
  readonly plan: Plan;
  readonly sizes: Readonly<Record<string, number>>;
  readonly nodes: readonly SimulatedNode[];
  readonly executor: Executor;
  readonly #options: WorldOptions;
  readonly #random: () => number;
  readonly #starts: ((node: SimulatedNode) => void)[] = [];
  #isHealed = false;

  constructor(options: WorldOptions) {
    this.plan = options.plan;
    this.sizes = options.plan.sizes;
    this.nodes = options.nodes;
    this.executor = options.executor;
    this.#options = options;
    this.#random = options.executor.scheduler.fork('workload');
  }

  /** All faults are over. */
  get isHealed(): boolean {
    return this.#isHealed;
  }

  get nowMs(): number {
    return this.executor.scheduler.now();
  }

  /** The size of that name; 0 if the workload has none. */
  size(name: string): number {
    return this.sizes[name] ?? 0;
  }

  /** A random number in [0, 1). */
  random(): number {
    return this.#random();
  }

  /** A random whole number in [0, limit). */
  below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  /** A random item of a list. Throws MillraceError for an empty list. */
  pick<T>(list: readonly T[]): T {
    const picked = list[this.below(list.length)];
    if (picked === undefined) throw new MillraceError('Cannot pick from an empty list.');
    return picked;
  }

  /** Waits for `ms` of virtual time. */
  pass(ms: number): Promise<void> {
    return this.#options.timers.pass(ms);
  }

  /** Waits until `isTrue`. The deadline is `settleMs` of the workload after the last fault. Missing it is a violation. */
  async until(what: string, isTrue: () => boolean): Promise<void> {
    const { timers, violations, plan, settleMs } = this.#options;
    const faultMs = Math.max(0, ...plan.faults.map(({ atMs, forMs }) => atMs + forMs));
    if (!(await timers.until(isTrue, faultMs + settleMs))) {
      violations.add('liveness', `the deadline has passed: ${what}`);
    }
  }

  /** Reports a violation, which ends the run, unless `isTrue`. */
  check(isTrue: boolean, what: string): void {
    if (!isTrue) this.#options.violations.add('workload', what);
  }

  /** Calls `turn` for every node that is up, and at every later start of a node. */
  everyStart(turn: (node: SimulatedNode) => void): void {
    this.#starts.push(turn);
    for (const node of this.nodes) {
      if (node.isUp) turn(node);
    }
  }

  // ---- for the simulation

  started(node: SimulatedNode): void {
    for (const turn of this.#starts) turn(node);
  }

  healed(): void {
    this.#isHealed = true;
  }
}
