import process from 'node:process';
import { isError, messageOf } from '../foreign.js';
import { Executor } from '../actors/runtime/index.js';
import { VirtualScheduler } from '../scheduler/index.js';
import { nodeName } from './draw-plan.js';
import { FaultDriver } from './fault-driver.js';
import { SimulatedNode } from './node.js';
import { heldIn, leftIn } from './leftovers.js';
import { watchfulLogger } from './log.js';
import { Observer } from './observer/index.js';
import type { Plan } from './plan.js';
import { Timetable } from './timetable.js';
import { type Violation, Violations } from './violation.js';
import type { Workload } from './workload.js';
import { World } from './world.js';

/** Time that a cluster has to come up before the first fault, and to stop behind the last, in ms. */
const BRING_UP_MS = 60_000;
/** Time behind the last fault in which everybody learns of it: links that are cut die, and watches are repeated. */
const AFTERMATH_MS = 2_000;
/** Time after the stop in which frames that are on their way land, in ms. */
const FADE_MS = 500;

/** One run: bring-up, work under faults, healing, settling, and the end, of which nothing may be left. */
export class Simulation {
  readonly #workload: Workload;
  readonly #plan: Plan;
  readonly #scheduler: VirtualScheduler;
  readonly #violations: Violations;
  readonly #timetable: Timetable;
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
    this.#timetable = new Timetable(this.#scheduler);
    this.#executor = new Executor({
      ...plan.network,
      scheduler: this.#scheduler,
      log: watchfulLogger(this.#violations, record, (node) =>
        this.#nodes.some((each) => each.name === node && each.isDead),
      ),
      ...(trace === undefined ? {} : { trace }),
    });
    const endsLinks = plan.faults.length > 0;
    const { latencyMs, jitterMs, loss } = plan.network;
    this.#observer = new Observer({
      now,
      network: plan.network,
      violations: this.#violations,
      record,
      transitMs: endsLinks || loss > 0 ? undefined : MOST_HOPS * (latencyMs + jitterMs),
      mayBeUnreachable: endsLinks,
    });
    const environment = {
      executor: this.#executor,
      observer: this.#observer,
      timetable: this.#timetable,
      options: { system: { partitions: 1 }, ...workload.runtime(plan.sizes) },
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
      timetable: this.#timetable,
      violations: this.#violations,
      settleMs: workload.settleMs,
    });
    this.#driver = new FaultDriver(this.#nodes, this.#executor, this.#timetable);
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

  /** Resolves when it has ended, well or by its first violation. */
  async run(): Promise<void> {
    const unseen = (error: unknown): void => this.#threw('a promise was rejected, and nobody has seen it', error);
    process.on('unhandledRejection', unseen);
    try {
      await Promise.race([this.#violations.first, this.#go()]);
      if (this.violations.length > 0) {
        this.#violations.end();
        await this.#abandon();
      }
    } catch (error) {
      this.#threw('the simulation threw', error);
    } finally {
      this.#scheduler.close();
      process.off('unhandledRejection', unseen);
    }
  }

  async #go(): Promise<void> {
    const lives = this.#nodes.map((node) => node.live());
    for (const life of lives) life.catch((error: unknown) => this.#threw('a node could not go on', error));
    await this.#eventually('every node is up', BRING_UP_MS, () => this.#areUp());
    await this.#work();
    await this.#eventually('every node is up again', this.#workload.settleMs, () => this.#areUp());
    await this.#timetable.pass(AFTERMATH_MS);
    await this.#eventually('every ask is answered', this.#workload.settleMs, () => this.#observer.waiting === 0);
    await this.#observer.check(this.#isLossless());
    await this.#checkCredit();
    await this.#stop(lives);
  }

  /** The workload runs while faults happen, and settles when they are healed. */
  async #work(): Promise<void> {
    const { faultMs, settleMs, run } = this.#workload;
    this.#driver.begin(this.#plan);
    const work = run(this.#world).catch((error: unknown) => this.#threw('the workload failed', error));
    await this.#timetable.within(faultMs, work);
    this.#driver.heal();
    this.#world.healed();
    if ((await this.#timetable.within(settleMs, work)) === undefined) {
      this.#violations.add('liveness', `the work was not done ${settleMs} ms after the last fault was healed`);
    }
  }

  /** When every ask is answered and every mailbox is read, nothing is held for them any more. */
  async #checkCredit(): Promise<void> {
    const held = (): string => heldIn(this.#executor);
    if (!(await this.#timetable.until(() => held() === '', this.#workload.settleMs))) {
      this.#violations.add('leak', `held when all is answered: ${held()}`);
    }
  }

  async #stop(lives: readonly Promise<void>[]): Promise<void> {
    await this.#timetable.within(BRING_UP_MS, Promise.all(this.#nodes.map((node) => node.stopActors())));
    for (const node of this.#nodes) {
      // Segments that have ended may be on their way out still.
      if (!(await this.#timetable.until(() => node.actors <= 0, AFTERMATH_MS))) {
        this.#violations.add(
          'leak',
          `${node.actors} actors of ${node.name} are left when all that were spawned have stopped`,
        );
      }
    }
    for (const node of this.#nodes) node.end();
    for (const runtime of this.#executor.started.toReversed()) {
      if ((await this.#timetable.within(BRING_UP_MS, runtime.stop())) === undefined) {
        this.#violations.add('liveness', `the runtime of ${runtime.node} did not stop within ${BRING_UP_MS} ms`);
      }
    }
    await Promise.all(lives);
    const left = (): string => leftIn(this.#executor, this.#scheduler.pendingTimers - this.#timetable.pending);
    if (!(await this.#timetable.until(() => left() === '', FADE_MS + 4 * this.#hopMs))) {
      this.#violations.add('leak', `left when all has stopped: ${left()}`);
    }
  }

  /** What still runs is stopped, so that nothing of it stays in this process; how it ends is no matter any more. */
  async #abandon(): Promise<void> {
    for (const node of this.#nodes) node.end();
    const stopped = Promise.allSettled(this.#executor.started.map((runtime) => runtime.stop()));
    await this.#timetable.within(BRING_UP_MS, stopped);
  }

  #areUp(): boolean {
    return this.#nodes.every((node) => node.isUp);
  }

  get #hopMs(): number {
    return this.#plan.network.latencyMs + this.#plan.network.jitterMs;
  }

  #isLossless(): boolean {
    return this.#plan.faults.length === 0 && this.#plan.network.loss === 0;
  }

  async #eventually(what: string, withinMs: number, isTrue: () => boolean): Promise<void> {
    if (!(await this.#timetable.until(isTrue, withinMs))) {
      this.#violations.add('liveness', `it is not so, even after ${withinMs} ms, that ${what}`);
    }
  }

  #threw(what: string, error: unknown): void {
    this.#violations.add('fault', `${what}: ${isError(error) ? (error.stack ?? error.message) : messageOf(error)}`);
  }
}

/** To find an actor elsewhere, open a link to it, and send: each way is a frame's. */
const MOST_HOPS = 10;
