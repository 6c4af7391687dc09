import { ConfigError, type MillraceError, StoppedError } from '../../errors.js';
import { globalServicesInputCUid } from '../../ids/index.js';
import type { Logger } from '../../logging/index.js';
import { type AnyService, v1 } from '../../protocol/index.js';
import { machineProvider, type System, type SystemOptions, type SystemProvider } from '../../resources/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import type { Transport } from '../../transport/index.js';
import { ControlPlaneClient, controlPlaneServer } from '../control-plane/index.js';
import {
  type ActorRef,
  type Behavior,
  behavior,
  type DeadLetters,
  type Failure,
  type KernelLimits,
  type SpawnOptions,
  type Subscribable,
  type UntypedRef,
} from '../kernel/index.js';
import type { RouterOptions } from '../transport/index.js';
import { PartitionRuntime } from './partition-runtime.js';
import type { Pipeline } from './pipeline.js';
import { FollowedPipeline, type PipelineRun } from './pipeline-run.js';
import { PipelinesManager } from './pipelines-manager.js';
import { SegmentFollower } from './segment-follower.js';

export interface RuntimeOptions {
  /** Name of the node. Default `node-0`. */
  readonly node?: string;
  /** Name of the process. Default `process-0`. */
  readonly name?: string;
  readonly system?: SystemOptions;
  readonly provider?: SystemProvider;
  /** Address of a control plane to join. Default: this runtime serves one. */
  readonly controlPlane?: string;
  readonly kernelLimits?: Partial<KernelLimits>;
  readonly linkLimits?: RouterOptions['limits'];
  /** What each writer of a port may send ahead of its reader. */
  readonly streamWindow?: { readonly items?: number; readonly bytes?: number };
}

/** What an Executor gives to each of its runtimes. */
export interface RuntimeEnvironment {
  readonly scheduler: Scheduler;
  readonly log: Logger;
  /** Unique for each runtime of the executor. */
  readonly launch: string;
  readonly isLossy: boolean;
  transport(partition: number): Transport;
}

export interface RunOptions<Args> {
  readonly args?: Args;
  /** Instances of a segment, where not as declared. */
  readonly instances?: Readonly<Record<string, number>>;
  /** Ordinals of the partitions that a segment may run in. */
  readonly partitions?: Readonly<Record<string, readonly number[]>>;
}

/**
 * One process of the cluster, real or virtual: its partitions, its arm of the control plane, and the control plane itself where it
 * serves it. Made by `Runtime.start` for a process of its own, by an Executor for several in one.
 */
export class Runtime {
  readonly node: string;
  readonly name: string;
  readonly system: System;
  readonly #environment: RuntimeEnvironment;
  readonly #log: Logger;
  readonly #partitions: readonly PartitionRuntime[];
  readonly #first: PartitionRuntime;
  readonly #follower: SegmentFollower;
  readonly #runs = new Set<FollowedPipeline>();
  readonly #servesControlPlane: boolean;
  readonly #lostListeners: ((error: MillraceError) => void)[] = [];
  #client: ControlPlaneClient | undefined;
  #pipelines: PipelinesManager | undefined;
  #controlPlane = '';
  #stopping: Promise<void> | undefined;

  /** For Executors; it does not start anything. */
  constructor(environment: RuntimeEnvironment, options: RuntimeOptions = {}) {
    const { node = 'node-0', name = 'process-0', provider = machineProvider } = options;
    this.node = node;
    this.name = name;
    this.system = provider(options.system ?? {});
    this.#environment = environment;
    this.#log = environment.log.child({ node, process: name });
    this.#partitions = this.system.partitions.map((plan) => this.#createPartition(plan.index, options));
    this.#first = first(this.#partitions);
    this.#follower = new SegmentFollower(environment.scheduler, this.#log);
    this.#servesControlPlane = options.controlPlane === undefined;
  }

  /** Address at which others join this runtime's control plane; of the one it joined where it serves none. */
  get controlPlane(): string {
    return this.#controlPlane;
  }

