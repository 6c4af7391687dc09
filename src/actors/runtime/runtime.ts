import type { Codable, MemoryPool, PoolOptions } from '../../descriptors/index.js';
import { ConfigError, type MillraceError, StoppedError } from '../../errors.js';
import { globalServicesInputCUid } from '../../ids/index.js';
import { limits } from '../../limits.js';
import { closableLogger, type Logger } from '../../logging/index.js';
import { type AnyService, v1 } from '../../protocol/index.js';
import { machineProvider, type System, type SystemResources } from '../../resources/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import { ControlPlaneClient, controlPlaneServer } from '../control-plane/index.js';
import {
  type ActorRef,
  type ActorSystem,
  type Behavior,
  type DeadLetters,
  type Failure,
  type SpawnOptions,
  type HasSystem,
  type Subscribable,
  systemKey,
  type UntypedRef,
} from '../kernel/index.js';
import type {
  ValuePublisher,
  ValuePublisherOptions,
  ValueSubscriber,
  ValueSubscriberOptions,
} from '../values/index.js';
import { ControlPlaneNews } from './control-plane-news.js';
import { withDecimalJson } from './decimal-json.js';
import { checkLookup, checkPool, checkReference, checkRegistration, checkRun, checkSpawn } from './given-arguments.js';
import type { Health } from './health.js';
import { type Leftovers, leftoversOf } from './leftovers.js';
import type { RuntimeMetrics } from './metrics.js';
import { Observer } from './observer.js';
import { RegisteredNames } from './registered-names.js';
import { joinedDeadLetters, mergedTopic } from './partition-topics.js';
import { Partitions } from './partitions.js';
import type { Pipeline } from './pipeline.js';
import type { PipelineRun } from './pipeline-run.js';
import { PipelineRuns, type RunOptions } from './pipeline-runs.js';
import { runtimeActor } from './runtime-actor.js';
import type { RuntimeEnvironment, RuntimeOptions } from './runtime-options.js';
import { stoppable } from './stoppable.js';
import { Stopping, type StopOptions, type StopReport } from './stopping.js';
import { openPublisher, openSubscriber } from './value-ports.js';

/**
 * One process of the cluster, real or virtual: its partitions, its control plane client, and possibly the control plane server. Created
 * by `Runtime.start`, or by an Executor, which runs several in one process.
 */
export class Runtime implements HasSystem {
  readonly node: string;
  readonly system: System;
  #name: string;
  readonly #environment: RuntimeEnvironment;
  readonly #log: Logger;
  readonly #silence: () => void;
  readonly #partitions: Partitions;
  readonly #news: ControlPlaneNews;
  readonly #runs: PipelineRuns;
  readonly #servesControlPlane: boolean;
  #client: ControlPlaneClient | undefined;
  #controlPlane = '';
  readonly #observer: Observer;
  readonly #stopping: Stopping;
  readonly #names: RegisteredNames;

