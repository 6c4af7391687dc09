import { AskTimeoutError, type MillraceError, StoppedError, UnreachableError } from '../../errors.js';
import { namedMessageOf } from '../../foreign.js';
import { limits } from '../../limits.js';
import { Ref, type RefInit, v1 } from '../../protocol/index.js';
import type { ActorRef } from '../kernel/index.js';
import { clientActor } from './client-actor.js';
import type { Report } from './held-pipelines.js';
import type { ConnectingProcess } from './holdings.js';
import { type Follow, followAmong, locateAmong, lookupAmong, nobodyRegistered, offerTo } from './other-clusters.js';
import { type ClientOptions, Session } from './session.js';

interface HowNamed {
  readonly isGroup?: boolean;
  readonly isStandby?: boolean;
  readonly path?: string;
  readonly timeoutMs?: number | undefined;
}

/** A partition in which actors can be placed. */
export type PlacePartition = v1.FoundPartition & { readonly spawner: Ref };

/** Time in ms after which who follows a name asks anew: a link may have lost the answer. */
const FOLLOW_MS = 10_000;

/**
 * The control plane's client in this process. It sends requests to the server, and repeats each with the same tag until it is
 * answered. It mirrors the resources that concern this process, and spawns the actor that receives their updates. When the control plane
 * is lost, requests wait for it, and this process announces what it has to the one that it finds next.
 */
