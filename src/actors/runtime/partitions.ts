import { ConfigError, StoppedError } from '../../errors.js';
import { loadPart } from '../../installation.js';
import { limits } from '../../limits.js';
import type { Logger } from '../../logging/index.js';
import type { Ref, v1 } from '../../protocol/index.js';
import { sharedThread, type System, type SystemResources, systemResources } from '../../resources/index.js';
import { settingsElsewhere } from '../../transport/kinds/index.js';
import { type ControlPlaneClient, spawnerName } from '../control-plane/index.js';
import type { UntypedRef } from '../kernel/index.js';
import { newProcessKey } from '../transport/index.js';
import type { EngineStatistics, ValueStatistics } from '../values/index.js';
import type { PartitionHosts } from './hosting/index.js';
import type { LinkSettings } from './net-options.js';
import { PartitionRuntime } from './partition-runtime.js';
import type { MainComponents, OwnPartition } from './placing/index.js';
import { type PartitionView, viewOf } from './partition-view.js';
import type { SegmentThrew } from './segment.js';
import type { RuntimeEnvironment, RuntimeOptions } from './runtime-options.js';

/** What the end of all partitions has cut off. */
export interface PartitionsEnd {
  /** Tells of this thread that their receivers' partitions have not taken. */
  readonly untakenTells: number;
  /** Partitions on threads or in processes that did not stop by themselves. */
  readonly endedPartitions: number;
}

/** The partitions of one process: those on this event loop, and those that it hosts on threads or in processes. */
export class Partitions {
  readonly resources: SystemResources;
  /** The partitions on this event loop. */
  readonly here: readonly PartitionRuntime[];
  /** The partition in which the runtime spawns actors, and the control plane server runs; always on this event loop. */
  readonly first: PartitionRuntime;
  readonly #environment: RuntimeEnvironment;
  readonly #options: RuntimeOptions;
  readonly #system: System;
  readonly #log: Logger;
  /** Begins the names of its actor systems, and so the paths of its actors: the same at each start. */
  readonly #systemName: string;
  #hosts: PartitionHosts | undefined;
  #key: Uint8Array | undefined;
  readonly #processKey = (): Uint8Array => (this.#key ??= newProcessKey());

  /** Does not start anything. */
  constructor(
    environment: RuntimeEnvironment,
    system: System,
    log: Logger,
    options: RuntimeOptions,
    threw: SegmentThrew,
  ) {
    this.#environment = environment;
    this.#system = system;
    this.#options = options;
    this.#log = log;
    const { placement = 'inline', node = 'node-0', name = 'process-0' } = options;
    this.#systemName = `${node}.${name}`;
    const plans = placement === 'inline' ? system.partitions : system.partitions.slice(0, 1);
    const { scheduler, isLossy, incarnation, interceptor, tracing } = environment;
    this.resources = systemResources({
      system,
      plans,
      threading: sharedThread(),
      scheduler,
      libraries: environment.external?.libraries ?? [],
      transport: ({ index }) => environment.transport(index),
      log,
    });
    const mainComponents: MainComponents = new Map();
    this.here = this.resources.partitions.map(
      (resources) =>
        new PartitionRuntime({
          name: `${this.#systemName}-${resources.plan.index}`,
          incarnation,
          processKey: this.#processKey,
          resources,
          isLossy,
          interceptor,
          threw,
          tracing,
          mainComponents,
          log: log.child({ partition: resources.plan.index }),
          ...this.#limits(),
        }),
    );
    const [first] = this.here;
    if (first === undefined) {
      throw new ConfigError('A runtime needs at least one partition.');
    }
    this.first = first;
  }

