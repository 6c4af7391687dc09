import { blockOf, type MemoryPool, type PoolOptions, Pools } from '../../descriptors/index.js';
import { StoppedError } from '../../errors.js';
import { CUidAllocator, descriptorsCUid, firstSequenceOf, introspectionCUid } from '../../ids/index.js';
import { limits } from '../../limits.js';
import type { Logger } from '../../logging/index.js';
import { v1 } from '../../protocol/index.js';
import type { PartitionResources } from '../../resources/index.js';
import { introspection } from '../introspection/index.js';
import { type EventLoopTime, eventLoopTime } from '../../scheduler/index.js';
import { type ActorRef, ActorSystem, behavior, type KernelLimits, type Tracing } from '../kernel/index.js';
import { Kinship, type Locate, Router, type RouterOptions, transportActor } from '../transport/index.js';
import { type BorrowedFields, DescriptorExchange, FieldExchange, type ValueStatistics } from '../values/index.js';
import { Definitions } from './definitions.js';
import { Components, HeldByHost, type MainComponents, Spawner } from './placing/index.js';
import type { SegmentHost, SegmentThrew } from './segment.js';
import { NO_SEGMENTS, type SegmentTotals } from './segment-totals.js';
import { ActorSurroundings, RemoteCluster } from './surroundings/index.js';
import { SegmentsManager } from './segments-manager.js';
import type { RuntimeInterceptor } from './segment-interceptor.js';

export interface PartitionOptions {
  readonly name: string;
  /** Of its process. */
  readonly incarnation: bigint;
  /** A secret of the partitions of the process. Called when it is needed. */
  readonly processKey: () => Uint8Array;
  /** The partition owns them from now on, and closes them. */
  readonly resources: PartitionResources;
  readonly isLossy: () => boolean;
  readonly interceptor: RuntimeInterceptor | undefined;
  readonly threw: SegmentThrew | undefined;
  readonly tracing: Tracing | undefined;
  readonly log: Logger;
  readonly kernelLimits: Partial<KernelLimits>;
  readonly linkLimits: NonNullable<RouterOptions['limits']>;
  readonly streamWindow: SegmentHost['streamWindow'];
  /** Actors that may be placed here at a time. */
  readonly maxPlacedActors: number;
  readonly borrowedFields: BorrowedFields;
  readonly mainComponents: MainComponents;
}

/** Channels of actors in the first partition of the process. */
export interface FirstPartition {
  readonly clientCUid: () => bigint;
  readonly contextCallsCUid: bigint;
  /** Where the partition is hosted. */
  readonly spawnerHostCUid?: bigint;
}

/** One event loop with its resources: its actors, its links, and its segments manager. */
export class PartitionRuntime {
  readonly system: ActorSystem;
  readonly router: Router;
  readonly definitions: Definitions;
  readonly components: Components;
  readonly #options: PartitionOptions;
  readonly #pools: Pools;
  #values: DescriptorExchange | undefined;
  #locate: Locate | undefined;
  #cUids: CUidAllocator | undefined;
  #ordinal: number | undefined;
  #actor: ActorRef<typeof v1.PartitionRuntime> | undefined;
  #segments: SegmentsManager | undefined;
  #segmentsManager: ActorRef<typeof v1.SegmentsManager> | undefined;
  #placing: Spawner | undefined;
  #spawner: ActorRef<typeof v1.Spawner> | undefined;
  #cluster: RemoteCluster | undefined;
  #processProblems: () => readonly string[] = () => [];

  constructor(options: PartitionOptions) {
    this.#options = options;
    const { name, incarnation, processKey, resources, log, kernelLimits, linkLimits, interceptor, tracing } = options;
    const { transport } = resources.network;
    const scheduler = resources.runnable.main();
    this.system = new ActorSystem({
      name,
      incarnation,
      scheduler,
      logger: log,
      limits: kernelLimits,
      cUids: () => this.#nextCUid(),
      interceptor,
      tracing,
      holdBytes: blockOf,
    });
    this.router = new Router({
      system: this.system,
      scheduler,
      transport,
      log,
      limits: linkLimits,
      kinship: new Kinship(processKey),
    });
    this.definitions = new Definitions(scheduler);
    this.components = new Components(scheduler, options.mainComponents);
    this.#pools = new Pools({ ids: () => joined(this.#cUids), scheduler, log });
  }

