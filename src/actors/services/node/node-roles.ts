import { ProtocolError } from '../../../errors.js';
import { globalServicesInputCUid, loggingServiceCUid, shepherdCUid, transportAgentCUid } from '../../../ids/index.js';
import { limits } from '../../../limits.js';
import { type AnyService, v1 } from '../../../protocol/index.js';
import { retryAsk } from '../../control-plane/index.js';
import type { ActorRef, Behavior } from '../../kernel/index.js';
import type { Infrastructure } from '../infrastructure.js';
import { LoggingService } from './logging-service.js';
import type { NodeIdentity, NodeSystem } from './node-system.js';
import { Processes } from './processes.js';
import { ServicesCandidate } from './services-candidate.js';
import { shepherd } from './shepherd.js';
import { Routes, transportService } from './transport-service.js';

export interface NodeRolesOptions {
  readonly infrastructure: Infrastructure;
  readonly system: NodeSystem;
  readonly launcher: ActorRef<typeof v1.Launcher>;
  /** Resolves when the launcher knows this node: it hears nothing of it before. Rejects with UnreachableError where it is not reached. */
  readonly greeted: Promise<void>;
}

/** Where a node is in its run. */
export interface NodePosition {
  readonly index: number;
  readonly nodes: number;
  readonly places: ReadonlyMap<number, v1.NodePlace>;
}

/** How a failure names global services. */
export const GLOBAL_SERVICES = 'global services';

/** Of the patience of a step, what the processes that it ends have before SIGKILL. */
const PROCESSES_PART = 0.5;

/**
 * The other roles of a node, which its backend starts and stops in the steps of bring-up and teardown:
 *
 *     channels           shepherd, logging         halt-shepherds
 *     transports         transport service         halt-transports
 *     global-services    global services           halt-global-services     on the primary node; with a cluster store on several
 */
export class NodeRoles {
  readonly #options: NodeRolesOptions;
  readonly #logging: LoggingService;
  readonly #processes: Processes;
  readonly #spawned = new Map<bigint, () => Promise<void>>();
  #position: NodePosition = { index: 0, nodes: 0, places: new Map() };
  readonly #candidate: ServicesCandidate;
  #globalServices: v1.GlobalServicesPlace | undefined;
  /** Of the last global services that this node has heard of. */
  #epoch = 0n;
  /** Of which global services have not heard. */
  readonly #unheard = new Map<bigint, v1.ProcessExit>();
  #isHalting = false;

