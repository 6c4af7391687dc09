/** Runs all seeds of one workload in parallel, and shrinks the plans that fail. */
import { availableParallelism } from 'node:os';
import { drawPlan, type Plan, type Violation, type Workload } from '../simulation/index.js';
import type { SimFlags } from './sim.js';
import { type Done, SimPool } from './sim-pool.js';
import type { Ran, Shrunk } from './sim-perform.js';

/** Real time for shrinking one plan, in ms. */
const SHRINK_MS = 30_000;

/** A seed that fails, and the smallest plan found that fails in the same way. */
export interface Failing {
  readonly seed: number;
  readonly violations: readonly Violation[];
  readonly plan: Plan;
  readonly shrunk: Shrunk | undefined;
}

export class Campaign {
  readonly workload: Workload;
  readonly failing: Failing[] = [];
  passed = 0;
  messages = 0;
  readonly #url: string;
  readonly #flags: SimFlags;
  #next: number;
  #isStopped = false;

  constructor(workload: Workload, url: string, flags: SimFlags) {
    this.workload = workload;
    this.#url = url;
    this.#flags = flags;
    this.#next = flags.seeds.from;
  }

  /** Number of seeds. */
  get total(): number {
    return this.#flags.seeds.to - this.#flags.seeds.from + 1;
  }

  /** Starts no further seed. Those that are running end first. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Resolves when all seeds have run, or the first has failed. Calls `failed` for each failure. */
  async run(failed: (failing: Failing) => void): Promise<void> {
    const { jobs = availableParallelism(), seeds, patience } = this.#flags;
    const pool = new SimPool(this.#url, patience * 1_000);
    const lane = async (): Promise<void> => {
      while (!this.#isStopped && this.#next <= seeds.to) await this.#one(pool, this.#next++, failed);
    };
    try {
      await Promise.all(Array.from({ length: Math.min(jobs, this.total) }, lane));
    } finally {
      await pool.close();
    }
  }

  async #one(pool: SimPool, seed: number, failed: (failing: Failing) => void): Promise<void> {
    const { repeat, keepGoing = false } = this.#flags;
    const isRepeated = repeat > 0 && seed % repeat === 0;
    const done = await pool.perform<Ran>({ task: 'run', seed, isRepeated });
    const { plan, violations, messages } = this.#ranAs(seed, done);
    this.messages += messages;
    const [violation] = violations;
    if (violation === undefined) {
      this.passed++;
      return;
    }
    if (!keepGoing) this.stop();
    const shrunk = 'died' in done ? undefined : await this.#shrink(pool, plan, violation);
    const failing = { seed, violations, plan, shrunk };
    this.failing.push(failing);
    failed(failing);
  }

  #ranAs(seed: number, done: Done<Ran>): Ran {
    if ('result' in done) return done.result;
    const violation: Violation = { invariant: 'fault', message: done.died, atMs: 0 };
    return { seed, plan: drawPlan(this.workload, seed), violations: [violation], messages: 0 };
  }

  async #shrink(pool: SimPool, plan: Plan, violation: Violation): Promise<Shrunk | undefined> {
    if (!this.#flags.shrink) return undefined;
    const done = await pool.perform<Shrunk>({ task: 'shrink', plan, violation, budgetMs: SHRINK_MS }, SHRINK_MS);
    return 'result' in done ? done.result : undefined;
  }
}
