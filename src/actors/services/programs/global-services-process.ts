import { join } from 'node:path';
import { type ClusterStore, openClusterStore } from '../../../cluster-store/index.js';
import { Deferred } from '../../../deferred.js';
import {
  globalServicesCandidatePUid,
  globalServicesInputCUid,
  globalServicesPUid,
  loggingServiceCUid,
  shepherdCUid,
} from '../../../ids/index.js';
import { limits } from '../../../limits.js';
import { closableLogger, type Logger } from '../../../logging/index.js';
import { v1 } from '../../../protocol/index.js';
import type { Scheduler } from '../../../scheduler/index.js';
import { retryAsk } from '../../control-plane/index.js';
import { type ActorRef, type AskOptions, behavior } from '../../kernel/index.js';
import { Executor, type Runtime, type RuntimeOptions } from '../../runtime/index.js';
import { readTlsFiles } from '../../../transport/handshake/index.js';
import { everywhereKind } from '../../../transport/kinds/index.js';
import { GlobalServices, type Term } from '../global-services/global-services.js';
import type { Infrastructure } from '../infrastructure.js';
import { LoggingService } from '../node/logging-service.js';
import { leveled } from './leveled.js';
import { openInfrastructure } from './open-infrastructure.js';
import type { GlobalServicesStart } from './role-start.js';
import { makeFolder, removeFolder } from './run-folder.js';

/** The name by which the control plane of a run knows the actor that says where the launcher is. */
export const RUN_GATE = 'millrace/run';

/** Of the addresses of a runtime, those that the links of the infrastructure reach. */
export function socketsOf(addresses: string): string {
  return addresses
    .split(' ')
    .filter((address) => everywhereKind.schemes.some((scheme) => address.startsWith(scheme)))
    .join(' ');
}

/**
 * The process of global services. It serves the control plane, too: so both answer from one place. In a run with a cluster store it stands by until it
 * is elected to serve the control plane, and ends when its term is over: its node then starts another one, which stands by.
 */
export class GlobalServicesProcess {
  readonly #start: GlobalServicesStart;
  readonly #scheduler: Scheduler;
  readonly #folder: string;
  readonly #mayEnd = new Deferred<void>();
  readonly #elected = new Deferred<bigint>();
  #isElected = false;
  #hasStoodBy = false;
  #infrastructure: Infrastructure | undefined;

  constructor(start: GlobalServicesStart, scheduler: Scheduler) {
    this.#start = start;
    this.#scheduler = scheduler;
    this.#folder = join(start.folder, 'services');
  }

