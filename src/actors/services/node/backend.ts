import { Deferred } from '../../../deferred.js';
import { ProtocolError } from '../../../errors.js';
import { messageOf } from '../../../foreign.js';
import { backendFrontendCUid, backendLocalCUid, launcherBackendCUid } from '../../../ids/index.js';
import { limits } from '../../../limits.js';
import { v1 } from '../../../protocol/index.js';
import { retryAsk } from '../../control-plane/index.js';
import { type ActorRef, behavior, later } from '../../kernel/index.js';
import { withDeadline } from '../deadline.js';
import type { FaultPoints } from '../fault-points.js';
import type { Infrastructure } from '../infrastructure.js';
import { failedReport, gathered, spread } from '../spread.js';
import { stepInfo } from '../steps.js';
import { isWithin } from '../tree.js';
import { NodeRoles } from './node-roles.js';
import type { NodeSystem } from './node-system.js';

export interface BackendOptions {
  readonly infrastructure: Infrastructure;
  readonly hostId: bigint;
  /** Address of the launcher. */
  readonly launcher: string;
  /** Of the start data of this node. */
  readonly secret: string;
  readonly system: NodeSystem;
  readonly faults: FaultPoints;
  /** The launcher has gone: nobody needs the node any more. */
  readonly orphaned: () => void;
}

/** The launcher's arm on a node: carries out each step that it is ordered, and hands the order to its children in the tree. */
export class Backend {
  readonly #options: BackendOptions;
  readonly #launcher: ActorRef<typeof v1.Launcher>;
  readonly #roles: NodeRoles;
  readonly #greeted = new Deferred<void>();
  #index: number | undefined;
  #places: ReadonlyMap<number, v1.NodePlace> = new Map();
  #isHalted = false;

  constructor(options: BackendOptions) {
    this.#options = options;
    const { infrastructure, launcher, hostId, system } = options;
    this.#launcher = infrastructure.reference(v1.Launcher, launcher, backendFrontendCUid(hostId));
    this.#greeted.promise.catch(() => {});
    this.#roles = new NodeRoles({ infrastructure, system, launcher: this.#launcher, greeted: this.#greeted.promise });
  }

  get roles(): NodeRoles {
    return this.#roles;
  }

  /** Says to the launcher that this node is up. Rejects with UnreachableError when the launcher does not answer. */
  async start(): Promise<void> {
    const { infrastructure, hostId, secret, system } = this.#options;
    const { address, scheduler } = infrastructure;
    const { pid, cpus, version, topology } = system;
    this.#spawn('backend-local', backendLocalCUid(hostId, 'in'));
    const greeting = { hostId, secret, address, pid, cpus, version, topology: v1.NodeTopology.create(topology) };
    const greeted = retryAsk(scheduler, limits.controlPlaneTimeoutMs, (options) =>
      this.#launcher.backendIsUp(greeting, options),
    );
    await greeted.then(
      () => this.#greeted.resolve(),
      (error: unknown) => this.#greeted.reject(error),
    );
    await greeted;
  }

  #spawn(name: string, cUid: bigint): void {
    const actor = behavior(v1.Backend, {
      supervision: { onFailure: 'resume' },
      perform: (_state, order) => later(this.#perform(order)),
      on: {
        started: (_state, context) => context.watch(this.#launcher),
        terminated: () => {
          if (!this.#isHalted) this.#options.orphaned();
        },
      },
    });
    this.#options.infrastructure.spawn(actor, { name, cUid });
  }

  async #perform(order: v1.StepOrder): Promise<v1.StepReportInit> {
    const { faults, system } = this.#options;
    const { name } = stepInfo(order.step);
    if (order.step === v1.Step.NODE_INDICES) this.#takePlace(order);
    const node = this.#placed();
    switch (faults.at(name, node)) {
      case 'kill':
        system.kill();
        return never();
      case 'delay':
        await this.#performOnce(node, order);
        return never();
      case 'garbage':
        return { step: v1.Step.STEP_UNSPECIFIED, done: 2 ** 32 - 1 };
      case 'fail':
        return failedReport(order.step, node, name, 'MILLRACE_FAULT says so');
      case 'twice':
        await this.#performOnce(node, order);
        return this.#performOnce(node, order);
      case undefined:
        return this.#performOnce(node, order);
    }
  }

  async #performOnce(node: number, order: v1.StepOrder): Promise<v1.StepReportInit> {
    const { infrastructure, system } = this.#options;
    const { log, scheduler } = infrastructure;
    const { step } = order;
    const startedMs = scheduler.now();
    const [own, below] = await Promise.all([this.#own(node, order), this.#below(node, order)]);
    log.debug('step', { step: stepInfo(step).name, node, tookMs: scheduler.now() - startedMs });
    if (step === v1.Step.HALT_BACKENDS) {
      this.#isHalted = true;
      // After the report, which uses a link of this process.
      scheduler.scheduleYield(() => system.endProcess());
    }
    return gathered(step, [own, below]);
  }

  #below(node: number, order: v1.StepOrder): Promise<v1.StepReport> {
    const isFirst = order.step === v1.Step.NODE_INDICES;
    return spread({
      from: node,
      order,
      backendOf: (child) => {
        const place = this.#places.get(child);
        if (place === undefined) throw new ProtocolError(`node ${node} was not told where node ${child} is`);
        const cUid = isFirst ? backendLocalCUid(place.hostId, 'in') : launcherBackendCUid(child);
        return this.#options.infrastructure.reference(v1.Backend, place.address, cUid);
      },
      orderFor: (child, given) => ({ ...given, places: given.places.filter(({ index }) => isWithin(index, child)) }),
    });
  }

  async #own(node: number, order: v1.StepOrder): Promise<v1.StepReport> {
    const { scheduler } = this.#options.infrastructure;
    const { step, patienceMs } = order;
    const { name } = stepInfo(step);
    try {
      const what = `Node ${node} did not do the step ${name}`;
      const globalServices = await withDeadline(scheduler, patienceMs, what, this.#roles.perform(order));
      return v1.StepReport.create({ step, done: 1, globalServices });
    } catch (error) {
      return failedReport(step, node, name, messageOf(error));
    }
  }

  #takePlace({ places, nodes }: v1.StepOrder): void {
    const { hostId } = this.#options;
    const own = places.find((place) => place.hostId === hostId);
    if (own === undefined) throw new ProtocolError(`No node of the order has the host id ${hostId}.`);
    this.#places = new Map(places.map((place) => [place.index, place]));
    this.#roles.place({ index: own.index, nodes, places: this.#places });
    if (this.#index === undefined) this.#spawn('backend', launcherBackendCUid(own.index));
    this.#index = own.index;
  }

  #placed(): number {
    if (this.#index === undefined) throw new ProtocolError('This backend has not been told its index yet.');
    return this.#index;
  }
}

/** An answer that is not given: the fault points need it. */
function never(): Promise<never> {
  return new Promise(() => {});
}