  /** The ordinals of the partitions that have joined. */
  get ordinals(): readonly number[] {
    return [...this.here.map(({ ordinal }) => ordinal), ...(this.#hosts?.ordinals ?? [])];
  }

  /** Where its partitions can be reached, by their ordinals. */
  get addresses(): readonly v1.MemberPartition[] {
    return this.views().map((view) => {
      const { ordinal = 0, address = '' } = view.description();
      return { ordinal, address };
    });
  }

  views(): readonly PartitionView[] {
    return [...this.here.map(viewOf), ...(this.#hosts?.views() ?? [])];
  }

  /** Sentences about partitions that are to take work and do not: busy, wedged or gone. */
  problems(): readonly string[] {
    return this.#hosts?.problems() ?? [];
  }

  /** Values that partitions on this event loop exchange. */
  values(): ValueStatistics {
    const all = this.here.flatMap(({ valueStatistics }) => valueStatistics ?? []);
    const sum = (name: Exclude<keyof ValueStatistics, 'fetches'>): number =>
      all.reduce((total, each) => total + each[name], 0);
    const fetches = (name: keyof EngineStatistics): number =>
      all.reduce((total, each) => total + each.fetches[name], 0);
    return {
      exchanges: sum('exchanges'),
      owned: sum('owned'),
      held: sum('held'),
      violations: sum('violations'),
      blocks: sum('blocks'),
      reservedBytes: sum('reservedBytes'),
      bytesCopied: sum('bytesCopied'),
      fetches: {
        engines: fetches('engines'),
        running: fetches('running'),
        waiting: fetches('waiting'),
        begun: fetches('begun'),
      },
    };
  }

  /** Partitions on threads or in processes were wanted, and each has failed more often than it is started anew. */
  get haveFailedForGood(): boolean {
    return this.#hosts?.areAllGoneForGood === true;
  }

  /** A partition of any process that does not answer, as far as this process knows: it hosts the partition, or has a link to it. */
  isSilent({ ordinal, address }: Pick<v1.Partition, 'ordinal' | 'address'>): boolean {
    if (this.#hosts?.isSilent(ordinal) === true) return true;
    const channels = [...this.first.router.channels()];
    return channels.some((channel) => channel.name.address === address && channel.link?.isUnresponsive === true);
  }

  /** A segment or placed actor was told to stop. A hosted partition that hangs until long after that is ended, and begins anew. */
  stopping(ordinal: number, segment: number): void {
    this.#hosts?.stopping(ordinal, segment);
  }

  gone(segment: number): void {
    this.#hosts?.gone(segment);
  }

  /** This process has, or will have, several partitions. */
  get isOne(): boolean {
    return this.#system.partitions.length === 1;
  }

  /** Undefined for a partition of another process, and for one that is not running. */
  segmentsManager(ordinal: number): Ref | undefined {
    const partition = this.here.find((each) => each.ordinal === ordinal);
    return partition?.segmentsManager.toRef() ?? this.#hosts?.segmentsManager(ordinal);
  }

  /** For the placing of actors. */
  get whereabouts() {
    return {
      system: this.first.system,
      isHere: (ordinal: number): boolean => this.here.some((each) => each.ordinal === ordinal),
      own: () => this.#places(),
      // As a segment: their numbers are positive.
      stopping: (ordinal: number, id: number): void => this.stopping(ordinal, -id),
      gone: (id: number): void => this.gone(-id),
    };
  }

  /** The partitions of this process in which actors can be placed. */
  #places(): readonly OwnPartition[] {
    const { node = 'node-0', placement = 'inline' } = this.#options;
    const here = this.here.map((partition, index) => {
      const { ordinal, spawner } = partition;
      return {
        ordinal,
        index,
        node,
        spawner: spawner.toRef(),
        placement: 'inline',
        isFirst: partition === this.first,
      } as const;
    });
    const hosted = this.#hosts?.spawners() ?? [];
    return [...here, ...hosted.map((each) => ({ ...each, node, placement, isFirst: false }))];
  }

  /** The actors of the partitions on this event loop that others find by name. */
  actorNames(): Map<string, UntypedRef> {
    const actors = new Map<string, UntypedRef>();
    for (const { ordinal, actor, segmentsManager, spawner } of this.here) {
      actors.set(`millrace/partition/${ordinal}`, actor).set(`millrace/segments-manager/${ordinal}`, segmentsManager);
      actors.set(spawnerName(ordinal), spawner);
    }
    return actors;
  }

  // ---- bring-up

  async listen(): Promise<void> {
    for (const partition of this.here) {
      await partition.listen();
    }
  }

  /** Assigns the ordinals. Partitions but the first have no control plane client: they use that of the first, over a link. */
  join(ordinals: readonly number[], client: ControlPlaneClient, contextCalls: () => Ref): void {
    this.here.forEach((partition, index) => {
      const ordinal = ordinals[index];
      if (ordinal === undefined) {
        throw new StoppedError('The control plane assigned fewer ordinals than there are partitions.');
      }
      if (partition === this.first) {
        partition.join(
          ordinal,
          (other, incarnation) => client.locate(other, incarnation),
          () => client.actor,
        );
      } else {
        partition.joinBeside(ordinal, this.first.address, {
          clientCUid: () => client.actor.toRef().cUid,
          contextCallsCUid: contextCalls().cUid,
        });
      }
    });
  }

  /** Starts the hosted partitions; resolves when they have joined. The client must be active. */
  async host(client: ControlPlaneClient, contextCalls: Ref): Promise<void> {
    const { placement = 'inline', initializers = [], partitionProgram } = this.#options;
    if (placement === 'inline') {
      return;
    }
    const { PartitionHosts } = await this.#environment.scheduler.outside(loadPart(import('./hosting/index.js')));
    const { scheduler, incarnation, external, interceptor } = this.#environment;
    if (external === undefined) throw new ConfigError('Partitions on threads and in processes need links to them.');
    this.#hosts = new PartitionHosts({
      placement,
      external,
      plans: this.#system.partitions.slice(1),
      first: this.first,
      scheduler,
      log: this.#log,
      client: () => client,
      contextCallsCUid: contextCalls.cUid,
      systemName: this.#systemName,
      partitionProgram,
      system: this.#system,
      interceptor: interceptor?.elsewhere,
      start: {
        incarnation,
        processKey: this.#processKey(),
        initializers,
        links: linksOfHosted(this.#environment),
        ...this.#limits(),
      },
    });
    await this.#hosts.start();
  }

  // ---- ending

  /** The runtime was told to stop: the result of `close` counts the hosted partitions that do not stop in order from now on. */
  stopBegins(): void {
    this.#hosts?.stopBegins();
  }

  /** Resolves when the reports of hosted partitions are up to date. Undefined where there are none. */
  refresh(): Promise<void> | undefined {
    return this.#hosts?.refresh();
  }

  /** Lets no partition accept new work; then as `refresh`. */
  drain(): Promise<void> | undefined {
    for (const partition of this.here) partition.drain();
    return this.#hosts?.drain();
  }

  /** The runtime begins to end: the result of `close` counts all tells that peers do not take from now on. Resolves when no links are under way. */
  async leave(): Promise<void> {
    this.#hosts?.leave();
    await Promise.all(this.here.map((partition) => partition.leave()));
  }

  async stopSegments(): Promise<void> {
    await Promise.all([...this.here.map((partition) => partition.stopSegments()), this.#hosts?.stopSegments()]);
  }

  /** Closes the partitions, the last started first. */
  async close(options: { readonly handlerTimeoutMs?: number }): Promise<PartitionsEnd> {
    const endedPartitions = (await this.#hosts?.stop(options.handlerTimeoutMs)) ?? 0;
    let untakenTells = 0;
    for (const partition of this.here.toReversed()) {
      untakenTells += await partition.close(options);
    }
    return { untakenTells, endedPartitions };
  }

  /** Ends everything at once, and notifies nobody. */
  async crash(): Promise<void> {
    await Promise.all([this.#hosts?.kill(), ...this.here.map((partition) => partition.crash())]);
  }

  /** Each partition counts its own bytes, so each gets an equal share of the process's limits. */
  #limits() {
    const { kernelLimits = {}, linkLimits = {}, streamWindow = {} } = this.#options;
    const { maxPlacedActors = limits.placedActors, borrowedFields = 'in-place' } = this.#options;
    const share = (bytes: number): number => Math.ceil(bytes / this.#system.partitions.length);
    const mailboxBytes = share(kernelLimits.mailboxBytes ?? limits.mailboxBytes);
    const replyBytes = share(linkLimits.replyBytes ?? limits.replyBytes);
    return {
      kernelLimits: { ...kernelLimits, mailboxBytes },
      linkLimits: { ...linkLimits, replyBytes },
      streamWindow,
      maxPlacedActors,
      borrowedFields,
    };
  }
}

/** A library that does not load is reported once, instead of once for each partition. */
function linksOfHosted({ links, external }: RuntimeEnvironment): LinkSettings {
  return { ...links, net: settingsElsewhere(links.net), without: external?.unusable() ?? [] };
}