  /** Resolves when it was told to halt, or its term is over. */
  async run(): Promise<void> {
    const { key, listen, advertisedHost, tls, logLevel } = this.#start;
    const folder = makeFolder(this.#folder);
    try {
      const { log, close } = closableLogger(leveled(logLevel, () => this.#logger()));
      const links = { name: 'global-services', folder, key, listen, advertisedHost, tls };
      const infrastructure = await openInfrastructure(links, this.#scheduler, log);
      this.#infrastructure = infrastructure;
      try {
        await this.#runWith(infrastructure, log);
      } finally {
        // A record about the end of its own link could not be sent, which would be another record.
        close();
        await infrastructure.close();
      }
    } finally {
      removeFolder(folder);
    }
  }

  /** The node has gone. */
  async abandon(): Promise<void> {
    removeFolder(this.#folder);
  }

  async #runWith(infrastructure: Infrastructure, log: Logger): Promise<void> {
    const { store: from } = this.#start;
    const store = from && (await openClusterStore(from.address, this.#scheduler));
    const runtime = await this.#startRuntime(log, store).catch(async (error: unknown) => {
      await store?.close();
      throw error;
    });
    this.#serve(infrastructure, runtime, store).catch((error: unknown) => this.#mayEnd.reject(error));
    await this.#mayEnd.promise;
    await runtime.stop();
  }

  async #serve(infrastructure: Infrastructure, runtime: Runtime, store: ClusterStore | undefined): Promise<void> {
    const { nodeAddress, nodes, run, launcher, secret, store: from } = this.#start;
    const term = store && (await this.#term(infrastructure, store));
    const controlPlane = socketsOf(runtime.controlPlane);
    const endProcess = (): void => this.#mayEnd.resolve();
    const services = new GlobalServices({
      infrastructure,
      primary: nodeAddress,
      controlPlane,
      launcher,
      nodes,
      endProcess,
      ...(term && { term }),
    });
    infrastructure.spawn(services.behavior(), { name: 'global-services', cUid: globalServicesInputCUid });
    const clusterStore = from?.address ?? '';
    const gate = runtime.spawn(behavior(v1.RunGate, { find: () => ({ run, launcher, clusterStore }) }));
    const { address } = infrastructure;
    const place = { address, controlPlane: runtime.controlPlane, pid: process.pid, epoch: term?.epoch ?? 0n };
    // For a moment the name is that of the global services before, which have ended.
    const named = runtime.register(RUN_GATE, gate, { standby: true });
    if (!this.#hasStoodBy) await named;
    await this.#tell(infrastructure, (shepherd, options) => shepherd.globalServicesUp({ secret, place }, options));
    await named;
  }

  /** Stands by until this process is elected. */
  async #term(infrastructure: Infrastructure, store: ClusterStore): Promise<Term> {
    const { run, secret } = this.#start;
    if (!this.#isElected) {
      this.#hasStoodBy = true;
      await this.#tell(infrastructure, (shepherd, options) => shepherd.globalServicesStandBy({ secret }, options));
    }
    return { epoch: await this.#elected.promise, store, run };
  }

  #startRuntime(log: Logger, clusterStore: ClusterStore | undefined): Promise<Runtime> {
    const { key, listen, advertisedHost, tls: files, node, store } = this.#start;
    const tls = files && readTlsFiles(files);
    const net = {
      key,
      ...(tls && { tls }),
      keyless: 'nowhere',
      listen,
      socketFolder: this.#folder,
      ...(advertisedHost !== '' && { advertisedHost }),
    } as const;
    const executor = new Executor({ scheduler: this.#scheduler, log, net });
    const served = {
      elected: (epoch: bigint) => {
        this.#isElected = true;
        this.#elected.resolve(epoch);
      },
      deposed: () => this.#mayEnd.resolve(),
    };
    const alone: RuntimeOptions = { pUid: globalServicesPUid };
    const { leaseMs = 'auto' } = store ?? {};
    const among = clusterStore && {
      pUid: globalServicesCandidatePUid(Math.floor(this.#scheduler.random() * 2 ** 31)),
      clusterStore,
      ...(leaseMs !== 'auto' && { leaseMs }),
      served,
    };
    return executor.start({ node, name: 'global-services', ...(among ?? alone) });
  }

  /** Tells the shepherd that has started this process. */
  async #tell(
    infrastructure: Infrastructure,
    tell: (shepherd: ActorRef<typeof v1.Shepherd>, options: AskOptions) => Promise<unknown>,
  ): Promise<void> {
    const { nodeAddress, nodeIndex } = this.#start;
    const shepherd = infrastructure.reference(v1.Shepherd, nodeAddress, shepherdCUid(nodeIndex));
    await retryAsk(this.#scheduler, limits.controlPlaneTimeoutMs, (options) => tell(shepherd, options));
  }

  /** Records go to the logging service of its node. */
  #logger(): Logger | undefined {
    const infrastructure = this.#infrastructure;
    if (infrastructure === undefined) return undefined;
    const { nodeAddress, nodeIndex } = this.#start;
    const logging = infrastructure.reference(v1.LoggingService, nodeAddress, loggingServiceCUid(nodeIndex));
    const outgoing = new LoggingService(this.#scheduler, async (batch) => {
      logging.write(batch);
    });
    return outgoing.logger('global-services');
  }
}
