import type { Executor } from '../actors/runtime/index.js';
import { MillraceError } from '../errors.js';
import type { SimulatedNode } from './node.js';
import type { Plan } from './plan.js';
import type { Timetable } from './timetable.js';
import type { Violations } from './violation.js';

export interface WorldOptions {
  readonly plan: Plan;
  readonly nodes: readonly SimulatedNode[];
  readonly executor: Executor;
  readonly timetable: Timetable;
  readonly violations: Violations;
  readonly settleMs: number;
}

/** What a workload works on: nodes that come and go, virtual time, and chance from the seed. All nodes are up when it begins. */
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

  /** No fault happens any more. */
  get isHealed(): boolean {
    return this.#isHealed;
  }

  get nowMs(): number {
    return this.executor.scheduler.now();
  }

  /** Size of that name; 0 where the workload has none. */
  size(name: string): number {
    return this.sizes[name] ?? 0;
  }

  /** A number from 0 below 1; with `below` a whole one below that. */
  random(): number {
    return this.#random();
  }

  below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  /** One of a list that is not empty. */
  pick<T>(list: readonly T[]): T {
    const picked = list[this.below(list.length)];
    if (picked === undefined) throw new MillraceError('There is nothing in this list to pick.');
    return picked;
  }

  /** Lets virtual time pass. */
  pass(ms: number): Promise<void> {
    return this.#options.timetable.pass(ms);
  }

  /** Waits until something is true. Faults may hold it up; once they are healed it has as long as the workload has to settle. */
  async until(what: string, isTrue: () => boolean): Promise<void> {
    const { timetable, violations, plan, settleMs } = this.#options;
    const faultMs = Math.max(0, ...plan.faults.map(({ atMs, forMs }) => atMs + forMs));
    if (!(await timetable.until(isTrue, faultMs + settleMs))) {
      violations.add('liveness', `waited in vain: ${what}`);
    }
  }

  /** What has to be true now. A violation ends the run. */
  check(isTrue: boolean, what: string): void {
    if (!isTrue) this.#options.violations.add('workload', what);
  }

  /** Calls `turn` for every node that is up, and for each that starts, again and again. */
  everyStart(turn: (node: SimulatedNode) => void): void {
    this.#starts.push(turn);
    for (const node of this.nodes) {
      if (node.isUp) turn(node);
    }
  }

  // ---- what the simulation tells

  started(node: SimulatedNode): void {
    for (const turn of this.#starts) turn(node);
  }

  healed(): void {
    this.#isHealed = true;
  }
}
