import { ConfigError, type MillraceError, StoppedError } from '../../errors.js';
import { globalServicesInputCUid } from '../../ids/index.js';
import { closableLogger, type Logger } from '../../logging/index.js';
import { type AnyService, v1 } from '../../protocol/index.js';
import { machineProvider, type System, type SystemResources } from '../../resources/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import { ControlPlaneClient, controlPlaneServer } from '../control-plane/index.js';
import {
  type ActorRef,
  type ActorSystem,
  type Behavior,
  behavior,
  type DeadLetters,
  type Failure,
  type SpawnOptions,
  type HasSystem,
  type Subscribable,
  systemKey,
  type UntypedRef,
} from '../kernel/index.js';
import { ControlPlaneNews } from './control-plane-news.js';
import { withDecimalJson } from './decimal-json.js';
import { checkLookup, checkReference, checkRegistration, checkRun, checkSpawn } from './given-arguments.js';
import type { Health } from './health.js';
import { type Leftovers, leftoversOf } from './leftovers.js';
import type { RuntimeMetrics } from './metrics.js';
import { Observer } from './observer.js';
import { RegisteredNames } from './registered-names.js';
import { joinedDeadLetters, joinedFeed } from './partition-feeds.js';
import { Partitions } from './partitions.js';
import type { Pipeline } from './pipeline.js';
import type { PipelineRun } from './pipeline-run.js';
import { PipelineRuns, type RunOptions } from './pipeline-runs.js';
import { PipelinesManager } from './pipelines-manager.js';
import type { RuntimeEnvironment, RuntimeOptions } from './runtime-options.js';
import { stoppable } from './stoppable.js';
import { Stopping, type StopOptions, type StopReport } from './stopping.js';