  constructor(options: NodeRolesOptions) {
    this.#options = options;
    const { infrastructure, system, launcher, greeted } = options;
    const { scheduler } = infrastructure;
    this.#candidate = new ServicesCandidate({
      scheduler,
      log: infrastructure.log,
      start: (secret) => system.startGlobalServices(this.#identity, secret),
      isFollowed: system.candidates > 1,
      // The launcher that cannot be told has ended, and so the node ends.
      follows: (place) => void launcher.globalServicesUp(place).catch(() => {}),
      failed: (cause, place) => this.#globalServicesEnded(cause, place?.epoch ?? 0n),
    });
    this.#logging = new LoggingService(scheduler, async (batch) => {
      await greeted;
      await launcher.records(batch, { timeoutMs: limits.outputTimeoutMs });
    });
    this.#processes = new Processes({
      scheduler,
      start: (process) => system.startProcess(process, this.#identity, (written) => this.#output(written)),
      exited: (exit) => void this.#exited(exit),
    });
  }

  /** Takes the log records of the node's own process. */
  get logging(): LoggingService {
    return this.#logging;
  }

  place(position: NodePosition): void {
    this.#position = position;
  }

  /** The node's own part of a step. Doing it again changes nothing. */
  async perform({ step, globalServices, patienceMs }: v1.StepOrder): Promise<v1.GlobalServicesPlace | undefined> {
    const { index } = this.#position;
    switch (step) {
      case v1.Step.NODE_INDICES:
        return undefined;
      case v1.Step.CHANNELS:
        this.#spawn('logging', loggingServiceCUid(index), this.#logging.behavior());
        this.#spawn('shepherd', shepherdCUid(index), shepherd(this.#processes, this.#candidate));
        return undefined;
      case v1.Step.TRANSPORTS:
        this.#spawn('transport-service', transportAgentCUid(index), transportService(this.#routes()));
        return undefined;
      case v1.Step.GLOBAL_SERVICES:
        return index < this.#options.system.candidates ? this.#candidate.start() : undefined;
      case v1.Step.WELCOME:
        if (globalServices === undefined) throw new ProtocolError('the order does not say where global services are');
        this.#welcome(globalServices);
        return undefined;
      case v1.Step.HALT_APPLICATION:
        await this.#processes.close(patienceMs * PROCESSES_PART);
        return undefined;
      case v1.Step.HALT_GLOBAL_SERVICES:
        this.#isHalting = true;
        await this.#candidate.halt(({ address }) =>
          this.#options.infrastructure.reference(v1.GlobalServices, address, globalServicesInputCUid).halt({}),
        );
        return undefined;
      case v1.Step.HALT_TRANSPORTS:
        await this.#stop(transportAgentCUid(index));
        return undefined;
      case v1.Step.HALT_SHEPHERDS:
        try {
          await this.close(patienceMs * PROCESSES_PART);
        } finally {
          await this.#stop(shepherdCUid(index));
        }
        return undefined;
      case v1.Step.HALT_BACKENDS:
        await this.#logging.flush();
        await this.#stop(loggingServiceCUid(index));
        return undefined;
      default:
        throw new ProtocolError(`step ${step} is none of a node`);
    }
  }

  /** Ends all processes of the node, and global services if they are here. Idempotent. Rejects where a process cannot be ended. */
  async close(patienceMs: number): Promise<void> {
    this.#isHalting = true;
    try {
      await this.#processes.close(patienceMs);
    } finally {
      await this.#candidate.kill();
    }
  }

  // ---- roles

  #spawn<S extends AnyService, T>(name: string, cUid: bigint, behavior: Behavior<S, T>): void {
    if (this.#spawned.has(cUid)) return;
    const { infrastructure } = this.#options;
    const actor = infrastructure.spawn(behavior, { name, cUid });
    this.#spawned.set(cUid, () => infrastructure.stop(actor));
  }

  async #stop(cUid: bigint): Promise<void> {
    const stop = this.#spawned.get(cUid);
    this.#spawned.delete(cUid);
    await stop?.();
  }

  /** The primary node knows all nodes, and the others ask it. */
  #routes(): Routes {
    const { index, places } = this.#position;
    const { infrastructure } = this.#options;
    const primary = places.get(0)?.address;
    if (index === 0 || primary === undefined) return new Routes(places);
    return new Routes(places, infrastructure.reference(v1.TransportService, primary, transportAgentCUid(0)));
  }

  /** Those of an earlier epoch serve no longer: their welcome has arrived late. */
  #welcome(globalServices: v1.GlobalServicesPlace): void {
    if (globalServices.epoch < this.#epoch) return;
    this.#epoch = globalServices.epoch;
    this.#globalServices = globalServices;
    for (const exit of this.#unheard.values()) void this.#exited(exit);
  }

  #globalServicesEnded(cause: string, epoch: bigint): void {
    if (this.#globalServices?.epoch === epoch) this.#globalServices = undefined;
    if (this.#isHalting) return;
    const { launcher } = this.#options;
    // The launcher that cannot be told has ended, and so the node ends.
    launcher.failed({ node: this.#position.index, part: GLOBAL_SERVICES, cause, epoch }).catch(() => {});
  }

  // ---- processes

  get #identity(): NodeIdentity {
    const { index, nodes } = this.#position;
    return { index, nodes, address: this.#options.infrastructure.address, globalServices: this.#globalServices };
  }

  async #output(written: v1.ProcessOutputInit): Promise<void> {
    const { launcher, infrastructure } = this.#options;
    try {
      await launcher.output(written, { timeoutMs: limits.outputTimeoutMs });
    } catch (error) {
      infrastructure.log.debug('output of a process was not taken', { process: written.process, error });
    }
  }

  /** Where they do not hear of it, those that follow them do. */
  async #exited(exit: v1.ProcessExit): Promise<void> {
    this.#unheard.set(exit.pUid, exit);
    const place = this.#globalServices;
    if (place === undefined) return;
    const { infrastructure } = this.#options;
    const services = infrastructure.reference(v1.GlobalServices, place.address, globalServicesInputCUid);
    try {
      await retryAsk(infrastructure.scheduler, limits.controlPlaneTimeoutMs, (options) =>
        services.exited(exit, options),
      );
      this.#unheard.delete(exit.pUid);
    } catch (error) {
      // Those that follow hear of it.
      if (!this.#isHalting && this.#options.system.candidates === 1)
        infrastructure.log.warn('global services did not hear of an exit', { pUid: exit.pUid, error });
    }
  }
}
