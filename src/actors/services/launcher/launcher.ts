import { Deferred } from '../../../deferred.js';
import { StoppedError, UnreachableError } from '../../../errors.js';
import { messageOf } from '../../../foreign.js';
import { launcherBackendCUid, backendLocalCUid } from '../../../ids/index.js';
import { v1 } from '../../../protocol/index.js';
import type { Execution } from '../../../resources/execution/index.js';
import type { ActorRef } from '../../kernel/index.js';
import { withDeadline } from '../deadline.js';
import type { FaultPoints } from '../fault-points.js';
import type { Infrastructure } from '../infrastructure.js';
import { GLOBAL_SERVICES } from '../node/node-roles.js';
import { spread } from '../spread.js';
import { type StepInfo, stepInfo } from '../steps.js';
import { isWithin, ROOT } from '../tree.js';
import { type BackendStart, type Display, Frontend, type Host } from './frontend.js';
import type { GuestEvents } from './guest-node.js';
import { Guests } from './guests.js';
import { hostIdOf } from './host-id.js';
import { ServicesPlace } from './services-place.js';

export interface LauncherOptions {
  readonly infrastructure: Infrastructure;
  /** Unique: names the run. */
  readonly run: string;
  readonly hosts: readonly Host[];
  /** Default: `hostIdOf` the host, its node and the run. */
  readonly hostIdOf?: (host: Host) => bigint;
  /** Starts the backend of a node. */
  readonly execute: (start: BackendStart) => Execution;
  readonly display: Display;
  readonly faults: FaultPoints;
  readonly version: string;
  /** Whether global services that end are followed by others: in a run with a cluster store. Default: no. */
  readonly hasStore?: boolean;
  /** Ends this process at once, as kill -9 does. */
  readonly kill: () => void;
  /** Called at each step that was done, with its time. */
  readonly trace?: (event: StepEvent) => void;
}

export interface StepEvent {
  readonly step: string;
  readonly atMs: number;
  readonly tookMs: number;
  readonly failures: readonly string[];
}

/** Of a step's patience, what remains when a user has asked twice. */
const HURRIED_MS = 1_000;
/** Time in ms that a backend has to end after its last step. */
const END_MS = 5_000;

/**
 * Brings a run up and tears it down, step by step:
 *
 *     backends > node-indices > channels > transports > global-services > welcome        the run is up
 *     halt-application > halt-global-services > halt-transports > halt-shepherds > halt-backends > halt-launcher
 *
 * A step begins when all nodes have done the one before. One node is the case n = 1.
 */
export class Launcher {
  readonly #options: LauncherOptions;
  readonly #frontends: readonly Frontend[];
  readonly #guests: Guests;
  readonly #failed = new Deferred<v1.PartFailed>();
  /** Global services of the run. */
  readonly services: ServicesPlace;
  #lastStep: v1.Step = v1.Step.STEP_UNSPECIFIED;
  #down: Promise<readonly string[]> | undefined;
  #isHurried = false;
  readonly #hurry = new Deferred<void>();
  /** Rejects when the teardown begins: what is being brought up then ends at once. */
  readonly #broughtDown = new Deferred<never>();