  get pUid(): bigint {
    return this.#joined.pUid;
  }

  get ordinals(): readonly number[] {
    return this.#partitions.map((partition) => partition.ordinal);
  }

  get isConnected(): boolean {
    return this.#client?.isConnected === true;
  }

  /** Actors without a parent that failed for good, in the first partition. */
  get failures(): Subscribable<Failure> {
    return this.#first.system.failures;
  }

  get deadLetters(): DeadLetters {
    return this.#first.system.deadLetters;
  }

  /** Starts everything, in the order of the bring-up: links, control plane, client, partitions. For Executors. */
  async start(controlPlane?: string): Promise<this> {
    try {
      for (const partition of this.#partitions) {
        await partition.listen();
      }
      await this.#join(controlPlane ?? this.#serve());
      this.#log.info('runtime is up', { partitions: this.ordinals.join(','), controlPlane: this.#controlPlane });
      return this;
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  // ---- what users call

  /** Starts an actor in this process's first partition; `register: true` enters its name in the cluster's registry. */
  spawn<S extends AnyService, T>(
    definition: Behavior<S, T>,
    options: SpawnOptions & { readonly register?: boolean } = {},
  ): ActorRef<S> {
    const { register = false, name, ...rest } = options;
    if (register && name === undefined) {
      throw new ConfigError(
        'An actor that is to be registered needs a name: spawn(behavior, { name, register: true }).',
      );
    }
    const ref = this.#first.system.spawn(definition, { ...rest, ...(name === undefined ? {} : { name }) });
    if (register && name !== undefined) {
      this.register(name, ref).catch((error: unknown) =>
        this.#log.error('a name was not registered', { name, error: String(error) }),
      );
    }
    return ref;
  }

  /** Enters an actor under a name that every process of the cluster can look up. ConfigError when another has it. */
  register(name: string, ref: UntypedRef): Promise<void> {
    return this.#joined.registerName(name, ref.toRef());
  }

  unregister(name: string, ref: UntypedRef): Promise<void> {
    return this.#joined.unregisterName(name, ref.toRef().cUid);
  }

  /** The actor under a name, anywhere in the cluster; waits until it appears. AskTimeoutError at the deadline, 5 s by default. */
  async lookup<S extends AnyService>(
    service: S,
    name: string,
    options: { readonly timeoutMs?: number } = {},
  ): Promise<ActorRef<S>> {
    const ref = await this.#joined.lookup(name, service.typeName, options.timeoutMs ?? 5_000);
    return this.#first.system.reference(service, ref);
  }

  /** Stops an actor of this process; resolves when it and its children are gone. */
  stopActor(ref: UntypedRef): Promise<void> {
    return this.#first.system.stop(ref);
  }

  /** Runs a pipeline on the partitions of the cluster. ConfigError before anything starts when its definition is wrong. */
  async run<Args>(pipeline: Pipeline<Args>, options: RunOptions<Args> = {}): Promise<PipelineRun> {
    const client = this.#joined;
    const { hash, declared } = this.#first.definitions.add(pipeline, options.args ?? {});
    const mapping = mappingOf(declared.segments, options);
    const isFar = this.#partitions.length > 1 || !this.#servesControlPlane || this.#hasOthers();
    if (pipeline.url === undefined && isFar) {
      throw new ConfigError(
        `Pipeline "${pipeline.name}" has no module URL, so it runs in one partition only: declare it with import.meta.url.`,
      );
    }
    await client.registerDefinition(declared.definition);
    const run = new FollowedPipeline(client, await client.startPipeline(hash, mapping), pipeline.name);
    this.#runs.add(run);
    for (const resource of client.resources()) {
      run.changed(resource);
    }
    const forget = (): boolean => this.#runs.delete(run);
    run.done.then(forget, forget);
    return run;
  }

  /** Called once when the control plane cannot be reached any more. */
  onLost(listener: (error: MillraceError) => void): void {
    this.#lostListeners.push(listener);
  }

  describe(): v1.RuntimeDescriptionInit {
    return {
      pUid: this.#client?.pUid ?? 0n,
      node: this.node,
      name: this.name,
      partitions: this.#partitions.map((partition) => v1.PartitionDescription.create(partition.describe())),
      servesControlPlane: this.#servesControlPlane,
      isConnected: this.isConnected,
    };
  }

  /** Counters that are 0 when nothing is left: held by tests after each stop. */
  get leftovers(): { readonly actors: number; readonly pendingAsks: number; readonly links: number } {
    let left = { actors: 0, pendingAsks: 0, links: 0 };
    for (const { system, router } of this.#partitions) {
      const { actors, pendingAsks } = system.statistics;
      left = {
        actors: left.actors + actors,
        pendingAsks: left.pendingAsks + pendingAsks,
        links: left.links + [...router.channels()].length,
      };
    }
    return left;
  }

  /** The process is gone: its code ends, and nobody is told. For Executors. */
  crash(error: MillraceError): void {
    this.#stopping ??= this.#abandon(error);
  }

  /** Stops everything, children first: segments, then the tie to the control plane, then partitions and links. Idempotent. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  // ---- bring-up

  #createPartition(
    index: number,
    { kernelLimits = {}, linkLimits = {}, streamWindow = {} }: RuntimeOptions,
  ): PartitionRuntime {
    const { scheduler, isLossy } = this.#environment;
    const plan = this.system.partitions[index];
    if (plan === undefined) {
      throw new ConfigError(`There is no partition ${index}.`);
    }
    const name = `${this.#environment.launch}-${index}`;
    return new PartitionRuntime({
      name,
      plan,
      scheduler,
      transport: this.#environment.transport(index),
      isLossy,
      log: this.#log.child({ partition: index }),
      kernelLimits,
      linkLimits,
      streamWindow,
    });
  }

  #serve(): string {
    this.#first.system.spawn(controlPlaneServer(), { name: 'control-plane', cUid: globalServicesInputCUid });
    return this.#first.address;
  }

  async #join(controlPlane: string): Promise<void> {
    this.#controlPlane = controlPlane;
    const { system, router } = this.#first;
    const { scheduler, launch } = this.#environment;
    const server = system.referenceTo(v1.ControlPlane, router.routeTo(controlPlane, globalServicesInputCUid));
    const client = new ControlPlaneClient(system, scheduler, server, this.#log, {
      changed: (resource) => this.#changed(resource),
      removed: (id) => this.#removed(id),
      progress: (progress) => this.#runs.forEach((run) => run.heard(progress)),
      lost: (error) => this.#lost(error),
    });
    this.#client = client;
    await client.connect({ launch, node: this.node, name: this.name, managesPipelines: this.#servesControlPlane });
    const ordinals = await client.registerPartitions(this.#partitions.map((partition) => partition.address));
    this.#partitions.forEach((partition, index) => this.#joinPartition(partition, ordinals[index], client));
    system.spawn(this.#behavior(), { name: 'runtime' });
    if (this.#servesControlPlane) {
      this.#pipelines = new PipelinesManager(system, () => client);
      system.spawn(this.#pipelines.behavior(), { name: 'pipelines-manager' });
    }
    await client.activate(this.#partitions.map((partition) => partition.segmentsManager.toRef()));
  }

  /** Partitions but the first have no control plane client of their own: they ask the process's, over a link. */
  #joinPartition(partition: PartitionRuntime, ordinal: number | undefined, client: ControlPlaneClient): void {
    if (ordinal === undefined) {
      throw new StoppedError('The control plane gave fewer ordinals than there are partitions.');
    }
    if (partition === this.#first) {
      partition.join(
        ordinal,
        (other) => client.locate(other),
        () => client.actor,
      );
      return;
    }
    const clientRef = (): ActorRef<typeof v1.ControlPlaneClient> =>
      partition.system.referenceTo(
        v1.ControlPlaneClient,
        partition.router.routeTo(this.#first.address, client.actor.toRef().cUid),
      );
    partition.join(
      ordinal,
      (other) =>
        clientRef()
          .locate({ ordinal: other })
          .then(({ address }) => address),
      clientRef,
    );
  }

  #behavior() {
    return behavior(v1.Runtime, {
      supervision: { onFailure: 'resume' },
      describe: () => this.describe(),
      stop: () => {
        this.#environment.scheduler.scheduleYield(() => void this.stop());
        return {};
      },
    });
  }

  // ---- what the control plane tells

  #changed(resource: v1.Resource): void {
    const { detail } = resource;
    if (detail.case === 'segment') {
      const partition = this.#partitions.find(({ ordinal }) => ordinal === detail.value.partition);
      if (partition !== undefined) {
        this.#follower.follow(
          this.#first.system.reference(v1.SegmentsManager, partition.segmentsManager.toRef()),
          resource,
          detail.value,
        );
      }
    }
    this.#pipelines?.changed(resource);
    for (const run of this.#runs) {
      run.changed(resource);
    }
  }

  #removed(id: number): void {
    this.#follower.forget(id);
    this.#pipelines?.removed(id);
    for (const run of this.#runs) {
      run.removed(id);
    }
  }

  /** Cut off: what runs here belongs to no pipeline any more. */
  #lost(error: MillraceError): void {
    if (this.#stopping !== undefined) {
      return;
    }
    this.#log.error('the control plane is lost', { error: error.message });
    for (const run of this.#runs) {
      run.lost(error);
    }
    for (const partition of this.#partitions) {
      partition
        .stopSegments()
        .catch((failure: unknown) => this.#log.warn('segments did not stop', { error: String(failure) }));
    }
    for (const listener of this.#lostListeners) {
      listener(error);
    }
  }

  #hasOthers(): boolean {
    return [...this.#joined.resources()].some(
      ({ detail }) => detail.case === 'partition' && !this.ordinals.includes(detail.value.ordinal),
    );
  }

  get #joined(): ControlPlaneClient {
    if (this.#client === undefined) {
      throw new StoppedError('This runtime has not started.');
    }
    return this.#client;
  }

  async #abandon(error: MillraceError): Promise<void> {
    for (const run of this.#runs) {
      run.lost(error);
    }
    this.#client?.abandon(error);
    await Promise.all(this.#partitions.map((partition) => partition.close()));
  }

  async #stop(): Promise<void> {
    for (const run of this.#runs) {
      run.lost(new StoppedError('The runtime that started this pipeline has stopped.'));
    }
    await Promise.all(this.#partitions.map((partition) => partition.stopSegments()));
    await this.#client?.disconnect();
    for (const partition of this.#partitions.toReversed()) {
      await partition.close();
    }
    this.#log.info('runtime has stopped');
  }
}

function first(partitions: readonly PartitionRuntime[]): PartitionRuntime {
  const [partition] = partitions;
  if (partition === undefined) {
    throw new ConfigError('A runtime needs at least one partition.');
  }
  return partition;
}

function mappingOf<Args>(
  segments: ReadonlyMap<string, unknown>,
  { instances = {}, partitions = {} }: RunOptions<Args>,
): v1.MappingInit[] {
  const names = new Set([...Object.keys(instances), ...Object.keys(partitions)]);
  return [...names].map((segment) => {
    const count = instances[segment] ?? 0;
    if (!segments.has(segment)) {
      throw new ConfigError(`The pipeline has no segment "${segment}"; it has ${[...segments.keys()].join(', ')}.`);
    }
    if (instances[segment] !== undefined && (!Number.isInteger(count) || count < 1)) {
      throw new ConfigError(`Instances of segment "${segment}" is a whole number from 1; got ${count}.`);
    }
    return { segment, instances: count, partitions: partitions[segment] ?? [] };
  });
}
