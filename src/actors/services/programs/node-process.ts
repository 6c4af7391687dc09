import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Deferred } from '../../../deferred.js';
import { packageFile } from '../../../installation.js';
import { closableLogger, type Logger } from '../../../logging/index.js';
import { startProcess } from '../../../resources/execution/index.js';
import { formatSystem, machineProvider, usableParallelism } from '../../../resources/index.js';
import type { v1 } from '../../../protocol/index.js';
import type { Scheduler } from '../../../scheduler/index.js';
import { FaultPoints } from '../fault-points.js';
import { Backend } from '../node/backend.js';
import type { NodeSystem } from '../node/node-system.js';
import { leveled } from './leveled.js';
import { startManaged } from './managed-process.js';
import { openInfrastructure } from './open-infrastructure.js';
import type { GlobalServicesStart, NodeStart } from './role-start.js';
import { makeFolder, removeFolder, removeLaunchers, runsFolder, writeKey } from './run-folder.js';

/** Nodes that have a process of global services in a run with a cluster store. */
const CANDIDATES = 3;

/** Time in ms that processes have to end by themselves when the launcher has gone. */
const ORPHANS_MS = 2_000;

/** The process of one node: it has the backend and the other roles of the node, and starts the processes there. */
export class NodeProcess {
  readonly #start: NodeStart;
  readonly #scheduler: Scheduler;
  readonly #runFolder: string;
  readonly #folder: string;
  readonly #mayEnd = new Deferred<void>();
  #backend: Backend | undefined;
  #abandoned: Promise<void> | undefined;

  /** `folder`: its name in the folder of the run, where no other process has this one. */
  constructor(start: NodeStart, scheduler: Scheduler, folder = start.node) {
    this.#start = start;
    this.#scheduler = scheduler;
    this.#runFolder = start.folder === '' ? join(runsFolder(), start.run) : start.folder;
    this.#folder = join(this.#runFolder, folder);
  }

  /** Whether it has gone without an order of the launcher. */
  get isAbandoned(): boolean {
    return this.#abandoned !== undefined;
  }

  /** Resolves when the node was torn down or abandoned. Rejects with UnreachableError when the launcher is not reached. */
  async run(): Promise<void> {
    const { key, listen, advertisedHost, tls, node, hostId, launcher, secret, logLevel } = this.#start;
    const folder = makeFolder(this.#folder);
    try {
      writeKey(folder, key);
      const { log, close } = closableLogger(leveled(logLevel, () => this.#logger));
      const links = { name: node, folder, key, listen, advertisedHost, tls };
      const infrastructure = await openInfrastructure(links, this.#scheduler, log);
      try {
        const faults = FaultPoints.parse(this.#start.faults);
        const orphaned = (): void => void this.abandon().catch(() => {});
        const system = this.#system(log);
        const backend = new Backend({ infrastructure, hostId, launcher, secret, system, faults, orphaned });
        this.#backend = backend;
        await this.#up(backend);
        await this.#mayEnd.promise;
      } finally {
        close();
        await infrastructure.close();
      }
    } finally {
      removeFolder(folder);
    }
  }

  /** The launcher has gone: ends the processes of the node, and removes the files. Idempotent. Rejects where a process cannot be ended. */
  abandon(): Promise<void> {
    this.#abandoned ??= this.#abandon();
    return this.#abandoned;
  }

  async #abandon(): Promise<void> {
    try {
      await this.#backend?.roles.close(ORPHANS_MS);
    } finally {
      removeLaunchers(this.#runFolder);
      removeFolder(this.#folder);
      this.#mayEnd.resolve();
    }
  }

  /** A launcher whose answer does not arrive may have started processes here already. */
  async #up(backend: Backend): Promise<void> {
    try {
      await backend.start();
    } catch (error) {
      await backend.roles.close(ORPHANS_MS);
      throw error;
    }
  }

  get #logger(): Logger | undefined {
    return this.#backend?.roles.logging.logger('node');
  }

  #system(log: Logger): NodeSystem {
    const { version, node, sharedBy, run, key, listen, advertisedHost, launcher, store, tls, environment, logLevel } =
      this.#start;
    const cpus = Math.max(1, Math.floor(usableParallelism() / sharedBy));
    return {
      pid: process.pid,
      cpus,
      version,
      candidates: store === undefined ? 1 : CANDIDATES,
      topology: ownTopology(),
      startProcess: (spec, identity, output) =>
        startManaged({
          spec,
          identity,
          output,
          scheduler: this.#scheduler,
          start: this.#start,
          folder: this.#folder,
          cpus,
          log,
        }),
      startGlobalServices: ({ address, index, nodes }, secret) => {
        const start: GlobalServicesStart = {
          role: 'global-services',
          nodeAddress: address,
          nodeIndex: index,
          nodes,
          node,
          version,
          run,
          folder: this.#folder,
          key,
          listen,
          advertisedHost,
          launcher,
          secret,
          store,
          tls,
          environment,
          logLevel,
        };
        return startProcess({ url: roleProgram(), name: `millrace ${run} global services`, start }, this.#scheduler);
      },
      kill: () => process.kill(process.pid, 'SIGKILL'),
      endProcess: () => this.#mayEnd.resolve(),
    };
  }
}

function ownTopology(): v1.NodeTopologyInit {
  const system = machineProvider({});
  return { text: formatSystem(system), json: JSON.stringify(system) };
}

/** The main module of the processes that have a role. */
export function roleProgram(): URL {
  const need = 'The processes of a run have a program of their own.';
  return pathToFileURL(packageFile('dist/actors/services/programs/role.js', need));
}
