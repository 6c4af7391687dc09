/** A run of `millrace up` on the pseudo-network and virtual time: the same roles, and processes that are promises. */
import {
  Backend,
  type BackendStart,
  FaultPoints,
  GlobalServices,
  guestsCUid,
  hostIdOf,
  Infrastructure,
  Launcher,
  type NodeIdentity,
  type NodeSystem,
  type StepEvent,
  type Term,
} from '#src/actors/services/index.js';
import { MemoryStore, MemoryStoreContent } from '#src/cluster-store/index.js';
import { Election } from '#src/actors/control-plane/index.js';
import type { ActorRef } from '#src/actors/kernel/index.js';
import { Deferred } from '#src/deferred.js';
import { UnreachableError } from '#src/errors.js';
import { globalServicesInputCUid, loggingServiceCUid, shepherdCUid } from '#src/ids/index.js';
import { memoryLogger } from '#src/logging/index.js';
import { v1 } from '#src/protocol/index.js';
import type { Ending, Execution } from '#src/resources/execution/index.js';
import { VirtualScheduler } from '#src/scheduler/index.js';
import { MemoryNetwork } from '#src/transport/memory/index.js';

export const VERSION = '1.0.0';

export interface SimulatedProcess {
  readonly spec: v1.ProcessToStart;
  readonly node: number;
  /** Ends it by itself. */
  exit(code: number): void;
  write(text: string): Promise<void>;
}

export interface SimulatedOptions {
  readonly nodes: number;
  readonly faults?: string;
  readonly seed?: number;
  readonly versionOf?: (node: number) => string;
  /** Default: those that the launcher makes. */
  readonly hostIds?: readonly bigint[];
  /** The run has a cluster store, so that its first nodes have global services. */
  readonly hasStore?: boolean;
  /** Of the store. Default: it is empty. */
  readonly content?: MemoryStoreContent;
}

/** Nodes with global services in a run with a store. */
const CANDIDATES = 3;

export interface SimulatedGuest extends Pick<Execution, 'ended' | 'kill'> {
  /** Of the process that has asked to join. */
  readonly asks: Infrastructure;
  readonly guests: ActorRef<typeof v1.Guests>;
  readonly hostId: bigint;
}

/** Each key in `failing` makes one write fail. */
class FaultyStore extends MemoryStore {
  readonly #failing: string[];

  constructor(content: MemoryStoreContent, scheduler: VirtualScheduler, failing: string[]) {
    super(content, scheduler);
    this.#failing = failing;
  }

  protected override write(key: string, value: Uint8Array, expectedRevision: number | undefined) {
    const index = this.#failing.indexOf(key);
    if (index < 0) return super.write(key, value, expectedRevision);
    this.#failing.splice(index, 1);
    return Promise.reject(new UnreachableError('The store is out of reach.'));
  }
}

/** Processes ignore SIGTERM where `isDeaf`. */
export class SimulatedRun {
  readonly scheduler: VirtualScheduler;
  readonly network: MemoryNetwork;
  readonly log = memoryLogger();
  readonly events: StepEvent[] = [];
  readonly output: string[] = [];
  readonly records: string[] = [];
  readonly processes: SimulatedProcess[] = [];
  readonly alive = new Set<string>();
  frames = 0;
  isDeaf = false;
  /** The process of that name takes no signal. */
  refusing = '';
  /** Writes to the cluster store that will fail, by their keys. */
  readonly failing: string[] = [];
  readonly #options: SimulatedOptions;
  readonly #closing: Promise<unknown>[] = [];
  readonly #asking: Infrastructure[] = [];
  /** Address of global services. */
  services = '';
  #launcher: Launcher | undefined;
  #infrastructure: Infrastructure | undefined;
  readonly #content: MemoryStoreContent;
  #pids = 100;

  constructor(options: SimulatedOptions) {
    this.#options = options;
    this.#content = options.content ?? new MemoryStoreContent();
    this.scheduler = new VirtualScheduler({ seed: options.seed ?? 7 });
    this.network = new MemoryNetwork({
      scheduler: this.scheduler,
      latencyMs: 1,
      trace: (line) => {
        if (line.includes(' sent ')) this.frames += 1;
      },
    });
  }

