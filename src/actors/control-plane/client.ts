import { AskTimeoutError, type MillraceError, StoppedError, UnreachableError } from '../../errors.js';
import { namedMessageOf } from '../../foreign.js';
import { limits } from '../../limits.js';
import type { Logger } from '../../logging/index.js';
import { Ref, type RefInit, v1 } from '../../protocol/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import { type ActorRef, type ActorSystem, type AskOptions, behavior, later } from '../kernel/index.js';
import { thrownByHandler } from '../transport/index.js';
import { retryAsk } from './retry-ask.js';
import { ReplicaMirror } from './replica.js';

/** Receives what the control plane reports to this process. */
export interface ControlPlaneListener {
  /** A resource that concerns this process is new or has changed. */
  changed(resource: v1.Resource): void;
  /** A resource was removed. */
  removed(id: number): void;
  progress(progress: v1.SegmentProgress): void;
  /** The control plane cannot be reached any more; it has retired this process, or will. */
  lost(error: MillraceError): void;
}

/** What a process states about itself when it connects. */
export type ConnectingProcess = Omit<v1.ConnectProcessInit, 'tag'>;

/** A partition in which actors can be placed. */
export type PlacePartition = v1.FoundPartition & { readonly spawner: Ref };

/** Time in ms after which who follows a name asks anew: a link may have lost the answer. */
const FOLLOW_MS = 10_000;

type Server = ActorRef<v1.ControlPlane>;
/** Fields of every request that changes something. */
type Identity = { readonly pUid: bigint; readonly tag: number };

/**
 * The control plane's client in this process. It sends requests to the server, and repeats each with the same tag until it is
 * answered. It mirrors the resources that concern this process, and spawns the actor that receives their updates.
 */
export class ControlPlaneClient {
  readonly #system: ActorSystem;
  readonly #scheduler: Scheduler;
  readonly #server: Server;
  readonly #log: Logger;
  readonly #listener: ControlPlaneListener;
  readonly #mirror = new ReplicaMirror();
  readonly #resources = new Map<number, v1.Resource>();
  #actor: ActorRef<v1.ControlPlaneClient> | undefined;
  #pUid = 0n;
  #tag = 0;
  #lostError: MillraceError | undefined;

  constructor(system: ActorSystem, scheduler: Scheduler, server: Server, log: Logger, listener: ControlPlaneListener) {
    this.#system = system;
    this.#scheduler = scheduler;
    this.#server = server;
    this.#log = log;
    this.#listener = listener;
  }

  get pUid(): bigint {
    return this.#pUid;
  }

  get isConnected(): boolean {
    return this.#actor !== undefined && this.#lostError === undefined;
  }

  /** The client's own actor. Throws UnreachableError before `activate`. */
  get actor(): ActorRef<v1.ControlPlaneClient> {
    if (this.#actor === undefined) {
      throw new UnreachableError('The control plane client is not active yet.');
    }
    return this.#actor;
  }

  resources(): IterableIterator<v1.Resource> {
    return this.#resources.values();
  }

  // ---- bring-up

