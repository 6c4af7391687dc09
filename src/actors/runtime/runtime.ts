import type { MemoryPool, PoolOptions } from '../../descriptors/index.js';
import { type MillraceError, StoppedError } from '../../errors.js';
import { ownerOrdinal } from '../../ids/index.js';
import { limits } from '../../limits.js';
import { closableLogger, type Logger } from '../../logging/index.js';
import { type AnyService, type Ref, v1 } from '../../protocol/index.js';
import { machineProvider, type System, type SystemResources } from '../../resources/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import type { ControlPlaneClient } from '../control-plane/index.js';
import {
  type ActorRef,
  type ActorSystem,
  type Behavior,
  type DeadLetters,
  drainMsOf,
  type Failure,
  type HasSystem,
  type Place,
  type SpawnArguments,
  type StopActorOptions,
  type Subscribable,
  systemKey,
  type UntypedRef,
} from '../kernel/index.js';
import { bringUp, clientOf } from './bring-up.js';
import { ClusterNames } from './cluster-names.js';
import { ControlPlaneHost } from './control-plane-host.js';
import { ControlPlaneNews } from './control-plane-news.js';
import { withDecimalJson } from './decimal-json.js';
import * as given from './given-arguments.js';
import type { Health } from './health.js';
import { type Leftovers, leftoversOf } from './leftovers.js';
import type { RuntimeMetrics } from './metrics.js';
import { RuntimeNetwork } from './network/index.js';
import { Observer } from './observer.js';
import { joinedDeadLetters, mergedTopic } from './partition-topics.js';
import { Partitions } from './partitions.js';
import type { Pipeline } from './pipeline.js';
import type { PipelineRun } from './pipeline-run.js';
import { PipelineRuns, type RunOptions } from './pipeline-runs.js';
import { placeBy, Placements, type Whereabouts } from './placing/index.js';
import type { RuntimeEnvironment, RuntimeOptions, RuntimeSpawnOptions } from './runtime-options.js';
import { ExplainingCalls } from './survey/explaining-calls.js';
import { type Peers, RuntimePeers } from './survey/peers.js';
import { stoppable } from './stoppable.js';
import { surroundProcess } from './surroundings/index.js';
import { Stopping, type StopOptions, type StopReport } from './stopping.js';
import { type OpenPublisher, type OpenSubscriber, publisherBy, subscriberBy } from './value-ports.js';

/**
 * One process of the cluster, real or virtual: its partitions, its control plane client, and possibly the control plane server. Created
 * by `Runtime.start`, or by an Executor, which runs several in one process.
 */
export class Runtime extends ExplainingCalls implements HasSystem {
  readonly node: string;
  readonly system: System;
  #name: string;
  /**
   * Starts an actor of a component in another partition: on a thread, in a process, on another node. Resolves to its reference, or to one for each
   * of `instances`, when it has started. This runtime is its parent. Rejects, with nothing left running: ConfigError when the module is missing there
   * or exports another version, UnreachableError when no partition meets `on`, CapacityError when it is full, HandlerError when the factory, the
   * state of the behavior or its `on.started` throws.
   *
   *     const ref = await runtime.place(resizer, { args: { quality: 80 }, on: 'threads' });
   */
  readonly place: Place;
  /** Publishes values of any size under a name of the cluster. Rejects with ConfigError for a name that is taken, and for a wrong option. */
  readonly publisher: OpenPublisher;
  /** Reads the values of the publisher of a name. Rejects with AskTimeoutError where there is none within `timeoutMs`, 5 s by default. */
  readonly subscriber: OpenSubscriber;
  readonly #environment: RuntimeEnvironment;
  readonly #log: Logger;
  readonly #silence: () => void;
  readonly #partitions: Partitions;
  readonly #news: ControlPlaneNews;
  readonly #runs: PipelineRuns;
  readonly #host: ControlPlaneHost;
  #client: ControlPlaneClient | undefined;
  readonly #observer: Observer;
  readonly #stopping: Stopping;
  readonly #names: ClusterNames;
  readonly #network: RuntimeNetwork | undefined;
  readonly #placements: Placements;
  readonly #contextCalls: () => Behavior<typeof v1.ContextCalls, undefined>;
  readonly #labels: readonly string[];
  readonly #launchedPUid: bigint | undefined;