  constructor(options: LauncherOptions) {
    this.#options = options;
    this.#broughtDown.promise.catch(() => {});
    const { infrastructure, run, hosts, execute, display, version, hasStore = false } = options;
    const idOf = options.hostIdOf ?? (({ host, node }: Host) => hostIdOf(host, node, run));
    this.services = new ServicesPlace({
      infrastructure,
      isFollowed: hasStore,
      nodes: () => this.#nodes.flatMap((node) => node.joined ?? []),
      welcome: (globalServices) =>
        Promise.all([this.#order(v1.Step.WELCOME, { globalServices }), this.#guests.welcome(globalServices)]),
      lost: (failure) => this.#failed.resolve(failure),
    });
    this.#frontends = hosts.map((host, index) => {
      const start = { index, host, hostId: idOf(host), launcher: infrastructure.address };
      const failed = (failure: v1.PartFailed): void => this.#partFailed(failure);
      const servicesUp = (place: v1.GlobalServicesPlace): void => void this.services.follow(place);
      return new Frontend({ infrastructure, start, execute, display, failed, servicesUp, version });
    });
    this.#guests = new Guests({
      infrastructure,
      display,
      version,
      names: hosts.map(({ node }) => node),
      primary: () => this.#frontends[0]?.place,
      services: this.services,
    });
  }

  /** Resolves when a part of the run has ended by itself. Never rejects. */
  get failed(): Promise<v1.PartFailed> {
    return this.#failed.promise;
  }

  /** Undefined before the run is up, and while others follow those that have ended. */
  get globalServices(): ActorRef<typeof v1.GlobalServices> | undefined {
    return this.services.services;
  }

  get lastStep(): v1.Step {
    return this.#lastStep;
  }

  describe(): v1.RunDescriptionInit {
    return {
      run: this.#options.run,
      step: this.#lastStep,
      controlPlane: this.services.place?.controlPlane ?? '',
      nodes: this.#nodes.map((node) => v1.NodeDescription.create(node.describe())),
    };
  }

  /** Whether the teardown has begun: from then on the end of a process is no failure. */
  get isGoingDown(): boolean {
    return this.#down !== undefined;
  }

  /** The topology of each node, in the order of their indexes. */
  topologies(): readonly v1.TopologyOfNodeInit[] {
    return this.#nodes.map((node) => node.topology());
  }

  /** From now on hosts can join the run, which is up. */
  openToGuests(events: GuestEvents): void {
    this.#guests.open(events);
  }

  get #nodes(): readonly Pick<Frontend, 'describe' | 'topology' | 'joined'>[] {
    return [...this.#frontends, ...this.#guests.all];
  }

  /** Rejects with the failure of the first step that fails; then the run must be torn down. StoppedError: its teardown has begun. */
  async up(): Promise<void> {
    await this.step(v1.Step.BACKENDS, () => this.#startBackends());
    const places = this.#frontends.flatMap(({ place }) => place ?? []);
    await this.#order(v1.Step.NODE_INDICES, { places });
    await this.#order(v1.Step.CHANNELS);
    await this.#order(v1.Step.TRANSPORTS);
    const { globalServices } = await this.#order(v1.Step.GLOBAL_SERVICES);
    await this.services.up(globalServices);
    await this.#order(v1.Step.WELCOME, { globalServices: await this.services.found() });
  }

  /** One step that is not an order to all nodes. Ends at its deadline. A step of the bring-up rejects with StoppedError when the teardown begins. */
  async step<T>(step: v1.Step, work: (info: StepInfo) => Promise<T>): Promise<T> {
    return step < v1.Step.HALT_APPLICATION ? this.#whileUp(() => this.#step(step, work)) : this.#step(step, work);
  }

  async #step<T>(step: v1.Step, work: (info: StepInfo) => Promise<T>): Promise<T> {
    const { infrastructure } = this.#options;
    const info = stepInfo(step);
    const startedMs = infrastructure.scheduler.now();
    try {
      const what = `The step ${info.name} waits for ${info.waitsFor}, which did not happen`;
      const result = await withDeadline(
        infrastructure.scheduler,
        this.#patience(info),
        what,
        this.#injectedFault(info) ?? Promise.race([work(info), this.#outOfPatience(what)]),
      );
      this.#done(info, startedMs, []);
      return result;
    } catch (error) {
      this.#done(info, startedMs, [messageOf(error)]);
      throw error;
    }
  }

  /** Tears the run down from wherever it is. Resolves to what could not be done in order. Idempotent; never rejects. */
  down(): Promise<readonly string[]> {
    if (this.#down === undefined) {
      this.#down = this.#tearDown();
      this.#broughtDown.reject(new StoppedError('The run is being torn down.'));
    }
    return this.#down;
  }

  /** From now on each step of the teardown has a second, and so has the one that is under way. */
  hurry(): void {
    this.#isHurried = true;
    this.#hurry.resolve();
  }

  #partFailed(failure: v1.PartFailed): void {
    if (failure.part === GLOBAL_SERVICES) this.services.ended(failure);
    else this.#failed.resolve(failure);
  }

  // ---- bring-up

  /** Does nothing when the teardown has begun, and rejects when it begins. */
  #whileUp<T>(work: () => Promise<T>): Promise<T> {
    if (this.#down !== undefined) return this.#broughtDown.promise;
    return Promise.race([work(), this.#broughtDown.promise]);
  }

  async #startBackends(): Promise<void> {
    const { name, waitsFor } = stepInfo(v1.Step.BACKENDS);
    let done = 0;
    await Promise.all(
      this.#frontends.map(async (frontend) => {
        await frontend.start();
        this.#options.display.progress(name, waitsFor, ++done, this.#frontends.length);
      }),
    );
  }

  /** Gives an order to all nodes. Rejects with UnreachableError where one has not done it. */
  async #order(step: v1.Step, payload: Partial<v1.StepOrder> = {}): Promise<v1.StepReport> {
    const report = await this.#whileUp(() => this.#spread(step, payload));
    const [first] = report.failures;
    if (first === undefined) return report;
    const more = report.failures.length === 1 ? '' : ` (and ${report.failures.length - 1} more)`;
    throw new UnreachableError(
      `The step ${stepInfo(step).name} failed on node ${first.node}, ${first.part}: ${first.cause}${more}.`,
    );
  }

  async #spread(step: v1.Step, payload: Partial<v1.StepOrder> = {}): Promise<v1.StepReport> {
    const { infrastructure, display } = this.#options;
    const info = stepInfo(step);
    const startedMs = infrastructure.scheduler.now();
    const nodes = this.#frontends.length;
    let done = 0;
    const report = await spread({
      from: ROOT,
      order: v1.StepOrder.create({ step, patienceMs: this.#patience(info), nodes, ...payload }),
      backendOf: (node) => this.#backend(node, step),
      orderFor: (node, order) => ({
        ...order,
        places: node === 0 ? order.places : order.places.filter(({ index }) => isWithin(index, node)),
      }),
      onDone: (more) => display.progress(info.name, info.waitsFor, (done += more), nodes),
    });
    this.#done(
      info,
      startedMs,
      report.failures.map(({ node, part, cause }) => `node ${node}, ${part}: ${cause}`),
    );
    return report;
  }

  #backend(node: number, step: v1.Step): ActorRef<typeof v1.Backend> {
    const place = this.#frontends[node]?.place;
    if (place === undefined) throw new UnreachableError(`node ${node} has never come up`);
    const cUid = step === v1.Step.NODE_INDICES ? backendLocalCUid(place.hostId, 'in') : launcherBackendCUid(node);
    return this.#options.infrastructure.reference(v1.Backend, place.address, cUid);
  }

  // ---- teardown

  async #tearDown(): Promise<readonly string[]> {
    const from = this.#lastStep;
    for (const frontend of this.#frontends) frontend.halting();
    this.#guests.halting();
    this.services.close();
    const problems: string[] = [];
    if (from >= v1.Step.NODE_INDICES) {
      // Without global services each shepherd ends what it has started.
      const isWhole = this.globalServices !== undefined;
      problems.push(...(await (isWhole ? this.#haltApplication() : this.#halt(v1.Step.HALT_APPLICATION))));
      for (const step of HALTS) problems.push(...(await this.#halt(step)));
    }
    await this.step(v1.Step.HALT_LAUNCHER, async () => {
      const patienceMs = this.#isHurried ? HURRIED_MS : END_MS;
      await Promise.all(this.#frontends.map((frontend) => frontend.end(patienceMs)));
    }).catch((error: unknown) => problems.push(messageOf(error)));
    return problems;
  }

  async #haltApplication(): Promise<readonly string[]> {
    const services = this.globalServices;
    try {
      await this.step(v1.Step.HALT_APPLICATION, async (info) => {
        const patienceMs = this.#patience(info);
        // The processes get half of the time, and the rest is for those that do not end by themselves.
        await services?.haltApplication({ patienceMs: patienceMs / 2 }, { timeoutMs: patienceMs });
      });
      return [];
    } catch (error) {
      return [messageOf(error)];
    }
  }

  async #halt(step: v1.Step): Promise<readonly string[]> {
    const info = stepInfo(step);
    const { name } = info;
    try {
      const [{ failures }, guests] = await Promise.race([
        Promise.all([this.#spread(step), this.#guests.halt(step, this.#patience(info))]),
        this.#outOfPatience(`The step ${name} was not done`),
      ]);
      return [...failures, ...guests].map(({ node, part, cause }) => `${name}, node ${node}, ${part}: ${cause}`);
    } catch (error) {
      return [messageOf(error)];
    }
  }

  // ---- each step

  #patience({ patienceMs }: StepInfo): number {
    return this.#isHurried ? Math.min(patienceMs, HURRIED_MS) : patienceMs;
  }

  /** Rejects a second after the launcher was told to hurry. */
  async #outOfPatience(what: string): Promise<never> {
    await this.#hurry.promise;
    const { scheduler } = this.#options.infrastructure;
    await new Promise<void>((resolve) => void scheduler.setTimer(HURRIED_MS, resolve));
    throw new UnreachableError(`${what} within ${HURRIED_MS} ms: the teardown was hurried.`);
  }

  /** What happens at the launcher's own fault points: those of the steps that are no orders to nodes. */
  #injectedFault({ name }: StepInfo): Promise<never> | undefined {
    const { faults, kill } = this.#options;
    const action = faults.at(name, ROOT);
    if (action === 'kill') kill();
    if (action === 'kill' || action === 'delay') return new Promise(() => {});
    if (action !== 'fail' && action !== 'garbage') return undefined;
    return Promise.reject(new UnreachableError(`MILLRACE_FAULT says that the step ${name} fails.`));
  }

  #done({ step, name }: StepInfo, startedMs: number, failures: readonly string[]): void {
    const { infrastructure, trace } = this.#options;
    // What was under way when the teardown began.
    if (this.isGoingDown && step < v1.Step.HALT_APPLICATION) return;
    const tookMs = infrastructure.scheduler.now() - startedMs;
    // Nodes are welcomed again by global services that follow others.
    if (failures.length === 0 && step > this.#lastStep) this.#lastStep = step;
    infrastructure.log[failures.length === 0 ? 'info' : 'warn'](`step ${name}`, {
      tookMs,
      ...(failures.length > 0 && { failures }),
    });
    trace?.({ step: name, atMs: startedMs, tookMs, failures });
  }
}

const HALTS = [
  v1.Step.HALT_GLOBAL_SERVICES,
  v1.Step.HALT_TRANSPORTS,
  v1.Step.HALT_SHEPHERDS,
  v1.Step.HALT_BACKENDS,
] as const;