  /** What its event loop has done. */
  get loop(): EventLoopTime {
    return eventLoopTime(this.#options.resources.runnable.main());
  }

  get address(): string {
    return this.router.address;
  }

  /** Throws StoppedError before `join`. */
  get ordinal(): number {
    return joined(this.#ordinal);
  }

  /** The actor that describes this partition. */
  get actor(): ActorRef<typeof v1.PartitionRuntime> {
    return joined(this.#actor);
  }

  get segmentsManager(): ActorRef<typeof v1.SegmentsManager> {
    return joined(this.#segmentsManager);
  }

  get spawner(): ActorRef<typeof v1.Spawner> {
    return joined(this.#spawner);
  }

  listen(): Promise<string> {
    return this.router.listen();
  }

  /** The partition has its ordinal: its actors can be addressed from other partitions. Starts the partition's own actors. */
  join(
    ordinal: number,
    locate: Locate,
    client: () => ActorRef<typeof v1.ControlPlaneClient>,
    spawnerHost?: ActorRef<typeof v1.SpawnerHost>,
  ): void {
    this.#ordinal = ordinal;
    // The first two are those of actors that start when they are needed: see descriptorsCUid and introspectionCUid.
    this.#cUids = new CUidAllocator(ordinal, firstSequenceOf(this.#options.incarnation) + 2);
    this.#locate = locate;
    this.router.join(ordinal, locate, new FieldExchange(() => this.values, this.#options.borrowedFields));
    this.system.startOnDemand(descriptorsCUid(ordinal, this.#options.incarnation), () => void this.values);
    const introspected = introspectionCUid(ordinal, this.#options.incarnation);
    this.system.startOnDemand(introspected, () => this.#showItself(introspected));
    const { resources, isLossy, streamWindow, kernelLimits, interceptor, threw, log, maxPlacedActors } = this.#options;
    const scheduler = resources.runnable.main();
    this.system.spawn(transportActor(this.router), { name: 'transport' });
    this.#actor = this.system.spawn(this.#behavior(), { name: 'partition-runtime' });
    this.#segments = new SegmentsManager({
      system: this.system,
      scheduler,
      definitions: this.definitions,
      interceptor,
      threw,
      isLossy,
      streamWindow,
      values: () => this.values,
      stopTimeoutMs: kernelLimits.stopTimeoutMs ?? limits.stopTimeoutMs,
      client,
      ordinal: () => ordinal,
    });
    this.#segmentsManager = this.system.spawn(this.#segments.behavior(), { name: 'segments-manager' });
    const { system, components } = this;
    const { incarnation } = this.#options;
    const held = spawnerHost && new HeldByHost({ host: spawnerHost, scheduler, log, ordinal, incarnation });
    const places = { system, scheduler, log, components, maxPlacedActors, client, held, ordinal: () => ordinal };
    this.#placing = new Spawner(places);
    this.#spawner = system.spawn(this.#placing.behavior(), { name: 'spawner' });
  }

  /** As `join`, for a partition without a control plane client: it uses the actors of the first partition at `address`, over a link. */
  joinBeside(ordinal: number, address: string, first: FirstPartition): void {
    const { clientCUid, contextCallsCUid, spawnerHostCUid } = first;
    const clientRef = (): ActorRef<typeof v1.ControlPlaneClient> =>
      this.system.referenceTo(
        v1.ControlPlaneClient,
        this.router.routeTo(address, clientCUid(), v1.ControlPlaneClient.typeName),
      );
    const locate: Locate = async (other, incarnation) => {
      const { address } = await clientRef().locate({ ordinal: other, incarnation });
      return address === '' ? undefined : address;
    };
    const spawnerHost =
      spawnerHostCUid === undefined
        ? undefined
        : this.system.referenceTo(v1.SpawnerHost, this.router.routeTo(address, spawnerHostCUid));
    const calls = this.system.referenceTo(
      v1.ContextCalls,
      this.router.routeTo(address, contextCallsCUid, v1.ContextCalls.typeName),
    );
    const { log } = this.#options;
    const scheduler = this.#options.resources.runnable.main();
    this.#cluster = new RemoteCluster({ system: this.system, scheduler, log, calls: () => calls });
    this.system.surroundedBy(new ActorSurroundings(this.#cluster, this.components, log));
    this.join(ordinal, locate, clientRef, spawnerHost);
  }

  /** Sets what says why the process of this partition is not ready. */
  showProblems(problems: () => readonly string[]): void {
    this.#processProblems = problems;
  }

  describe(): v1.PartitionDescriptionInit {
    const { actors, messages, deadLetters } = this.system.statistics;
    const { plan, threading } = this.#options.resources;
    return {
      ordinal: this.#ordinal ?? 0,
      index: plan.index,
      address: this.address,
      actors,
      messages,
      deadLetters,
      segments: this.#segments?.size ?? 0,
      cpus: plan.cpus,
      pinned: threading.pinned,
      thread: threading.thread,
      ledger: this.#values?.ledger(),
      pools: this.#pools.all.map((pool) => pool.describe()),
    };
  }

  /** Its ordinal, 0 before `join`, and its index among the partitions of its process. */
  get place(): { readonly ordinal: number; readonly index: number } {
    return { ordinal: this.#ordinal ?? 0, index: this.#options.resources.plan.index };
  }

  /** A pool that is closed with this partition. */
  createPool(options: PoolOptions): MemoryPool {
    return this.#pools.create(options);
  }

  get isLossy(): () => boolean {
    return this.#options.isLossy;
  }

  /** Exchanges values with other partitions. Starts with the first use. Throws StoppedError before `join`. */
  get values(): DescriptorExchange {
    const { log, resources } = this.#options;
    const locate = joined(this.#locate);
    this.#values ??= new DescriptorExchange({
      system: this.system,
      scheduler: resources.runnable.main(),
      log,
      ordinal: this.ordinal,
      pool: this.#pools.create({ name: 'values' }),
      engines: resources.runnable.group('network').concurrency,
      locate: async (ordinal, incarnation) =>
        this.router.hasEnded(ordinal, incarnation) ? undefined : locate(ordinal, incarnation),
    });
    return this.#values;
  }

  /** Undefined where no values are exchanged. */
  get valueStatistics(): ValueStatistics | undefined {
    return this.#values?.statistics;
  }

  segmentTotals(): SegmentTotals {
    return this.#segments?.totals() ?? NO_SEGMENTS;
  }

  /** Accepts no new work. */
  drain(): void {
    this.#placing?.drain();
    this.system.drain();
  }

  /** The runtime begins to end: the result of `close` counts all tells that peers do not take from now on. Resolves when no links are under way. */
  leave(): Promise<void> {
    const { departure } = this.router;
    departure.begin();
    return departure.opened(this.router.channels());
  }

  /** Stops the segments, and the actors that others have placed here, while others can still be notified. */
  async stopSegments(): Promise<void> {
    await Promise.all([this.#segments?.close(), this.#placing?.close()]);
  }

  /** Ends everything at once, and notifies nobody. */
  async crash(): Promise<void> {
    this.#segments?.crash();
    await this.close();
  }

  /** Resolves to the number of tells that their receivers' processes have not taken. */
  async close(options: { readonly handlerTimeoutMs?: number } = {}): Promise<number> {
    this.#cluster?.close();
    await this.system.shutdown(options);
    const untakenTells = await this.router.close();
    this.#pools.close();
    await this.#options.resources.close();
    return untakenTells;
  }

  /** Starts the actor that shows this partition to those who watch it. */
  #showItself(cUid: bigint): void {
    const { system, router } = this;
    const scheduler = this.#options.resources.runnable.main();
    const shown = introspection({
      system,
      router,
      scheduler,
      describe: () => this.describe(),
      segments: () => this.#segments?.describe() ?? [],
      problems: () => this.#processProblems(),
    });
    system.spawn(shown, { name: 'introspection', cUid });
  }

  #behavior() {
    return behavior(v1.PartitionRuntime, { supervision: { onFailure: 'resume' }, describe: () => this.describe() });
  }

  #nextCUid(): bigint {
    if (this.#cUids === undefined) {
      throw new StoppedError('A reference cannot be sent before its partition has joined a control plane.');
    }
    return this.#cUids.next();
  }
}

function joined<T>(value: T | undefined): T {
  if (value === undefined) {
    throw new StoppedError('This partition has not joined a control plane.');
  }
  return value;
}