export class ControlPlaneClient {
  readonly #options: ClientOptions;
  readonly #session: Session;
  #actor: ActorRef<v1.ControlPlaneClient> | undefined;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#session = new Session(options);
  }

  get pUid(): bigint {
    return this.#session.pUid;
  }

  get isConnected(): boolean {
    return this.#actor !== undefined && this.#session.isUp;
  }

  /** This process has lost its place for good, or has left. */
  get isOver(): boolean {
    return this.#session.isOver;
  }

  /** The client's own actor. Throws UnreachableError before `activate`. */
  get actor(): ActorRef<v1.ControlPlaneClient> {
    if (this.#actor === undefined) throw new UnreachableError('The control plane client is not active yet.');
    return this.#actor;
  }

  *resources(): Generator<v1.Resource> {
    yield* this.#session.resources.all();
    if (this.#options.others !== undefined) yield* this.#options.others.resources();
  }

  // ---- bring-up

  /**
   * Resolves to the name of this process: the requested one, or another where a running process of the same node has that. Waits for a
   * control plane that cannot be reached yet.
   */
  connect(process: ConnectingProcess): Promise<string> {
    const { startTimeoutMs = limits.controlPlaneTimeoutMs } = this.#options;
    return this.#session.connect(process, startTimeoutMs);
  }

  async registerPartitions(addresses: readonly string[]): Promise<readonly number[]> {
    const { ordinals } = await this.#session.request((server, identity, options) =>
      server.registerPartitions({ ...identity, addresses }, options),
    );
    this.#session.holdings.partitionsRegistered(addresses, ordinals);
    return ordinals;
  }

  async activate(segmentsManagers: readonly RefInit[]): Promise<void> {
    this.#actor = this.#spawn();
    const client = this.#actor.toRef();
    this.#session.apply(
      await this.#session.request((server, identity, options) =>
        server.activate({ ...identity, client, segmentsManagers }, options),
      ),
    );
    this.#session.holdings.active(segmentsManagers);
  }

  async activatePartition(ordinal: number, segmentsManager: Ref): Promise<void> {
    await this.#session.request((server, identity, options) =>
      server.activatePartition({ ...identity, ordinal, segmentsManager }, options),
    );
    this.#session.holdings.partitionActive(ordinal, segmentsManager);
  }

  /** Removes one partition; the rest of this process continues. */
  async retirePartition(ordinal: number, cause: string): Promise<void> {
    this.#session.holdings.partitionRetired(ordinal);
    await this.#session.request((server, identity, options) =>
      server.retirePartition({ ...identity, ordinal, cause }, options),
    );
  }

  /** Another process serves the control plane from now on: this one rejoins there, also where it could still reach the last one. */
  serverMoved(): void {
    this.#session.serverMoved();
  }

  /** This process is ending: its requests do not wait any more for a control plane that cannot be reached. */
  leave(): void {
    this.#session.leave();
  }

  /** Leaves the cluster. Sends no request where the control plane cannot be reached. */
  async disconnect(): Promise<void> {
    this.leave();
    if (this.isConnected) {
      try {
        await this.#session.ask((server, identity, options) => server.disconnect(identity, options));
      } catch (error) {
        this.#options.log.warn('the control plane did not confirm that this process leaves', {
          error: namedMessageOf(error),
        });
      }
    }
    this.#session.close(new StoppedError('This runtime has left the control plane.'));
    if (this.#actor !== undefined) await this.#options.system.stop(this.#actor);
  }

  /** This process has ended: every further request rejects with `error`. */
  abandon(error: MillraceError): void {
    this.#session.close(error);
  }

  // ---- requests

  /**
   * `isGroup`: any number of actors have the name. `isStandby`: the actor gets the name when its holder has ended. `path` is for the errors of others;
   * by default it is what is known here.
   */
  async registerName(
    name: string,
    ref: RefInit,
    { isGroup = false, isStandby = false, path = '', timeoutMs }: HowNamed = {},
  ): Promise<void> {
    const actor = Ref.create(ref);
    const known = path || (this.#options.system.pathOf(actor.cUid) ?? '');
    // A longer one would be refused, and says too much.
    const entry = { name, ref: actor, isGroup, isStandby, path: known.length > limits.nameCharacters ? '' : known };
    const { place } = await this.#session.request(
      (server, identity, options) => server.registerName({ ...identity, ...entry }, options),
      timeoutMs,
    );
    this.#session.holdings.registered({ ...entry, place });
    if (isStandby) return;
    await offerTo(this.#options.others, { name, ref: entry.ref, isGroup }, () =>
      this.unregisterName(name, entry.ref.cUid, isGroup),
    );
  }

  /** Of a group: resolves when no process sends to the actor as a member any more. */
  async unregisterName(name: string, cUid: bigint, isGroup = false): Promise<void> {
    this.#session.holdings.unregistered(name, cUid);
    this.#options.others?.withdraw(name, cUid);
    const entry = { name, cUid, isGroup };
    await this.#session.request((server, identity, options) =>
      server.unregisterName({ ...identity, ...entry }, options),
    );
  }

  /** The members of a group are among the resources from now on. Resolves when those that there are have arrived. */
  async watchGroup(name: string, timeoutMs?: number): Promise<void> {
    const { pUid } = this;
    await this.#session.ask((server, { epoch }, given) => server.watchGroup({ pUid, epoch, name }, given), timeoutMs);
    this.#session.holdings.groups.add(name);
  }

  /** The members of a group are no resources of this process any more. */
  async unwatchGroup(name: string): Promise<void> {
    this.#session.holdings.groups.delete(name);
    await this.#session.request((server, identity, options) => server.unwatchGroup({ ...identity, name }, options));
  }

  /**
   * The holder of a name as soon as it is another one than `known`, of which `undefined` means that there is none; without `known`, the present
   * one. Rejects with AskTimeoutError while it is the same, with the reason of `signal`, and with UnreachableError where the control plane
   * stays unreachable.
   */
  followName(...given: Parameters<Follow>): Promise<Ref | undefined> {
    const { others } = this.#options;
    return others === undefined ? this.#followHere(...given) : followAmong(this.#followHere, others, ...given);
  }

  readonly #followHere: Follow = async (name, known, signal) => {
    const request = { name, known: known?.ref, isFirst: known === undefined };
    // An ask holds no tag: what waits here for long must not keep other requests from being sent.
    const { ref } = await this.#session.ask(
      (server, { epoch }) => server.followName({ ...request, epoch }, { timeoutMs: FOLLOW_MS, signal }),
      FOLLOW_MS,
    );
    return ref;
  };

  /** Waits until an actor registers the name. Rejects with AskTimeoutError at the deadline. With `signal` the control plane waits no longer, too. */
  async lookup(name: string, service: string, timeoutMs: number, signal?: AbortSignal): Promise<Ref> {
    const { others, scheduler } = this.#options;
    if (others !== undefined) {
      return lookupAmong(
        (...given) => this.followName(name, ...given),
        scheduler,
        { name, service, timeoutMs },
        others,
        signal,
      );
    }
    try {
      return await this.#session.ask(
        (server, { epoch }, options) => server.lookup({ name, service, epoch }, { ...options, signal }),
        timeoutMs,
      );
    } catch (error) {
      // The control plane answers a lookup when the name is registered. While it is reachable, a timeout means that the name was not.
      if (!(error instanceof AskTimeoutError) || !this.isConnected) throw error;
      throw nobodyRegistered({ name, service, timeoutMs }, error);
    }
  }

  /** The address of a partition; undefined where its process has ended, which is final. It is a part of opening a link, and takes no longer. */
  async locate(ordinal: number, incarnation: bigint): Promise<string | undefined> {
    // Partitions of one process reach each other also while the control plane is gone.
    const own = this.#session.holdings.addressOf(ordinal, incarnation);
    if (own !== undefined && !this.isOver) return own;
    const far = locateAmong(this.#options.others, ordinal, incarnation);
    if (far !== undefined) return far;
    const { address } = await this.#session.ask(
      (server, { epoch }, options) => server.locate({ ordinal, incarnation, epoch }, options),
      limits.connectTimeoutMs,
    );
    return address === '' ? undefined : address;
  }

  /** The partitions of the cluster in which actors can be placed now, and that meet all conditions. */
  async findPartitions(conditions: v1.PartitionsToFindInit, timeoutMs: number): Promise<readonly PlacePartition[]> {
    const partitions = await this.#find(conditions, timeoutMs);
    return partitions.map(({ spawner, ...partition }) => ({ ...partition, spawner: Ref.create(spawner) }));
  }

  /** The partitions of the cluster that run segments now. */
  partitionsForSegments(timeoutMs: number): Promise<readonly Pick<v1.FoundPartition, 'ordinal' | 'address'>[]> {
    return this.#find({ forSegments: true }, timeoutMs);
  }

  async #find(conditions: v1.PartitionsToFindInit, timeoutMs: number): Promise<readonly v1.FoundPartition[]> {
    const { partitions } = await this.#session.ask(
      (server, { epoch }, options) => server.findPartitions({ ...conditions, epoch }, options),
      timeoutMs,
    );
    return partitions;
  }

  getDefinition(hash: string): Promise<v1.PipelineDefinition> {
    return this.#session.ask((server, { epoch }, options) => server.getDefinition({ hash, epoch }, options));
  }

  /** Starts a pipeline; returns its id. It is announced to each control plane that follows, until `forgetPipeline`. */
  async startPipeline(definition: v1.PipelineDefinition, mappings: readonly v1.MappingInit[]): Promise<number> {
    const held = this.#session.holdings.pipelines;
    const mapping = mappings.map((each) => v1.Mapping.create(each));
    const isStarted = held.starting(definition);
    try {
      const { hash } = await this.#session.request((server, identity, options) =>
        server.registerDefinition({ ...identity, definition }, options),
      );
      const { pipeline } = await this.#session.request((server, identity, options) =>
        server.startPipeline({ ...identity, definition: hash, mapping }, options),
      );
      const { name, onFailure, maxRestarts: restartsLeft } = definition;
      const by = { startedBy: this.pUid, observer: this.actor.toRef() };
      held.started(pipeline, definition, { name, definition: hash, mapping, onFailure, restartsLeft, ...by });
      this.#show(pipeline);
      return pipeline;
    } finally {
      isStarted();
    }
  }

  /** The pipeline may have been shown before it was known to be one of this process. */
  #show(pipeline: number): void {
    const shown = this.#session.resources.get(pipeline);
    if (shown !== undefined) this.#options.listener.changed(shown);
  }

  /** The run of this pipeline, with all restarts, has ended. */
  forgetPipeline(pipeline: number): void {
    this.#session.holdings.pipelines.settled(pipeline);
  }

  /** The pipeline, or the one that it restarts, was started by this process. Not known before the reply to its start. */
  isFollowed(pipeline: number): boolean {
    return this.#session.holdings.pipelines.isFollowed(pipeline);
  }

  /** `first`: the pipeline that was started. `pipeline`: its present attempt. */
  async stopPipeline(pipeline: number, first = pipeline): Promise<void> {
    this.#session.holdings.pipelines.stopRequested(first);
    await this.#session.request((server, identity, options) => server.stopPipeline({ ...identity, pipeline }, options));
  }

  async expandPipeline(parts: Omit<v1.PipelinePartsInit, 'pUid' | 'tag'>): Promise<void> {
    await this.#session.insist(
      (server, identity, options) => server.expandPipeline({ ...parts, ...identity }, options),
      () => this.isFollowed(parts.pipeline ?? 0),
    );
  }

  async addInstance(pipeline: number, segment: string, partition?: number): Promise<number> {
    const reply = await this.#session.request((server, identity, options) =>
      server.addInstance({ ...identity, pipeline, segment, partition }, options),
    );
    return reply.segment;
  }

  async drainSegment(segment: number): Promise<void> {
    await this.#session.request((server, identity, options) => server.drainSegment({ ...identity, segment }, options));
  }

  /** See Session.report. */
  report(report: Report): Promise<void> {
    return this.#session.report(report);
  }

  // ---- mirror

  #spawn(): ActorRef<v1.ControlPlaneClient> {
    const progress = (news: v1.SegmentProgress): void => this.#options.listener.progress(news);
    return this.#options.system.spawn(clientActor(this, this.#session, progress), { name: 'control-plane-client' });
  }
}
