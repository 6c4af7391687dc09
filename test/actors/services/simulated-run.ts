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
  type NodeSystem,
  type StepEvent,
} from '#src/actors/services/index.js';
import type { ActorRef } from '#src/actors/kernel/index.js';
import { Deferred } from '#src/deferred.js';
import { globalServicesInputCUid, shepherdCUid } from '#src/ids/index.js';
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
}

export interface SimulatedGuest extends Pick<Execution, 'ended' | 'kill'> {
  /** Of the process that has asked to join. */
  readonly asks: Infrastructure;
  readonly guests: ActorRef<typeof v1.Guests>;
  readonly hostId: bigint;
}

/** Processes ignore SIGTERM where `isDeaf`. */
export class SimulatedRun {
  readonly scheduler: VirtualScheduler;
  readonly network: MemoryNetwork;
  readonly log = memoryLogger();
  readonly events: StepEvent[] = [];
  readonly output: string[] = [];
  readonly processes: SimulatedProcess[] = [];
  readonly alive = new Set<string>();
  frames = 0;
  isDeaf = false;
  readonly #options: SimulatedOptions;
  readonly #closing: Promise<unknown>[] = [];
  readonly #asking: Infrastructure[] = [];
  /** Address of global services. */
  services = '';
  #launcher: Launcher | undefined;
  #infrastructure: Infrastructure | undefined;
  #pids = 100;

  constructor(options: SimulatedOptions) {
    this.#options = options;
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
    this.#launcher = new Launcher({
      infrastructure,
      run: 'run',
      hosts: Array.from({ length: this.#options.nodes }, (_, index) => ({ node: `node-${index}`, host: '' })),
      execute: (start) => this.#execute(start),
      display: {
        output: (node, { process, text }) =>
          void this.output.push(`${node} ${process}: ${Buffer.from(text).toString()}`),
        ended: (node) => void this.output.push(`${node} ended`),
        record: () => {},
        progress: () => {},
      },
      faults: this.#faults,
      version: VERSION,
      kill: () => this.network.crash('launcher'),
      trace: (event) => this.events.push(event),
    });
    return this.#launcher;
  }

  crash(node: number): void {
    this.network.crash(`node-${node}`);
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
    await guests.admit({ hostId, node: name });
    const execution = this.#execute({ index, host: { node: name, host: '' }, hostId, launcher: address });
    this.#asking.push(asks);
    return { guests, asks, hostId, ended: execution.ended, kill: () => execution.kill() };
  }

  #execute(start: BackendStart): Execution {
    const { host, hostId, launcher, index } = start;
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
      backend = new Backend({ infrastructure, hostId, launcher, system, faults: this.#faults, orphaned });
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

  #executeGlobalServices(primary: string): Execution {
    const ended = new Deferred<Ending>();
    const end = (cause: string): void => {
      this.alive.delete('global-services');
      ended.resolve({ isClean: false, cause });
    };
    const run = async (): Promise<void> => {
      const infrastructure = await this.#open('services', 'global-services', () => end('it was ended by SIGKILL'));
      this.alive.add('global-services');
      this.services = infrastructure.address;
      const { nodes } = this.#options;
      const endProcess = (): void => {
        end('it ended with exit code 0');
        this.#closing.push(infrastructure.close());
      };
      const services = new GlobalServices({
        infrastructure,
        primary,
        controlPlane: infrastructure.address,
        launcher: this.#infrastructure?.address ?? '',
        nodes,
        endProcess,
      });
      infrastructure.spawn(services.behavior(), { name: 'global-services', cUid: globalServicesInputCUid });
      const place = { address: infrastructure.address, controlPlane: 'none', pid: 1 };
      await infrastructure.reference(v1.Shepherd, primary, shepherdCUid(0)).globalServicesUp(place);
    };
    run().catch((error: unknown) => end(`it threw ${String(error)}`));
    const kill = (): void => {
      if (this.alive.has('global-services')) this.network.crash('services');
    };
    return { place: 'virtual process of global services', threadId: undefined, ended: ended.promise, end: kill, kill };
  }

  #system(index: number, endProcess: () => void): NodeSystem {
    return {
      pid: index + 1,
      cpus: 1,
      version: this.#options.versionOf?.(index) ?? VERSION,
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
          if (!this.isDeaf || signal === 'SIGKILL') end({ signal });
        };
        return { pid: this.#pids++, ended: ended.promise, signal };
      },
      startGlobalServices: ({ address }) => this.#executeGlobalServices(address),
      kill: () => this.crash(index),
      endProcess,
    };
  }
}