  /** Resolves to the name of this process: the requested one, or another where a running process of the same node has that. */
  async connect(process: ConnectingProcess): Promise<string> {
    const { pUid, name } = await this.#repeat((identity, options) =>
      this.#server.connect({ ...process, tag: identity.tag }, options),
    );
    this.#pUid = pUid;
    return name;
  }

  async registerPartitions(addresses: readonly string[]): Promise<readonly number[]> {
    const reply = await this.#repeat((identity, options) =>
      this.#server.registerPartitions({ ...identity, addresses }, options),
    );
    return reply.ordinals;
  }

  async activate(segmentsManagers: readonly RefInit[]): Promise<void> {
    this.#actor = this.#spawn();
    const client = this.#actor.toRef();
    this.#apply(
      await this.#repeat((identity, options) =>
        this.#server.activate({ ...identity, client, segmentsManagers }, options),
      ),
    );
  }

  async activatePartition(ordinal: number, segmentsManager: Ref): Promise<void> {
    await this.#repeat((identity, options) =>
      this.#server.activatePartition({ ...identity, ordinal, segmentsManager }, options),
    );
  }

  /** Removes one partition; the rest of this process continues. */
  async retirePartition(ordinal: number, cause: string): Promise<void> {
    await this.#repeat((identity, options) => this.#server.retirePartition({ ...identity, ordinal, cause }, options));
  }

  /** Leaves the cluster. Sends no request where the control plane cannot be reached any more. */
  async disconnect(): Promise<void> {
    if (this.isConnected) {
      try {
        await this.#repeat((identity, options) => this.#server.disconnect(identity, options));
      } catch (error) {
        this.#log.warn('the control plane did not confirm that this process leaves', { error: namedMessageOf(error) });
      }
    }
    if (this.#actor !== undefined) {
      await this.#system.stop(this.#actor);
    }
    this.#lostError ??= new StoppedError('This runtime has left the control plane.');
  }

  /** This process has ended: every further request rejects with `error`. */
  abandon(error: MillraceError): void {
    this.#lostError ??= error;
  }

  // ---- requests

  /** `isGroup`: any number of actors have the name. `isStandby`: the actor gets the name when its holder has ended. */
  async registerName(
    name: string,
    ref: RefInit,
    { isGroup = false, isStandby = false }: { readonly isGroup?: boolean; readonly isStandby?: boolean } = {},
  ): Promise<void> {
    const entry = { name, ref: v1.Ref.create(ref), isGroup, isStandby };
    await this.#repeat((identity, options) => this.#server.registerName({ ...identity, ...entry }, options));
  }

  /** Of a group: resolves when no process sends to the actor as a member any more. */
  async unregisterName(name: string, cUid: bigint, isGroup = false): Promise<void> {
    const entry = { name, cUid, isGroup };
    await this.#repeat((identity, options) => this.#server.unregisterName({ ...identity, ...entry }, options));
  }

  /** The members of a group are among the resources from now on. Resolves when those that there are have arrived. */
  async watchGroup(name: string): Promise<void> {
    await this.#repeat(({ pUid }, options) => this.#server.watchGroup({ pUid, name }, options));
  }

  /** The members of a group are no resources of this process any more. */
  async unwatchGroup(name: string): Promise<void> {
    await this.#repeat((identity, options) => this.#server.unwatchGroup({ ...identity, name }, options));
  }

  /**
   * The holder of a name as soon as it is another one than `known`, of which `undefined` means that there is none; without `known`, the present one.
   * Rejects with AskTimeoutError while it is the same, and with the reason of `signal`.
   */
  async followName(
    name: string,
    known: { readonly ref: Ref | undefined } | undefined,
    signal: AbortSignal,
  ): Promise<Ref | undefined> {
    if (this.#lostError !== undefined) throw this.#lostError;
    const request = { name, known: known?.ref, isFirst: known === undefined };
    const { ref } = await this.#server.followName(request, { timeoutMs: FOLLOW_MS, signal });
    return ref;
  }

  /** Waits until an actor registers the name. Rejects with AskTimeoutError at the deadline. */
  async lookup(name: string, service: string, timeoutMs: number): Promise<Ref> {
    try {
      return await this.#repeat((_identity, options) => this.#server.lookup({ name, service }, options), timeoutMs);
    } catch (error) {
      // The control plane answers a lookup when the name is registered. While it is reachable, a timeout means that the name was not.
      if (!(error instanceof AskTimeoutError) || !this.isConnected) throw error;
      throw new AskTimeoutError(
        `nobody registered an actor of ${service} under the name "${name}" within ${timeoutMs} ms: spawn it with { name, register: true } or call runtime.register, and look for the same name`,
        { cause: error },
      );
    }
  }

  /** The address of a partition; undefined where its process has ended, which is final. */
  async locate(ordinal: number, incarnation: bigint): Promise<string | undefined> {
    const { address } = await this.#repeat((_identity, options) =>
      this.#server.locate({ ordinal, incarnation }, options),
    );
    return address === '' ? undefined : address;
  }

  /** The partitions of the cluster in which actors can be placed now, and that meet all conditions. */
  async findPartitions(conditions: v1.PartitionsToFindInit, timeoutMs: number): Promise<readonly PlacePartition[]> {
    const find = (_identity: Identity, options: AskOptions) => this.#server.findPartitions(conditions, options);
    const { partitions } = await this.#repeat(find, timeoutMs);
    return partitions.map(({ spawner, ...partition }) => ({ ...partition, spawner: Ref.create(spawner) }));
  }

  async registerDefinition(definition: v1.PipelineDefinition): Promise<string> {
    const { hash } = await this.#repeat((identity, options) =>
      this.#server.registerDefinition({ ...identity, definition }, options),
    );
    return hash;
  }

  getDefinition(hash: string): Promise<v1.PipelineDefinition> {
    return this.#repeat((_identity, options) => this.#server.getDefinition({ hash }, options));
  }

  async startPipeline(definition: string, mapping: readonly v1.MappingInit[]): Promise<number> {
    const { pipeline } = await this.#repeat((identity, options) =>
      this.#server.startPipeline(
        { ...identity, definition, mapping: mapping.map((each) => v1.Mapping.create(each)) },
        options,
      ),
    );
    return pipeline;
  }

  async stopPipeline(pipeline: number): Promise<void> {
    await this.#repeat((identity, options) => this.#server.stopPipeline({ ...identity, pipeline }, options));
  }

  async expandPipeline(parts: Omit<v1.PipelinePartsInit, 'pUid' | 'tag'>): Promise<void> {
    await this.#repeat((identity, options) => this.#server.expandPipeline({ ...parts, ...identity }, options));
  }

  async addInstance(pipeline: number, segment: string, partition?: number): Promise<number> {
    const reply = await this.#repeat((identity, options) =>
      this.#server.addInstance({ ...identity, pipeline, segment, partition }, options),
    );
    return reply.segment;
  }

  async drainSegment(segment: number): Promise<void> {
    await this.#repeat((identity, options) => this.#server.drainSegment({ ...identity, segment }, options));
  }

  async report(report: Omit<v1.ResourceReportInit, 'pUid' | 'tag'>): Promise<void> {
    await this.#repeat((identity, options) => this.#server.report({ ...report, ...identity }, options));
  }

  // ---- mirror

  #spawn(): ActorRef<v1.ControlPlaneClient> {
    const definition = behavior(v1.ControlPlaneClient, {
      supervision: { onFailure: 'resume' },
      update: (_state, update) => this.#apply(update),
      report: (_state, report) => later(this.report(report).then(() => ({}))),
      progress: (_state, progress) => this.#listener.progress(progress),
      locate: (_state, { ordinal, incarnation }) =>
        later(this.locate(ordinal, incarnation).then((address = '') => ({ address }))),
      drain: (_state, { segment }) => later(this.drainSegment(segment).then(() => ({}))),
      getDefinition: (_state, { hash }) => later(this.getDefinition(hash)),
      registerName: (_state, { name, ref, ...kind }) =>
        later(this.registerName(name, Ref.create(ref), kind).then(() => ({}))),
      unregisterName: (_state, { name, cUid, isGroup }) =>
        later(this.unregisterName(name, cUid, isGroup).then(() => ({}))),
      on: {
        started: (_state, context) => context.watch(this.#server),
        terminated: () => this.#serverLost(),
      },
    });
    return this.#system.spawn(definition, { name: 'control-plane-client' });
  }

  #apply(update: v1.Update): void {
    if (this.#mirror.accept(update) === 'apply') {
      const present = new Set(update.changed.map((resource) => resource.id));
      const removed = update.isSnapshot ? [...this.#resources.keys()].filter((id) => !present.has(id)) : update.removed;
      for (const resource of update.changed) {
        this.#resources.set(resource.id, resource);
        this.#notify(() => this.#listener.changed(resource));
      }
      for (const id of removed) {
        if (this.#resources.delete(id)) {
          this.#notify(() => this.#listener.removed(id));
        }
      }
    }
    this.#server.acknowledge({ pUid: this.#pUid, nonce: this.#mirror.nonce });
  }

  /** A listener that throws must not prevent the rest of an update, nor its acknowledgement. */
  #notify(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#log.error('a listener of the control plane client threw', { error: namedMessageOf(error) });
    }
  }

  #serverLost(): void {
    this.#lostError ??= new UnreachableError(
      'The control plane cannot be reached: its process ended, or the link to it was cut. This process is no longer part of the cluster.',
    );
    this.#listener.lost(this.#lostError);
  }

  /** Sends a request, always with the same tag, until it is answered. An error of the server rejects at once, as its handler threw it. */
  #repeat<Reply>(
    send: (identity: Identity, options: AskOptions) => Promise<Reply>,
    timeoutMs: number = limits.controlPlaneTimeoutMs,
  ): Promise<Reply> {
    const identity = { pUid: this.#pUid, tag: ++this.#tag };
    return retryAsk(this.#scheduler, timeoutMs, (options) => {
      if (this.#lostError !== undefined) {
        throw this.#lostError;
      }
      return send(identity, options).catch((error: unknown) => {
        throw thrownByHandler(error);
      });
    });
  }
}
