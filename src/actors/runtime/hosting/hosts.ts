import { limits } from '../../../limits.js';
import type { Logger } from '../../../logging/index.js';
import type { Ref } from '../../../protocol/index.js';
import { type Execution, startProcess, startThread } from '../../../resources/execution/index.js';
import { hostOf, type PartitionPlan, type System } from '../../../resources/index.js';
import type { Scheduler } from '../../../scheduler/index.js';
import { type ControlPlaneClient, spawnerHostName } from '../../control-plane/index.js';
import type { ExternalTransports } from '../external-transports.js';
import type { PartitionRuntime } from '../partition-runtime.js';
import type { PartitionView } from '../partition-view.js';
import type { InterceptorElsewhere } from '../segment-interceptor.js';
import { HeldActors } from './held-actors.js';
import { PartitionHost } from './host.js';
import { partitionProgram } from './partition-program.js';
import type { PartitionStart, Placement } from './start.js';

export interface HostsOptions {
  readonly placement: Exclude<Placement, 'inline'>;
  readonly system: System;
  /** Ends what a hosted partition has left of its transports. */
  readonly external: ExternalTransports;
  /** The plans of the partitions to host. */
  readonly plans: readonly PartitionPlan[];
  /** The partition of the hosts' actors, on this event loop. */
  readonly first: PartitionRuntime;
  readonly scheduler: Scheduler;
  readonly log: Logger;
  readonly client: () => ControlPlaneClient;
  /** Channel of the actor that serves the contexts of actors in hosted partitions. */
  readonly contextCallsCUid: bigint;
  /** The start data that all of them share. */
  readonly start: Omit<PartitionStart, 'launch' | 'name' | 'plan' | 'hostPartition' | 'host' | 'interceptor'>;
  readonly interceptor: InterceptorElsewhere | undefined;
  /** Begins the names of its actor systems. */
  readonly systemName: string;
  readonly partitionProgram: string | URL | undefined;
}

/** The partitions of a runtime that run on threads or in child processes. */
export class PartitionHosts {
  readonly #hosts: readonly PartitionHost[];
  readonly #options: HostsOptions;
  readonly #program: URL;
  readonly #held: HeldActors;

  constructor(options: HostsOptions) {
    this.#options = options;
    this.#program = partitionProgram(options.partitionProgram);
    const { plans, first, scheduler, log, client, contextCallsCUid, start, external } = options;
    const running = (ordinal: number) => this.#hosts.find((host) => host.ordinal === ordinal);
    const held = new HeldActors({ system: first.system, scheduler, log, partition: running });
    this.#held = held;
    this.#hosts = plans.map(
      (plan) =>
        new PartitionHost({
          index: plan.index,
          system: first.system,
          scheduler,
          log,
          client,
          contextCallsCUid,
          held,
          wedgedMs: start.links.linkDeadMs ?? limits.linkDeadMs,
          stopTimeoutMs: start.kernelLimits.stopTimeoutMs ?? limits.stopTimeoutMs,
          interceptorFailed: (message) => options.interceptor?.failed(message),
          execute: (launch, cUid) => this.#execute(plan, launch, cUid),
          cleanUp: ({ threadId }, address) => external.sweep(address, threadId),
          abandon: ({ threadId }, address) => {
            if (threadId !== undefined) external.silence(threadId);
            external.abandon(address);
          },
        }),
    );
  }

  /** The partitions that are running. */
  get ordinals(): readonly number[] {
    return this.#hosts.flatMap(({ ordinal }) => (ordinal === undefined ? [] : [ordinal]));
  }

  views(): readonly PartitionView[] {
    return this.#hosts.flatMap(({ view }) => (view === undefined ? [] : [view]));
  }

  /** Sentences about those that take no work: busy, wedged or gone. */
  problems(): readonly string[] {
    return this.#hosts.flatMap(({ problem }) => (problem === undefined ? [] : [problem]));
  }

  /** Each has failed more often than it is started anew. */
  get areAllGoneForGood(): boolean {
    return this.#hosts.length > 0 && this.#hosts.every(({ isGoneForGood }) => isGoneForGood);
  }

  /** One that is hosted here and does not answer. */
  isSilent(ordinal: number): boolean {
    return this.#hosts.some((host) => host.ordinal === ordinal && !host.isResponsive);
  }

  /** A segment or placed actor was told to stop. A partition that hangs until long after that is ended, and begins anew. */
  stopping(ordinal: number, segment: number): void {
    this.#hosts.find((host) => host.ordinal === ordinal)?.stopping(segment);
  }

  gone(segment: number): void {
    for (const host of this.#hosts) host.gone(segment);
  }

  /** The segments manager of a hosted partition, if it is running. */
  segmentsManager(ordinal: number): Ref | undefined {
    return this.#hosts.find((host) => host.ordinal === ordinal)?.segmentsManager;
  }

  /** The spawners of the hosted partitions that are running. */
  spawners(): readonly { readonly ordinal: number; readonly index: number; readonly spawner: Ref }[] {
    return this.#hosts.flatMap(({ ordinal, index, spawner }) =>
      ordinal === undefined || spawner === undefined ? [] : [{ ordinal, index, spawner }],
    );
  }

  /** Starts all in parallel; resolves when all have started. Rejects with the first failure. */
  async start(): Promise<void> {
    const { client, first } = this.#options;
    await client().registerName(spawnerHostName(first.ordinal), this.#held.actor.toRef());
    await Promise.all(this.#hosts.map((host) => host.start()));
  }

  async refresh(): Promise<void> {
    await Promise.all(this.#hosts.map((host) => host.refresh()));
  }

  async drain(): Promise<void> {
    await Promise.all(this.#hosts.map((host) => host.drain()));
  }

  /** The runtime was told to stop, and may wait for the work of its partitions. */
  stopBegins(): void {
    for (const host of this.#hosts) host.stopBegins();
  }

  /** The runtime begins to end: a partition that ends does not begin anew. */
  leave(): void {
    for (const host of this.#hosts) host.leave();
  }

  async stopSegments(): Promise<void> {
    await Promise.all(this.#hosts.map((host) => host.stopSegments()));
  }

  /** Resolves to the number of those that have not stopped in order since the runtime was told to stop. */
  async stop(handlerTimeoutMs?: number): Promise<number> {
    const haveStopped = await Promise.all(this.#hosts.map((host) => host.stop(handlerTimeoutMs)));
    return haveStopped.filter((hasStopped) => !hasStopped).length;
  }

  async kill(): Promise<void> {
    await Promise.all(this.#hosts.map((host) => host.kill()));
  }

  #execute(plan: PartitionPlan, launch: string, cUid: bigint): Execution {
    const { placement, start, first, system, systemName, external, interceptor: elsewhere } = this.#options;
    const name = `${systemName}-${plan.index}`;
    const host = { address: first.address, cUid };
    const settings = elsewhere?.settings();
    const interceptor = elsewhere && settings !== undefined ? { url: elsewhere.url, settings } : undefined;
    const given = { ...start, launch, name, plan, hostPartition: hostOf(system, plan), host, interceptor };
    const program = { url: this.#program, name: `millrace-partition-${plan.index}`, start: given };
    return placement === 'thread'
      ? startThread(program, (threadId) => external.silence(threadId))
      : startProcess(program, this.#options.scheduler);
  }
}
