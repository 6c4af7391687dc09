import process from 'node:process';
import { isError, messageOf } from '../foreign.js';
import { callServices } from '../actors/kernel/index.js';
import { Executor } from '../actors/runtime/index.js';
import { VirtualScheduler } from '../scheduler/index.js';
import { nodeName } from './draw-plan.js';
import { FaultDriver } from './fault-driver.js';
import { SimulatedNode } from './node.js';
import { heldResourcesOf, leftoversOf } from './leftovers.js';
import { checkingLogger } from './log.js';
import { Observer } from './observer/index.js';
import type { Plan } from './plan.js';
import { SimulationTimers } from './simulation-timers.js';
import { type Violation, Violations } from './violation.js';
import type { Workload } from './workload.js';
import { World } from './world.js';

/** Longest time for a cluster to start before the first fault, and to stop after the last, in ms. */
const BRING_UP_MS = 60_000;
/** Time after the last fault in which everybody learns of it: cut links end, and watches are repeated. In ms. */
const AFTERMATH_MS = 2_000;
/** Time after the stop for frames in transit to arrive, in ms. */
const DRAIN_MS = 500;

/** One run: start, work under faults, healing, settling, and stop. Nothing may be left after the stop. */
export class Simulation {
  readonly #workload: Workload;
  readonly #plan: Plan;
  readonly #scheduler: VirtualScheduler;
  readonly #violations: Violations;
  readonly #timers: SimulationTimers;
  readonly #executor: Executor;
  readonly #observer: Observer;
  readonly #nodes: readonly SimulatedNode[];
  readonly #world: World;
  readonly #driver: FaultDriver;

