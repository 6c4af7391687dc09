import { ConfigError, ProtocolError } from '../../../errors.js';
import { isManaged } from '../../../ids/index.js';
import type { Ref, v1 } from '../../../protocol/index.js';
import type { ControlPlaneState } from './control-plane-state.js';
import { Groups } from './groups.js';
import { Members } from './members.js';
import { type NameClaim, Names } from './names.js';
import { Pipelines } from './pipelines.js';
import type { ProcessEntry } from './processes.js';
import { isPartMissing } from './regained-pipelines.js';
import { ResourceTable } from './resource-table.js';

/**
 * What the control plane knows, while one event changes it: the operations, each of which replaces parts of the state from which the draft was
 * made. That state itself never changes, and `state` is the next one. Uses no actor, link or clock. Also reads a state.
 */
export class Draft {
  readonly members: Members;
  readonly names: Names;
  readonly groups: Groups;
  readonly pipelines: Pipelines;
  readonly #table: ResourceTable;

  constructor({ server, resources, members, names, groups, pipelines }: Omit<ControlPlaneState, 'answers'>) {
    this.#table = new ResourceTable(resources);
    this.members = new Members(members, this.#table);
    this.names = new Names(names, (pUid) => this.members.shown(pUid));
    this.groups = new Groups(groups, this.#table);
    this.pipelines = new Pipelines(pipelines, this.#table, server.recovery === 'running');
  }

  get state(): KnownState {
    return {
      resources: this.#table.state,
      members: this.members.state,
      names: this.names.state,
      groups: this.groups.state,
      pipelines: this.pipelines.state,
    };
  }

  // ---- resources

  /** A manifold is without its members: see `complete`. */
  resource(id: number): v1.Resource | undefined {
    return this.#table.get(id);
  }

  /** The resource with all that others are told of it. It costs as many steps as a manifold has members. */
  complete(resource: v1.Resource): v1.Resource {
    return this.#table.complete(resource);
  }

  /** How many ids `complete` adds to a resource. */
  countMembers(id: number): number {
    return this.#table.countMembers(id);
  }

  /** All, in order of creation, as others are told of them. */
  *resources(): Generator<v1.Resource> {
    for (const resource of this.#table.all()) yield this.complete(resource);
  }

  /** What a process has to know of: itself, its partitions and their segments, and the pipelines that it has started, with their parts. */
  resourcesFor(pUid: bigint): readonly v1.Resource[] {
    const { pipelineParts } = this.#table;
    const { resource, ordinals } = this.members.get(pUid);
    const pipelines = pipelineParts.startedBy(pUid);
    const ids = new Set([
      resource,
      ...ordinals.flatMap((ordinal) => this.#table.partition(ordinal)?.resource.id ?? []),
      ...pipelines.flatMap((id) => [id, ...pipelineParts.manifolds(id), ...pipelineParts.segments(id)]),
      ...ordinals.flatMap((ordinal) => pipelineParts.segmentsAt(ordinal)),
    ]);
    return [...ids].sort((one, other) => one - other).flatMap((id) => this.#table.get(id) ?? []);
  }

  /** The processes that have to know of a resource, beside those that watch a group for its members. */
  concernedBy({ detail }: v1.Resource): readonly bigint[] {
    switch (detail.case) {
      case 'partition':
      case 'process':
        return [detail.value.pUid];
      case 'pipeline':
        return [detail.value.startedBy];
      case 'manifold':
        return this.#starterOf(detail.value.pipeline);
      case 'segment': {
        const partition = this.#table.partition(detail.value.partition)?.detail;
        return [...(partition === undefined ? [] : [partition.pUid]), ...this.#starterOf(detail.value.pipeline)];
      }
      default:
        return [];
    }
  }

  groupMembers(group: string): readonly v1.Resource[] {
    return this.groups.members(group).flatMap((id) => this.#table.get(id) ?? []);
  }

  /** Ids of the resources that the event has created, changed or removed. */
  get changes(): readonly number[] {
    return this.#table.changes;
  }

  // ---- processes and partitions

  /** One partition has ended, with its segments; the process continues. Does nothing for an unknown one, which has ended already. */
  retirePartition(pUid: bigint, ordinal: number, cause: string): void {
    if (!this.members.partitionEnded(pUid, ordinal)) return;
    this.names.retirePartition(pUid, ordinal);
    this.groups.retirePartition(pUid, ordinal);
    this.pipelines.loseSegments([ordinal], cause);
  }

  /**
   * The process has ended: removes its names, partitions and segments. Pipelines that depend on a segment fail by their policy. `isLost`: it
   * cannot be reached, and may live on and come back.
   */
  retire(pUid: bigint, cause: string, isLost = false): ProcessEntry | undefined {
    const entry = this.members.ended(pUid, isLost);
    if (entry === undefined) return undefined;
    this.names.retire(pUid);
    this.groups.retire(pUid);
    this.pipelines.loseProcess(pUid, entry.ordinals, cause);
    return entry;
  }

  /** The partitions of the application that can run segments, or whose spawner is there, and that meet all conditions. */
  findPartitions({ ordinals, node, process, label, forSegments }: v1.PartitionsToFind): v1.FoundPartition[] {
    const found: v1.FoundPartition[] = [];
    for (const entry of this.members.all()) {
      if (node !== '' && entry.node !== node) continue;
      if (process !== '' && entry.name !== process) continue;
      if (label !== '' && !entry.labels.includes(label)) continue;
      if (!isManaged(entry.pUid)) continue;
      const [first = 0] = entry.ordinals;
      const spawnerHost = this.names.lookup(spawnerHostName(first));
      for (const ordinal of entry.ordinals) {
        if (ordinals.length > 0 && !ordinals.includes(ordinal)) continue;
        const running = this.#table.runningPartition(ordinal);
        const spawner = this.names.lookup(spawnerName(ordinal));
        if (forSegments ? running === undefined : spawner === undefined) continue;
        const address = this.#table.partition(ordinal)?.detail.address ?? '';
        found.push({ ordinal, node: entry.node, process: entry.name, spawner, spawnerHost, address });
      }
    }
    return found;
  }

  // ---- requests of a process

  /**
   * Returns the place of the actor among those of its name; 0 for a group. Throws ConfigError when the name of an actor would be that of a
   * group, or the other way around.
   */
  registerName(
    pUid: bigint,
    name: string,
    ref: Ref,
    { isGroup = false, ...claim }: NameClaim & { readonly isGroup?: boolean } = {},
  ): number {
    this.members.get(pUid);
    if (isGroup ? this.names.has(name) : this.groups.has(name)) {
      throw new ConfigError(
        `The name "${name}" is taken by ${isGroup ? 'an actor' : 'a group'}, so that it cannot be that of ${isGroup ? 'a group' : 'an actor'}.`,
      );
    }
    if (!isGroup) return this.names.register(pUid, name, ref, claim);
    this.groups.join(pUid, name, ref);
    return 0;
  }

  /** Does nothing when another process has the name by now. */
  unregisterName(pUid: bigint, name: string, cUid: bigint, isGroup = false): void {
    if (isGroup) this.groups.leave(pUid, name, cUid);
    else this.names.unregister(pUid, name, cUid);
  }

  regainPipelines(announced: v1.PipelinesToAnnounce): void {
    for (const resource of announced.resources) this.#makeRoom(resource);
    this.pipelines.announced(this.members.get(announced.pUid), announced);
  }

  /**
   * Pipelines and their parts keep their ids, because processes know them. Each process says how high the ids are that it has seen, and the ids that are
   * given here begin above those. But one that is announced later may have seen higher ones: what has got such an id here gets another.
   */
  #makeRoom({ id, detail }: v1.Resource): void {
    const known = this.#table.get(id);
    if (known === undefined || known.detail.case === detail.case) return;
    this.#table.passOver(id);
    const { detail: held } = known;
    // Parts of pipelines have ids that others know: for those, `announced` refuses the one that is announced.
    if (held.case !== 'process' && held.case !== 'partition' && held.case !== 'groupMember') return;
    const next = this.#table.renumber(known);
    if (held.case === 'process') this.members.renumbered(held.value.pUid, next);
    if (held.case === 'groupMember') this.groups.renumbered(held.value, next);
  }

  /** During the recovery: see isPartMissing of the regained pipelines. */
  isPartMissing(): boolean {
    return isPartMissing(this.#table);
  }

  /** The processes of the cluster had time to announce what they have. */
  recoveryEnded(): void {
    this.names.settle();
    this.pipelines.recoveryEnded();
  }

  startPipeline(pUid: bigint, definition: string, mapping: readonly v1.Mapping[]): number {
    const { client } = this.members.get(pUid);
    return this.pipelines.start({ definition, mapping, startedBy: pUid, observer: client });
  }

  /** Throws ProtocolError when another process has started the pipeline. */
  expandPipeline(parts: v1.PipelineParts): void {
    const startedBy = this.#table.pipeline(parts.pipeline)?.detail.startedBy;
    if (startedBy !== undefined && startedBy !== parts.pUid) {
      throw new ProtocolError(
        `Process ${parts.pUid} cannot expand pipeline ${parts.pipeline}, which it has not started.`,
      );
    }
    this.pipelines.expand(parts);
  }

  /** Ignores reports about removed resources. Throws ProtocolError when the process does not own the resource. */
  report(report: v1.ResourceReport): void {
    const process = this.members.get(report.pUid);
    const resource = this.#table.get(report.id);
    if (resource === undefined) {
      return;
    }
    if (!this.#owns(process, resource)) {
      throw new ProtocolError(`Process ${report.pUid} reported on resource ${report.id}, which it does not own.`);
    }
    this.pipelines.report(resource, report);
  }

  /** A segment belongs to its partition's process, a manifold to the process that has started its pipeline, the rest to the control plane. */
  #owns(process: ProcessEntry, { detail }: v1.Resource): boolean {
    switch (detail.case) {
      case 'segment':
        return process.ordinals.includes(detail.value.partition);
      case 'manifold':
        return this.#table.pipeline(detail.value.pipeline)?.detail.startedBy === process.pUid;
      default:
        return false;
    }
  }

  #starterOf(pipeline: number): readonly bigint[] {
    const detail = this.#table.pipeline(pipeline)?.detail;
    return detail === undefined ? [] : [detail.startedBy];
  }
}

/** What a draft changes. */
type KnownState = Omit<ControlPlaneState, 'server' | 'answers'>;

/** The name of the actor that places actors in a partition. */
export function spawnerName(ordinal: number): string {
  return `millrace/spawner/${ordinal}`;
}

/** The name of the actor that has hosted partitions ended whose spawners do not answer, by the first ordinal of their process. */
export function spawnerHostName(first: number): string {
  return `millrace/spawner-host/${first}`;
}
