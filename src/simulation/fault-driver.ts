import type { Executor } from '../actors/runtime/index.js';
import type { SimulatedNode } from './node.js';
import type { Cut, Fault, Plan } from './plan.js';
import type { SimulationTimers } from './simulation-timers.js';

/** Injects the faults of a plan, and heals them. Ignores faults of missing nodes: a shrunk plan may have fewer nodes. */
export class FaultDriver {
  readonly #nodes: readonly SimulatedNode[];
  readonly #executor: Executor;
  readonly #timers: SimulationTimers;
  readonly #cancels: (() => void)[] = [];

  constructor(nodes: readonly SimulatedNode[], executor: Executor, timers: SimulationTimers) {
    this.#nodes = nodes;
    this.#executor = executor;
    this.#timers = timers;
  }

  begin({ faults }: Plan): void {
    for (const fault of faults) {
      this.#cancels.push(this.#timers.after(fault.atMs, () => this.#inject(fault)));
    }
  }

  /** Ends all faults: heals cuts, restarts nodes, and stops loss, duplication and reordering. */
  heal(): void {
    for (const cancel of this.#cancels.splice(0)) cancel();
    this.#executor.network.heal();
    this.#executor.network.calm();
    for (const node of this.#nodes) node.restart();
  }

  #inject(fault: Fault): void {
    const end = fault.fault === 'crash' ? this.#crash(fault.node) : this.#cut(fault);
    if (end !== undefined) this.#cancels.push(this.#timers.after(fault.forMs, end));
  }

  #crash(name: string): (() => void) | undefined {
    const node = this.#nodes.find((each) => each.name === name);
    return node?.crash() === true ? () => node.restart() : undefined;
  }

  #cut({ between, and, isOneWay = false }: Cut): (() => void) | undefined {
    const here = (names: readonly string[]): string[] =>
      this.#nodes.map(({ name }) => name).filter((name) => names.includes(name));
    const [one, other] = [here(between), here(and)];
    if (one.length === 0 || other.length === 0) return undefined;
    return this.#executor.network.partition(one, other, { isOneWay });
  }
}