  /** For Executors; does not start anything. */
  constructor(environment: RuntimeEnvironment, options: RuntimeOptions = {}) {
    super(
      () => this.#names,
      () => this.#network,
    );
    const { node = 'node-0', name = 'process-0', provider = machineProvider, network } = options;
    [this.node, this.#name] = [node, name];
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
    const { first: partition } = this.#partitions;
    this.#host = new ControlPlaneHost({ ...environment, partition, log }, options);
    const { system, components } = partition;
    const client = (): ControlPlaneClient => this.#joined;
    const placed = { ordinals: () => this.ordinals, placements: () => this.#placements };
    const hasEnded = (ref: Ref): Promise<boolean> =>
      partition.router.looksForEnd(ownerOrdinal(ref.cUid) ?? 0, ref.incarnation);
    this.#names = new ClusterNames({ client, system, scheduler, log, hasEnded, ...placed });
    const common = { scheduler, log: this.#log, partitions: this.#partitions, runs: this.#runs };
    const parts = { ...common, groups: this.#names.groups };
    const { incarnation } = environment;
    const member = { node, incarnation, process: () => this.#name, partitions: () => this.#partitions.addresses };
    this.#network = network && new RuntimeNetwork({ ...parts, ...member, partition }, network);
    this.#observer = new Observer(scheduler, this.#partitions, this.#runs);
    const find: Whereabouts['find'] = (...wanted) => this.#joined.findPartitions(...wanted);
    this.#placements = new Placements({ ...parts, ...this.#partitions.whereabouts, find });
    this.#stopping = new Stopping(
      stoppable({
        ...parts,
        client: () => this.#client,
        network: this.#network,
        names: this.#names,
        placements: this.#placements,
        host: this.#host,
        closed: () => {
          this.#observer.close();
          this.#news.close();
        },
      }),
    );
    this.#labels = options.labels ?? [];
    this.#launchedPUid = options.pUid;
    const assertRuns = (what: string): void => this.#stopping.assertNotStarted(what);
    this.place = placeBy('runtime.place', this.#placements, components, assertRuns);
    this.#contextCalls = surroundProcess({ ...placed, partition, scheduler, log, names: this.#names });
    for (const { system } of this.#partitions.here) system.ownedBy(() => void this.stop());
    const ports = { partition: this.#partitions.first, names: this.#names.registered, runtime: this, assertRuns };
    this.publisher = publisherBy(ports);
    this.subscriber = subscriberBy(ports);
    this.#partitions.first.showProblems(() => this.#health(false).problems);
    const { registered: names } = this.#names;
    this.#news = new ControlPlaneNews({ ...parts, names, isEnding: () => this.#stopping.isEnding });
  }

  /** Unique among the running processes of its node: has a suffix where another process has the requested name. */
  get name(): string {
    return this.#name;
  }

  /** Address of the control plane server, in this runtime or in the one that it has joined. */
  get controlPlane(): string {
    return this.#host.address;
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

  /** Failures that have stopped an actor without a parent here, or an actor that this process has placed elsewhere. */
  get failures(): Subscribable<Failure> {
    return mergedTopic([...this.#partitions.here.map(({ system }) => system.failures), this.#placements.failures]);
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
    return this.#health(true);
  }

  #health(watchesLoop: boolean): Health {
    const { address, isServing: isServedHere } = this.#host;
    const controlPlane = { address, isServedHere, isReachable: this.isConnected };
    const { phase } = this.#stopping;
    const isFenced = phase === 'running' && this.#client?.isOver === true;
    const own = [...this.#names.registered.problems(), ...this.#host.problems()];
    return this.#observer.health({ phase, controlPlane, isFenced, own, lost: this.#placements.lost }, watchesLoop);
  }

  /** For what looks at the whole cluster from here, such as `millrace/introspection`. */
  get peers(): Peers {
    return new RuntimePeers(this.#partitions.first, () => this.controlPlane, this.scheduler);
  }

  /** Counters since its start. Visits every actor: about 30 ms for a million. */
  metrics(): RuntimeMetrics {
    return this.#observer.metrics();
  }

  /** Starts everything, in this order: links, control plane server, client, partitions. For Executors. */
  async start(): Promise<this> {
    try {
      await this.#partitions.listen();
      await this.#join();
      await this.#network?.join();
      this.#stopping.started();
      this.#log.debug('runtime is up', { partitions: this.ordinals.join(','), controlPlane: this.controlPlane });
      return this;
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  // ---- for users

  /**
   * Starts an actor in this process's first partition. `register: true` enters its name in the cluster's registry; `whenRegistered` says
   * whether it has the name. `args` go to `state` of the behavior.
   *
   *     runtime.spawn(account, { name: 'acme', register: true, args: { limit: 500 } });
   */
  spawn<S extends AnyService, T, Args>(
    definition: Behavior<S, T, Args>,
    ...[options = {}]: SpawnArguments<NoInfer<Args>, RuntimeSpawnOptions>
  ): ActorRef<S> {
    given.checkSpawn(options);
    const { register = false, ...spawned } = options;
    const ref = this.#partitions.first.system.spawn<S, T, unknown>(definition, spawned);
    if (register && options.name !== undefined) this.#names.registered.announce(options.name, ref);
    return ref;
  }

  /**
   * Resolves when an actor of this process, or one that it has placed, has stopped. With `drain` it first handles what it has accepted.
   * AskTimeoutError: it is silent, and stopped in the background.
   *
   *     await runtime.stopActor(ref, { drain: true });
   */
  async stopActor(ref: UntypedRef, options?: StopActorOptions): Promise<void> {
    given.checkReference('runtime.stopActor(ref)', ref);
    const drainMs = drainMsOf('runtime.stopActor', options);
    if (!(await this.#placements.stop(ref, drainMs))) await this.#partitions.first.system.stop(ref, drainMs);
  }

  /** Runs a pipeline on the partitions of the cluster. Rejects with ConfigError, before anything starts, for an invalid definition. */
  async run<Args>(pipeline: Pipeline<Args>, options: RunOptions<Args> = {}): Promise<PipelineRun> {
    given.checkRun(pipeline, options);
    this.#stopping.assertNotStarted(`Pipeline "${pipeline.name}"`);
    const isAlone = this.#partitions.isOne && this.#host.isServing;
    return this.#runs.start(this.#joined, this.#partitions.first.definitions, pipeline, options, isAlone);
  }

  /** A bounded pool of memory for large values in this process. It is closed when this runtime stops. Throws ConfigError for a wrong option. */
  createPool(options: PoolOptions = {}): MemoryPool {
    given.checkPool(options);
    this.#stopping.assertNotStarted('A pool');
    return this.#partitions.first.createPool(options);
  }

  /** `listener` is called once, when another process has the ids of this one. After the loss of the control plane, this process rejoins by itself. */
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
      servesControlPlane: this.#host.isServing,
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

  async #join(): Promise<void> {
    const [host, { launch, incarnation }] = [this.#host, this.#environment];
    await host.start();
    const [partition, news, log, others] = [this.#partitions.first, this.#news, this.#log, this.#network];
    const client = clientOf({ ...this.#environment, partition, log, news, host, others, draining: this.draining });
    this.#client = client;
    const [node, labels, pUid] = [this.node, this.#labels, this.#launchedPUid];
    const name = await client.connect({ launch, incarnation, node, labels, pUid, name: this.#name });
    if (name !== this.#name) {
      log.info(`Node "${this.node}" already has a process "${this.#name}". This one is named "${name}".`);
      this.#name = name;
    }
    const [partitions, placements, calls] = [this.#partitions, this.#placements, this.#contextCalls];
    await bringUp(client, { partitions, placements, news, runtime: this, contextCalls: calls });
  }

  get #joined(): ControlPlaneClient {
    if (this.#client !== undefined) return this.#client;
    throw new StoppedError('This runtime has not started.');
  }
}