  /** For Executors; does not start anything. */
  constructor(environment: RuntimeEnvironment, options: RuntimeOptions = {}) {
    const { node = 'node-0', name = 'process-0', provider = machineProvider } = options;
    this.node = node;
    this.#name = name;
    this.system = provider(options.system ?? {});
    this.#environment = environment;
    const { log, close } = closableLogger(environment.log.child({ node, process: name }));
    this.#log = log;
    this.#silence = close;
    for (const notice of this.system.notices) log.warn(notice);
    const { scheduler } = environment;
    const { stopTimeoutMs = limits.stopTimeoutMs } = options.kernelLimits ?? {};
    this.#runs = new PipelineRuns({ scheduler, stopTimeoutMs: stopTimeoutMs + limits.runStopGraceMs });
    this.#partitions = new Partitions(environment, this.system, this.#log, options, (pipeline, segment, error) =>
      this.#runs.threw(pipeline, segment, error),
    );
    this.#servesControlPlane = options.controlPlane === undefined;
    const parts = { scheduler, log: this.#log, partitions: this.#partitions, runs: this.#runs };
    this.#observer = new Observer(scheduler, this.#partitions, this.#runs);
    this.#stopping = new Stopping(
      stoppable({
        ...parts,
        client: () => this.#client,
        unregisterNames: () => this.#names.close(),
        closed: () => this.#observer.close(),
      }),
    );
    this.#names = new RegisteredNames(() => this.#joined, this.#log);
    this.#news = new ControlPlaneNews({ ...parts, isEnding: () => this.#stopping.isEnding });
  }

  /** Unique among the running processes of its node: has a suffix where another process has the requested name. */
  get name(): string {
    return this.#name;
  }

  /** Address of the control plane server, in this runtime or in the one that it has joined. */
  get controlPlane(): string {
    return this.#controlPlane;
  }

  /** The machine, and the resources of its partitions on this thread. */
  get resources(): SystemResources {
    return this.#partitions.resources;
  }

  get pUid(): bigint {
    return this.#joined.pUid;
  }

  get ordinals(): readonly number[] {
    return this.#partitions.ordinals;
  }

  /** True when it was told to stop, or has crashed. */
  get isStopping(): boolean {
    return this.#stopping.hasBegun;
  }

  /**
   * Aborted when this runtime is told to stop, for work that would not end by itself. The reason is a StoppedError.
   *
   *     for await (const tick of market.watch({ symbol }, { signal: runtime.draining })) show(tick);
   */
  get draining(): AbortSignal {
    return this.#stopping.draining;
  }

  /** The scheduler of everything in this runtime. */
  get scheduler(): Scheduler {
    return this.#environment.scheduler;
  }

  get isConnected(): boolean {
    return this.#client?.isConnected === true;
  }

  /** Failures that have stopped an actor without a parent, in any partition. */
  get failures(): Subscribable<Failure> {
    return mergedTopic(this.#partitions.here.map(({ system }) => system.failures));
  }

  get deadLetters(): DeadLetters {
    return joinedDeadLetters(this.#partitions.here.map(({ system }) => system.deadLetters));
  }

  /** Parent of nact actors that are spawned under this runtime. */
  get [systemKey](): ActorSystem {
    return this.#partitions.first.system;
  }

  /** The state of this runtime, for readiness and liveness probes. */
  health(): Health {
    const controlPlane = {
      address: this.#controlPlane,
      isServedHere: this.#servesControlPlane,
      isReachable: this.isConnected,
    };
    return this.#observer.health(this.#stopping.phase, controlPlane, this.#names.problems());
  }

  /** Counters since its start. Visits every actor: about 30 ms for a million. */
  metrics(): RuntimeMetrics {
    return this.#observer.metrics();
  }

  /** Starts everything, in this order: links, control plane server, client, partitions. For Executors. */
  async start(controlPlane?: string): Promise<this> {
    try {
      await this.#partitions.listen();
      await this.#join(controlPlane ?? this.#serve());
      this.#stopping.started();
      this.#log.debug('runtime is up', { partitions: this.ordinals.join(','), controlPlane: this.#controlPlane });
      return this;
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  // ---- for users

  /**
   * Starts an actor in this process's first partition. `register: true` enters its name in the cluster's registry; when another actor has the
   * name, that is logged and one of the `problems` of `health()`. To wait for it, call `register` instead.
   */
  spawn<S extends AnyService, T>(
    definition: Behavior<S, T>,
    options: SpawnOptions & { readonly register?: boolean } = {},
  ): ActorRef<S> {
    checkSpawn(options);
    const { register = false, name, ...rest } = options;
    if (register && name === undefined) {
      throw new ConfigError('An actor needs a name to be registered: spawn(behavior, { name, register: true }).');
    }
    const ref = this.#partitions.first.system.spawn(definition, { ...rest, ...(name === undefined ? {} : { name }) });
    if (register && name !== undefined) {
      this.#names.announce(name, ref);
    }
    return ref;
  }

  /**
   * Registers an actor under a name that every process of the cluster can look up, until the actor ends. Rejects with ConfigError when
   * another actor has the name.
   */
  async register(name: string, ref: UntypedRef): Promise<void> {
    checkRegistration(name, ref);
    return this.#names.register(name, ref);
  }

  async unregister(name: string, ref: UntypedRef): Promise<void> {
    checkRegistration(name, ref);
    return this.#names.unregister(name, ref);
  }

  /** The actor with a registered name, anywhere in the cluster. Waits until it is registered; rejects with AskTimeoutError at the deadline, 5 s by default. */
  async lookup<S extends AnyService>(
    service: S,
    name: string,
    options: { readonly timeoutMs?: number } = {},
  ): Promise<ActorRef<S>> {
    checkLookup(service, name, options);
    const ref = await this.#joined.lookup(name, service.typeName, options.timeoutMs ?? 5_000);
    return this.#partitions.first.system.reference(service, ref);
  }

  /** Stops an actor of this process; resolves when it and its children have stopped. */
  async stopActor(ref: UntypedRef): Promise<void> {
    checkReference('runtime.stopActor(ref)', ref);
    return this.#partitions.first.system.stop(ref);
  }

  /** Runs a pipeline on the partitions of the cluster. Rejects with ConfigError, before anything starts, for an invalid definition. */
  async run<Args>(pipeline: Pipeline<Args>, options: RunOptions<Args> = {}): Promise<PipelineRun> {
    checkRun(pipeline, options);
    this.#stopping.assertNotStarted(`Pipeline "${pipeline.name}"`);
    const isFar = !this.#partitions.isOne || !this.#servesControlPlane || this.#joined.knowsOthers(this.ordinals);
    return this.#runs.start(this.#joined, this.#partitions.first.definitions, pipeline, options, isFar);
  }

  /** A bounded pool of memory for large values in this process. It is closed when this runtime stops. Throws ConfigError for a wrong option. */
  createPool(options: PoolOptions = {}): MemoryPool {
    checkPool(options);
    this.#stopping.assertNotStarted('A pool');
    return this.#partitions.first.createPool(options);
  }

  /** Publishes values of any size under a name of the cluster. Rejects with ConfigError for a name that is taken, and for a wrong option. */
  async publisher<T>(
    name: string,
    codable: Codable<T>,
    options: ValuePublisherOptions = {},
  ): Promise<ValuePublisher<T>> {
    this.#stopping.assertNotStarted('A publisher');
    return openPublisher(this.#partitions.first, this.#names, name, codable, options);
  }

  /** Reads the values of the publisher of a name. Rejects with AskTimeoutError where there is none within `timeoutMs`, 5 s by default. */
  async subscriber<T>(
    name: string,
    codable: Codable<T>,
    options: ValueSubscriberOptions = {},
  ): Promise<ValueSubscriber<T>> {
    this.#stopping.assertNotStarted('A subscriber');
    return openSubscriber(this, this.#partitions.first, name, codable, options);
  }

  /** `listener` is called once, when the control plane cannot be reached any more. */
  onLost(listener: (error: MillraceError) => void): void {
    this.#news.lostListeners.push(listener);
  }

  /** Where this runtime is and what is in it. As JSON its ids are decimal strings. */
  describe(): v1.RuntimeDescriptionInit {
    return withDecimalJson({
      pUid: this.#client?.pUid ?? 0n,
      node: this.node,
      name: this.name,
      partitions: this.#partitions.views().map((view) => v1.PartitionDescription.create(view.description())),
      servesControlPlane: this.#servesControlPlane,
      isConnected: this.isConnected,
    });
  }

  /** Counters that must be 0 after a stop; tests check them. */
  get leftovers(): Leftovers {
    return leftoversOf(this.#partitions.here);
  }

  /** Simulates a crash of the process: ends its code, and notifies nobody. For Executors. */
  crash(error: MillraceError): void {
    this.#silence();
    this.#stopping.crash(error);
  }

  /**
   * Stops everything, children first: segments, then the control plane client, then actors and links. With `drainTimeoutMs`, unfinished
   * work may end first; the report counts what did not. Idempotent: a later call joins the first.
   */
  stop(options: StopOptions = {}): Promise<StopReport> {
    return this.#stopping.stop(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  // ---- bring-up

  #serve(): string {
    const server = controlPlaneServer({ incarnation: this.#environment.incarnation });
    this.#partitions.first.system.spawn(server, { name: 'control-plane', cUid: globalServicesInputCUid });
    return this.#partitions.first.address;
  }

  async #join(controlPlane: string): Promise<void> {
    this.#controlPlane = controlPlane;
    const { system, router } = this.#partitions.first;
    const { scheduler, launch, incarnation } = this.#environment;
    const server = system.referenceTo(v1.ControlPlane, router.routeTo(controlPlane, globalServicesInputCUid));
    const client = new ControlPlaneClient(system, scheduler, server, this.#log, this.#news);
    this.#client = client;
    const process = { launch, incarnation, node: this.node, managesPipelines: this.#servesControlPlane };
    const name = await client.connect({ ...process, name: this.#name });
    if (name !== this.#name) {
      this.#log.info(`Node "${this.node}" already has a process "${this.#name}". This one is named "${name}".`);
      this.#name = name;
    }
    const ordinals = await client.registerPartitions(this.#partitions.here.map(({ address }) => address));
    this.#partitions.join(ordinals, client);
    const actors = new Map<string, UntypedRef>([
      [`millrace/runtime/${client.pUid}`, system.spawn(runtimeActor(this), { name: 'runtime' })],
      ...this.#partitions.namedActors(),
    ]);
    if (this.#servesControlPlane) {
      const manager = system.spawn(this.#news.managePipelines(system, client), { name: 'pipelines-manager' });
      actors.set('millrace/pipelines-manager', manager);
    }
    await client.activate(this.#partitions.here.map(({ segmentsManager }) => segmentsManager.toRef()));
    await Promise.all([...actors].map(([name, actor]) => client.registerName(name, actor.toRef())));
    await this.#partitions.host(client);
  }

  get #joined(): ControlPlaneClient {
    if (this.#client === undefined) {
      throw new StoppedError('This runtime has not started.');
    }
    return this.#client;
  }
}