  get launcher(): Launcher {
    if (this.#launcher === undefined) throw new Error('The launcher was not opened.');
    return this.#launcher;
  }

  get launcherAddress(): string {
    return this.#infrastructure?.address ?? '';
  }

  async open(): Promise<Launcher> {
    const infrastructure = await this.#open('launcher', 'launcher', () => {});
    this.#infrastructure = infrastructure;
    const { hostIds } = this.#options;
    this.#launcher = new Launcher({
      infrastructure,
      run: 'run',
      hosts: Array.from({ length: this.#options.nodes }, (_, index) => ({ node: `node-${index}`, host: '' })),
      ...(hostIds && { hostIdOf: ({ node }) => hostIds[Number(node.slice('node-'.length))] ?? 0n }),
      execute: (start) => this.#execute(start),
      display: {
        output: (node, { process, text }) =>
          void this.output.push(`${node} ${process}: ${Buffer.from(text).toString()}`),
        ended: (node) => void this.output.push(`${node} ended`),
        record: (node, { message }) => void this.records.push(`${node}: ${message}`),
        progress: () => {},
      },
      faults: this.#faults,
      version: VERSION,
      hasStore: this.#options.hasStore ?? false,
      kill: () => this.network.crash('launcher'),
      trace: (event) => this.events.push(event),
    });
    return this.#launcher;
  }

  crash(node: number): void {
    this.network.crash(`node-${node}`);
  }

  /** The logging service of a node. */
  logging(node: number): ActorRef<typeof v1.LoggingService> {
    const address = this.launcher.describe().nodes?.[node]?.address ?? '';
    if (this.#infrastructure === undefined) throw new Error('The launcher was not opened.');
    return this.#infrastructure.reference(v1.LoggingService, address, loggingServiceCUid(node));
  }

  /** kill -9 of the global services of a node. They can be started there again. */
  crashServices(node: number): void {
    this.network.crash(`services-${node}`);
    this.network.restart(`services-${node}`);
  }

  /** A process that has the key of the run, and is none of its parts. */
  async stranger(): Promise<Infrastructure> {
    const asks = await this.#open('stranger', 'asks', () => {});
    this.#asking.push(asks);
    return asks;
  }

  async close(): Promise<void> {
    await this.#infrastructure?.close();
    await Promise.all([...this.#closing, ...this.#asking.map((asks) => asks.close())]);
    this.scheduler.close();
  }

  get #faults(): FaultPoints {
    return FaultPoints.parse(this.#options.faults ?? '');
  }

  #open(node: string, process: string, crashed: () => void): Promise<Infrastructure> {
    const { scheduler, log } = this;
    const transport = this.network.transport({ node, process, crashed });
    return Infrastructure.open({ name: `${node}-${process}`, transport, scheduler, log });
  }

  /** A host joins the run: it is admitted as a guest, and has a backend. Its processes are those of node `index`. */
  async join(name: string, index: number): Promise<SimulatedGuest> {
    const asks = await this.#open(name, 'asks', () => {});
    const address = this.#infrastructure?.address ?? '';
    const guests = asks.reference(v1.Guests, address, guestsCUid);
    const hostId = hostIdOf(name, name, 'run');
    const secret = `secret of ${name}`;
    await guests.admit({ hostId, node: name, secret });
    const execution = this.#execute({ index, host: { node: name, host: '' }, hostId, launcher: address, secret });
    this.#asking.push(asks);
    return { guests, asks, hostId, ended: execution.ended, kill: () => execution.kill() };
  }

  #execute(start: BackendStart): Execution {
    const { host, hostId, launcher, index, secret } = start;
    const ended = new Deferred<Ending>();
    const closed = (cause: string, isClean = true): void => {
      this.alive.delete(host.node);
      ended.resolve({ isClean, cause });
    };
    let backend: Backend | undefined;
    let end = (): void => {};
    const orphaned = (): void => void backend?.roles.close(0).then(end);
    this.alive.add(host.node);
    const run = async (): Promise<void> => {
      const infrastructure = await this.#open(host.node, 'node', () => closed('it was ended by SIGKILL', false));
      end = (): void => {
        closed('it ended with exit code 0');
        this.#closing.push(infrastructure.close());
      };
      const system = this.#system(index, end);
      backend = new Backend({ infrastructure, hostId, launcher, secret, system, faults: this.#faults, orphaned });
      await backend.start();
    };
    run().catch((error: unknown) => closed(`it threw ${String(error)}`, false));
    const kill = (): void => {
      if (this.alive.has(host.node)) this.network.crash(host.node);
    };
    return {
      place: `virtual process ${index}`,
      threadId: undefined,
      ended: ended.promise,
      end: () => {
        if (backend === undefined) kill();
        else orphaned();
      },
      kill,
    };
  }

  #executeGlobalServices({ index, address: node }: NodeIdentity, secret: string): Execution {
    const ended = new Deferred<Ending>();
    const name = index === 0 ? 'global-services' : `global-services-${index}`;
    const place = `services-${index}`;
    const end = (cause: string): void => {
      this.alive.delete(name);
      ended.resolve({ isClean: false, cause });
    };
    const run = async (): Promise<void> => {
      const leaving: { abandon(): void }[] = [];
      const infrastructure = await this.#open(place, 'global-services', () => {
        for (const part of leaving) part.abandon();
        end('it was ended by SIGKILL');
      });
      this.alive.add(name);
      const shepherd = infrastructure.reference(v1.Shepherd, node, shepherdCUid(index));
      const endProcess = (): void => {
        end('it ended with exit code 0');
        for (const part of leaving) part.abandon();
        this.#closing.push(infrastructure.close());
      };
      const serve = (term?: Term): Promise<unknown> => {
        const { address } = infrastructure;
        this.services = address;
        const { nodes } = this.#options;
        const launcher = this.#infrastructure?.address ?? '';
        const options = { infrastructure, primary: node, controlPlane: address, launcher, nodes, endProcess };
        const services = new GlobalServices({ ...options, ...(term && { term }) });
        infrastructure.spawn(services.behavior(), { name: 'global-services', cUid: globalServicesInputCUid });
        const place = { address, controlPlane: 'none', pid: 1, epoch: term?.epoch ?? 0n };
        return shepherd.globalServicesUp({ secret, place });
      };
      if (this.#options.hasStore !== true) return void (await serve());
      const { scheduler, log } = this;
      const store = new FaultyStore(this.#content, scheduler, this.failing);
      const election = new Election({ store, scheduler, log, leaseMs: 5_000 });
      leaving.push(store, election);
      const lease = new Deferred<bigint>();
      const { address } = infrastructure;
      election.start({
        address,
        elected: ({ epoch }) => lease.resolve(epoch),
        deposed: () => Promise.resolve(endProcess()),
      });
      await election.leaderBy(scheduler.now() + 20_000);
      if (election.leader?.address !== address) await shepherd.globalServicesStandBy({ secret });
      await serve({ epoch: await lease.promise, store, run: 'run' });
    };
    run().catch((error: unknown) => end(`it threw ${String(error)}`));
    const kill = (): void => {
      if (this.alive.has(name)) this.network.crash(place);
    };
    return { place: 'virtual process of global services', threadId: undefined, ended: ended.promise, end: kill, kill };
  }

  #system(index: number, endProcess: () => void): NodeSystem {
    return {
      pid: index + 1,
      cpus: 1,
      version: this.#options.versionOf?.(index) ?? VERSION,
      candidates: this.#options.hasStore === true ? CANDIDATES : 1,
      topology: { text: `machine of node ${index}`, json: '{}' },
      startProcess: (spec, node, output) => {
        const ended = new Deferred<Omit<v1.ProcessExitInit, 'pUid'>>();
        const name = `${spec.name}@${index}`;
        this.alive.add(name);
        const end = (exit: Omit<v1.ProcessExitInit, 'pUid'>): void => {
          this.alive.delete(name);
          ended.resolve(exit);
        };
        this.processes.push({
          spec,
          node: node.index,
          exit: (code) => end({ code }),
          write: (text) => output({ pUid: spec.pUid, process: spec.name, text: Buffer.from(text) }),
        });
        const signal = (signal: string): void => {
          if (spec.name === this.refusing) throw new Error('that is not permitted');
          if (!this.isDeaf || signal === 'SIGKILL') end({ signal });
        };
        return { pid: this.#pids++, ended: ended.promise, signal };
      },
      startGlobalServices: (node, secret) => this.#executeGlobalServices(node, secret),
      kill: () => this.crash(index),
      endProcess,
    };
  }
}