  constructor(workload: Workload, plan: Plan, trace: ((line: string) => void) | undefined) {
    this.#workload = workload;
    this.#plan = plan;
    this.#scheduler = new VirtualScheduler({ seed: plan.seed, onError: (error) => this.#threw('a turn threw', error) });
    const now = (): number => this.#scheduler.now();
    const record = (line: string): void => trace?.(`${now().toFixed(3)} ${line}`);
    this.#violations = new Violations(now);
    this.#timers = new SimulationTimers(this.#scheduler);
    const log = checkingLogger(this.#violations, record, (node) =>
      this.#nodes.some((each) => each.name === node && each.isDead),
    );
    this.#executor = new Executor({
      ...plan.network,
      scheduler: this.#scheduler,
      log,
      ...(trace === undefined ? {} : { trace }),
    });
    const endsLinks = plan.faults.length > 0;
    const { latencyMs, jitterMs, loss } = plan.network;
    this.#observer = new Observer({
      now,
      network: plan.network,
      violations: this.#violations,
      record,
      transitMs: MOST_HOPS * (latencyMs + jitterMs),
      isDelayed: endsLinks || loss > 0,
      mayBeUnreachable: endsLinks,
      endsLinks,
      services: callServices(this.#scheduler, log),
    });
    const environment = {
      executor: this.#executor,
      observer: this.#observer,
      timers: this.#timers,
      options: (node: string) => ({ system: { partitions: 1 }, ...workload.runtime(plan.sizes, node) }),
      record,
      controlPlane: () => this.#nodes[0]?.runtime?.controlPlane,
      started: (node: SimulatedNode) => this.#world.started(node),
      failed: (error: unknown) => this.#threw('the workload threw', error),
    };
    this.#nodes = Array.from(
      { length: Math.max(1, plan.sizes['nodes'] ?? 1) },
      (_, index) => new SimulatedNode(nodeName(index), index === 0, environment),
    );
    this.#world = new World({
      plan,
      nodes: this.#nodes,
      executor: this.#executor,
      timers: this.#timers,
      violations: this.#violations,
      settleMs: workload.settleMs,
    });
    this.#driver = new FaultDriver(this.#nodes, this.#executor, this.#timers);
  }

  get violations(): readonly Violation[] {
    return this.#violations.found;
  }

  get messages(): number {
    return this.#observer.messages.count;
  }

  get nowMs(): number {
    return this.#scheduler.now();
  }

  /** Resolves when the run has ended, by itself or by its first violation. */
  async run(): Promise<void> {
    const unhandled = (error: unknown): void => this.#threw('a rejected promise was not handled', error);
    process.on('unhandledRejection', unhandled);
    try {
      await Promise.race([this.#violations.first, this.#runPhases()]);
      if (this.violations.length > 0) {
        this.#violations.end();
        await this.#abandon();
      }
    } catch (error) {
      this.#threw('the simulation threw', error);
    } finally {
      this.#scheduler.close();
      process.off('unhandledRejection', unhandled);
    }
  }

  async #runPhases(): Promise<void> {
    const runs = this.#nodes.map((node) => node.run());
    for (const each of runs) each.catch((error: unknown) => this.#threw('a node failed', error));
    await this.#eventually('every node is up', BRING_UP_MS, () => this.#areUp());
    await this.#work();
    await this.#eventually('every node is up again', this.#workload.settleMs, () => this.#areUp());
    await this.#timers.pass(AFTERMATH_MS);
    await this.#eventually('every ask is answered', this.#workload.settleMs, () => this.#observer.waiting === 0);
    const isReliable = this.#isReliable();
    // A slow actor may have a full mailbox.
    if (isReliable) await this.#timers.until(() => this.#observer.missing.length === 0, this.#workload.settleMs);
    await this.#observer.check(isReliable);
    await this.#checkCredit();
    await this.#stop(runs);
  }

  /** Runs the workload while faults happen, then heals the faults and waits for the workload. */
  async #work(): Promise<void> {
    const { faultMs, settleMs, run } = this.#workload;
    this.#driver.begin(this.#plan);
    const work = run(this.#world).catch((error: unknown) => this.#threw('the workload failed', error));
    await this.#timers.within(faultMs, work);
    this.#driver.heal();
    this.#world.healed();
    if ((await this.#timers.within(settleMs, work)) === undefined) {
      this.#violations.add('liveness', `the workload had not finished ${settleMs} ms after the last fault was healed`);
    }
  }

  /** Checks that no credit is held after every ask is answered and every mailbox is empty. */
  async #checkCredit(): Promise<void> {
    const held = (): string => heldResourcesOf(this.#executor);
    if (!(await this.#timers.until(() => held() === '', this.#workload.settleMs))) {
      this.#violations.add('leak', `still held after every ask was answered: ${held()}`);
    }
  }

  async #stop(runs: readonly Promise<void>[]): Promise<void> {
    await this.#timers.within(BRING_UP_MS, Promise.all(this.#nodes.map((node) => node.stopActors())));
    for (const node of this.#nodes) {
      // Segments that have ended may still be stopping.
      if (!(await this.#timers.until(() => node.actors <= 0, AFTERMATH_MS))) {
        this.#violations.add(
          'leak',
          `${node.actors} actors of ${node.name} are left after all spawned actors were stopped`,
        );
      }
    }
    for (const node of this.#nodes) node.end();
    for (const runtime of this.#executor.started.toReversed()) {
      if ((await this.#timers.within(BRING_UP_MS, runtime.stop())) === undefined) {
        this.#violations.add('liveness', `the runtime of ${runtime.node} did not stop within ${BRING_UP_MS} ms`);
      }
    }
    await Promise.all(runs);
    const left = (): string => leftoversOf(this.#executor, this.#scheduler.pendingTimers - this.#timers.pending);
    if (!(await this.#timers.until(() => left() === '', DRAIN_MS + 4 * this.#hopMs))) {
      this.#violations.add('leak', `left after everything has stopped: ${left()}`);
    }
  }

  /** Stops everything after a violation, so that nothing stays in this process. Ignores how it ends. */
  async #abandon(): Promise<void> {
    for (const node of this.#nodes) node.end();
    const stopped = Promise.allSettled(this.#executor.started.map((runtime) => runtime.stop()));
    await this.#timers.within(BRING_UP_MS, stopped);
  }

  #areUp(): boolean {
    return this.#nodes.every((node) => node.isUp);
  }

  get #hopMs(): number {
    return this.#plan.network.latencyMs + this.#plan.network.jitterMs;
  }

  /** Frames are lost only with their link, whose end is known. A run without faults may reorder and double them. */
  #isReliable(): boolean {
    const { faults, network } = this.#plan;
    return network.loss === 0 && (faults.length === 0 || (network.duplicate === 0 && network.reorder === 0));
  }

  async #eventually(what: string, withinMs: number, isTrue: () => boolean): Promise<void> {
    if (!(await this.#timers.until(isTrue, withinMs))) {
      this.#violations.add('liveness', `not true after ${withinMs} ms: ${what}`);
    }
  }

  #threw(what: string, error: unknown): void {
    this.#violations.add('fault', `${what}: ${isError(error) ? (error.stack ?? error.message) : messageOf(error)}`);
  }
}

/** Most frames to look up an actor, open a link to it, and send. */
const MOST_HOPS = 10;