/**
 * One process of the cluster, real or virtual: its partitions, its arm of the control plane, and the control plane itself where it
 * serves it. Made by `Runtime.start` for a process of its own, by an Executor for several in one.
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
  readonly #runs = new PipelineRuns();
  readonly #servesControlPlane: boolean;
  #client: ControlPlaneClient | undefined;
  #controlPlane = '';
  readonly #observer: Observer;
  readonly #stopping: Stopping;
  readonly #names: RegisteredNames;

  /** For Executors; it does not start anything. */
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
    this.#partitions = new Partitions(environment, this.system, this.#log, options);
    this.#servesControlPlane = options.controlPlane === undefined;
    const { scheduler } = environment;
    const parts = { scheduler, log: this.#log, partitions: this.#partitions, runs: this.#runs };
    this.#observer = new Observer(scheduler, this.#partitions, this.#runs);
    this.#stopping = new Stopping(
      stoppable({
        ...parts,
        client: () => this.#client,
        withdraw: () => this.#names.close(),
        closed: () => this.#observer.close(),
      }),
    );
    this.#names = new RegisteredNames(() => this.#joined, this.#log);
    this.#news = new ControlPlaneNews({ ...parts, isEnding: () => this.#stopping.isEnding });
  }

  /** Unique among the living processes of its node: where another had the name that was asked for, this one has a suffix. */
  get name(): string {
    return this.#name;
  }

  /** Address at which others join this runtime's control plane; of the one it joined where it serves none. */
  get controlPlane(): string {
    return this.#controlPlane;
  }

  /** What it runs on: the machine, and what its partitions on this thread are made of. */
  get resources(): SystemResources {
    return this.#partitions.resources;
  }

  get pUid(): bigint {
    return this.#joined.pUid;
  }

  get ordinals(): readonly number[] {
    return this.#partitions.ordinals;
  }

  /** It was told to stop, or has crashed. */
  get isStopping(): boolean {
    return this.#stopping.hasBegun;
  }

  /**
   * Aborted as soon as this runtime is told to stop: for what would not end by itself. Its reason is a StoppedError.
   *
   *     for await (const tick of market.watch({ symbol }, { signal: runtime.draining })) show(tick);
   */
  get draining(): AbortSignal {
    return this.#stopping.draining;
  }

  /** Time, as everything in this runtime sees it. */
  get scheduler(): Scheduler {
    return this.#environment.scheduler;
  }

  get isConnected(): boolean {
    return this.#client?.isConnected === true;
  }

  /** Actors without a parent that failed for good, in any partition. */
  get failures(): Subscribable<Failure> {
    return joinedFeed(this.#partitions.here.map(({ system }) => system.failures));
  }

  get deadLetters(): DeadLetters {
    return joinedDeadLetters(this.#partitions.here.map(({ system }) => system.deadLetters));
  }

  /** Actors in nact's style are spawned here, too. */
  get [systemKey](): ActorSystem {
    return this.#partitions.first.system;
  }

  /** How this runtime is: for readiness and liveness probes. */
  health(): Health {
    const controlPlane = {
      address: this.#controlPlane,
      isServedHere: this.#servesControlPlane,
      isReachable: this.isConnected,
    };
    return this.#observer.health(this.#stopping.phase, controlPlane, this.#names.problems());
  }

  /** What it has done since it began. Looks at every actor: some 30 ms for a million. */
  metrics(): RuntimeMetrics {
    return this.#observer.metrics();
  }

  /** Starts everything, in the order of the bring-up: links, control plane, client, partitions. For Executors. */
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

  // ---- what users call

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
      throw new ConfigError(
        'An actor that is to be registered needs a name: spawn(behavior, { name, register: true }).',
      );
    }
    const ref = this.#partitions.first.system.spawn(definition, { ...rest, ...(name === undefined ? {} : { name }) });
    if (register && name !== undefined) {
      this.#names.announce(name, ref);
    }
    return ref;
  }

  /**
   * Enters an actor under a name that every process of the cluster can look up, until the actor ends. ConfigError when another has
   * it.
   */
  async register(name: string, ref: UntypedRef): Promise<void> {
    checkRegistration(name, ref);
    return this.#names.register(name, ref);
  }

  async unregister(name: string, ref: UntypedRef): Promise<void> {
    checkRegistration(name, ref);
    return this.#names.unregister(name, ref);
  }

  /** The actor under a name, anywhere in the cluster; waits until it appears. AskTimeoutError at the deadline, 5 s by default. */
  async lookup<S extends AnyService>(
    service: S,
    name: string,
    options: { readonly timeoutMs?: number } = {},
  ): Promise<ActorRef<S>> {
    checkLookup(service, name, options);
    const ref = await this.#joined.lookup(name, service.typeName, options.timeoutMs ?? 5_000);
    return this.#partitions.first.system.reference(service, ref);
  }

  /** Stops an actor of this process; resolves when it and its children are gone. */
  async stopActor(ref: UntypedRef): Promise<void> {
    checkReference('runtime.stopActor(ref)', ref);
    return this.#partitions.first.system.stop(ref);
  }

  /** Runs a pipeline on the partitions of the cluster. ConfigError before anything starts when its definition is wrong. */
  async run<Args>(pipeline: Pipeline<Args>, options: RunOptions<Args> = {}): Promise<PipelineRun> {
    checkRun(pipeline, options);
    this.#stopping.mustNotHaveBegun(`Pipeline "${pipeline.name}"`);
    const isFar = !this.#partitions.isOne || !this.#servesControlPlane || this.#hasOthers();
    return this.#runs.start(this.#joined, this.#partitions.first.definitions, pipeline, options, isFar);
  }

  /** Called once when the control plane cannot be reached any more. */
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

  /** Counters that are 0 when nothing is left: held by tests after each stop. */
  get leftovers(): Leftovers {
    return leftoversOf(this.#partitions.here);
  }

  /** The process is gone: its code ends, and nobody is told. For Executors. */
  crash(error: MillraceError): void {
    this.#silence();
    this.#stopping.crash(error);
  }

  /**
   * Stops everything, children first: segments, then the tie to the control plane, then actors and links. With `drainTimeoutMs` what has
   * begun may end first; the report says what had not. Idempotent: a later call joins the first.
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
      this.#log.info(`Node "${this.node}" has a process "${this.#name}" already: this one is named "${name}".`);
      this.#name = name;
    }
    const ordinals = await client.registerPartitions(this.#partitions.here.map(({ address }) => address));
    this.#partitions.join(ordinals, client);
    const actors = new Map<string, UntypedRef>([
      [`millrace/runtime/${client.pUid}`, system.spawn(this.#behavior(), { name: 'runtime' })],
    ]);
    for (const { ordinal, actor, segmentsManager } of this.#partitions.here) {
      actors.set(`millrace/partition/${ordinal}`, actor).set(`millrace/segments-manager/${ordinal}`, segmentsManager);
    }
    if (this.#servesControlPlane) {
      this.#news.pipelines = new PipelinesManager(system, () => client);
      const manager = system.spawn(this.#news.pipelines.behavior(), { name: 'pipelines-manager' });
      actors.set('millrace/pipelines-manager', manager);
    }
    await client.activate(this.#partitions.here.map(({ segmentsManager }) => segmentsManager.toRef()));
    await Promise.all([...actors].map(([name, actor]) => client.registerName(name, actor.toRef())));
    await this.#partitions.host(client);
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
}
