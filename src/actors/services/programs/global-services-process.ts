import { join } from 'node:path';
import { Deferred } from '../../../deferred.js';
import { globalServicesInputCUid, globalServicesPUid, loggingServiceCUid, shepherdCUid } from '../../../ids/index.js';
import { limits } from '../../../limits.js';
import { closableLogger, type Logger } from '../../../logging/index.js';
import { v1 } from '../../../protocol/index.js';
import type { Scheduler } from '../../../scheduler/index.js';
import { retryAsk } from '../../control-plane/index.js';
import { behavior } from '../../kernel/index.js';
import { Executor, type Runtime } from '../../runtime/index.js';
import { readTlsFiles } from '../../../transport/handshake/index.js';
import { everywhereKind } from '../../../transport/kinds/index.js';
import { GlobalServices } from '../global-services/global-services.js';
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

/** The process of global services. It serves the control plane, too: so both answer from one place. */
export class GlobalServicesProcess {
  readonly #start: GlobalServicesStart;
  readonly #scheduler: Scheduler;
  readonly #folder: string;
  readonly #mayEnd = new Deferred<void>();
  #infrastructure: Infrastructure | undefined;

  constructor(start: GlobalServicesStart, scheduler: Scheduler) {
    this.#start = start;
    this.#scheduler = scheduler;
    this.#folder = join(start.folder, 'services');
  }

  /** Resolves when it was told to halt. */
  async run(): Promise<void> {
    const { run, launcher, key, listen, advertisedHost, tls, primary, nodes, logLevel } = this.#start;
    const folder = makeFolder(this.#folder);
    try {
      const { log, close } = closableLogger(leveled(logLevel, () => this.#logger()));
      const links = { name: 'global-services', folder, key, listen, advertisedHost, tls };
      const infrastructure = await openInfrastructure(links, this.#scheduler, log);
      this.#infrastructure = infrastructure;
      const runtime = await this.#serveControlPlane(log);
      const { controlPlane } = runtime;
      const endProcess = (): void => this.#mayEnd.resolve();
      const services = new GlobalServices({
        infrastructure,
        primary,
        controlPlane: socketsOf(controlPlane),
        launcher,
        nodes,
        endProcess,
      });
      infrastructure.spawn(services.behavior(), { name: 'global-services', cUid: globalServicesInputCUid });
      const gate = runtime.spawn(behavior(v1.RunGate, { find: () => ({ run, launcher }) }));
      await runtime.register(RUN_GATE, gate);
      const { address } = infrastructure;
      const shepherd = infrastructure.reference(v1.Shepherd, primary, shepherdCUid(0));
      await retryAsk(this.#scheduler, limits.controlPlaneTimeoutMs, (options) =>
        shepherd.globalServicesUp({ address, controlPlane, pid: process.pid }, options),
      );
      await this.#mayEnd.promise;
      await runtime.stop();
      // A record about the end of its own link could not be sent, which would be another record.
      close();
      await infrastructure.close();
    } finally {
      removeFolder(folder);
    }
  }

  /** The node has gone. */
  async abandon(): Promise<void> {
    removeFolder(this.#folder);
  }

  #serveControlPlane(log: Logger): Promise<Runtime> {
    const { key, listen, advertisedHost, tls: files, node } = this.#start;
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
    return executor.start({ node, name: 'global-services', pUid: globalServicesPUid });
  }

  /** Records go to the logging service of the primary node. */
  #logger(): Logger | undefined {
    const infrastructure = this.#infrastructure;
    if (infrastructure === undefined) return undefined;
    const logging = infrastructure.reference(v1.LoggingService, this.#start.primary, loggingServiceCUid(0));
    const outgoing = new LoggingService(this.#scheduler, async (batch) => {
      logging.write(batch);
    });
    return outgoing.logger('global-services');
  }
}
