import { ConfigError, ProtocolError, Refusal } from '../../errors.js';
import { firstOrdinalOf, firstResourceOf, isManaged, OrdinalAllocator } from '../../ids/index.js';
import { limits } from '../../limits.js';
import { type Ref, v1 } from '../../protocol/index.js';
import { Groups } from './groups.js';
import { State } from './life-cycle.js';
import { assertNameLength, type NameClaim, Names } from './names.js';
import { Pipelines } from './pipelines.js';
import { type ProcessEntry, Processes } from './processes.js';
import { type Entry, ResourceTable } from './resource-table.js';

/**
 * All state of the control plane, and the operations that change it. Plain state: it uses no actor, link or clock. Resources are
 * immutable: a change replaces them. `takeChanges` returns the ids of those that changed since the last call.
 */
export class ControlPlaneStore {
  readonly names = new Names();
  readonly groups: Groups;
  readonly pipelines: Pipelines;
  readonly #table: ResourceTable;
  readonly #processes: Processes;
  readonly #ordinals: OrdinalAllocator;

  /** `incarnation` is that of the process that runs the control plane server: each incarnation assigns other ids. */
  constructor(incarnation = 0n) {
    this.#table = new ResourceTable(firstResourceOf(incarnation));
    this.#processes = new Processes(incarnation);
    this.#ordinals = new OrdinalAllocator(firstOrdinalOf(incarnation));
    this.groups = new Groups(this.#table);
    this.pipelines = new Pipelines(this.#table);
  }

  // ---- resources

  resource(id: number): v1.Resource | undefined {
    return this.#table.get(id);
  }

  resources(): IterableIterator<v1.Resource> {
    return this.#table.all();
  }

  takeChanges(): number[] {
    return this.#table.takeChanges();
  }

  // ---- processes and partitions

  /** A known launch is the same process: its request arrived twice. */
  connect(request: v1.ConnectProcess): ProcessEntry {
    if (request.launch === '') {
      throw new ProtocolError('The request of a process that connects must contain its launch id.');
    }
    const known = this.#processes.launched(request.launch);
    if (known !== undefined) return known;
    return this.#add(this.#processes.pUidFor(request), request);
  }

  /**
   * Takes a process back as it announces itself. A known launch is the same process: its announcement arrived twice. A Refusal with the reason
   * `FENCED` when another process has its p_uid or one of its ordinals.
   */
  readmit({ process, pUid, partitions, client, highestResource }: v1.Announcement): ProcessEntry {
    if (process === undefined || process.launch === '') {
      throw new ProtocolError('The announcement of a process must contain its launch id.');
    }
    if (partitions.length > limits.partitions) {
      throw new ProtocolError(`Process ${pUid} would have more than ${limits.partitions} partitions.`);
    }
    const known = this.#processes.launched(process.launch);
    if (known !== undefined) {
      this.#assertSame(known, process, pUid);
      this.#addPartitions(known, partitions);
      return this.#processes.get(pUid);
    }
    const ordinals = partitions.map(({ ordinal }) => ordinal);
    const taken = ordinals.find((ordinal) => this.#table.partition(ordinal) !== undefined);
    if (this.#processes.has(pUid) || taken !== undefined) {
      const what = taken === undefined ? `p_uid ${pUid}` : `ordinal ${taken}`;
      throw new Refusal(FENCED, `Another process has ${what} of process "${process.name}" by now.`);
    }
    this.#table.passOver(highestResource);
    this.#addPartitions(this.#add(pUid, process, client), partitions);
    return this.#processes.get(pUid);
  }

  /** True if a process with this launch is connected. */
  isConnected(launch: string): boolean {
    return this.#processes.launched(launch) !== undefined;
  }

  registerPartitions(pUid: bigint, addresses: readonly string[]): readonly number[] {
    const entry = this.process(pUid);
    if (entry.ordinals.length + addresses.length > limits.partitions) {
      throw new ProtocolError(`Process ${pUid} would have more than ${limits.partitions} partitions.`);
    }
    for (const address of addresses) assertNameLength(address);
    const ordinals = addresses.map((address) => {
      const ordinal = this.#nextOrdinal();
      this.#processes.listens(address);
      this.#table.create({ case: 'partition', value: v1.Partition.create({ ordinal, pUid, address }) });
      return ordinal;
    });
    this.#processes.put({ ...entry, ordinals: [...entry.ordinals, ...ordinals] });
    return ordinals;
  }

  activate(pUid: bigint, client: Ref, segmentsManagers: readonly Ref[]): ProcessEntry {
    const entry = { ...this.process(pUid), client };
    this.#processes.put(entry);
    this.#table.advance(entry.resource, State.RUNNING);
    for (const { resource, detail } of this.#partitionsOf(pUid)) {
      const segmentsManager = segmentsManagers[entry.ordinals.indexOf(detail.ordinal)];
      this.#table.put({ ...resource, detail: { case: 'partition', value: { ...detail, segmentsManager } } });
      this.#table.advance(resource.id, State.RUNNING);
    }
    return entry;
  }

  /** The partition is running: it may be given segments. */
  activatePartition(pUid: bigint, ordinal: number, segmentsManager: Ref): void {
    const { resource, detail } = this.#partition(pUid, ordinal);
    this.#table.put({ ...resource, detail: { case: 'partition', value: { ...detail, segmentsManager } } });
    this.#table.advance(resource.id, State.RUNNING);
  }

  /** One partition has ended, with its segments; the process continues. Does nothing for an unknown one, which has ended already. */
  retirePartition(pUid: bigint, ordinal: number, cause: string): void {
    const entry = this.process(pUid);
    if (!entry.ordinals.includes(ordinal)) {
      return;
    }
    this.#table.remove(this.#partition(pUid, ordinal).resource.id);
    this.names.retirePartition(pUid, ordinal);
    this.groups.retirePartition(pUid, ordinal);
    this.pipelines.loseSegments([ordinal], cause);
    this.#processes.put({ ...entry, ordinals: entry.ordinals.filter((other) => other !== ordinal) });
  }

  /**
   * The process has ended: removes its names, partitions and segments. Pipelines that depend on a segment fail by their policy. `isLost`: it
   * cannot be reached, and may live on and come back.
   */
  retire(pUid: bigint, cause: string, isLost = false): ProcessEntry | undefined {
    if (!this.#processes.has(pUid)) return undefined;
    const entry = this.#processes.get(pUid);
    this.#processes.remove(entry);
    this.names.retire(pUid);
    this.groups.retire(pUid);
    for (const ordinal of entry.ordinals) {
      const partition = this.#table.partition(ordinal);
      if (partition === undefined) continue;
      this.#table.remove(partition.resource.id);
      const { address } = partition.detail;
      if (isLost) this.#processes.lost(ordinal, { incarnation: entry.incarnation, address });
    }
    this.#table.remove(entry.resource);
    this.pipelines.loseProcess(pUid, entry.ordinals, cause);
    return entry;
  }

  hasProcess(pUid: bigint): boolean {
    return this.#processes.has(pUid);
  }

  /** Throws UnreachableError for a process that is not connected. */
  process(pUid: bigint): ProcessEntry {
    return this.#processes.get(pUid);
  }

  /**
   * The address of the partition that has this ordinal, in a process of this incarnation (0n: any). Undefined where there is none: then
   * there will never be one, because ids are not used twice. Of a process that was lost it is the last address.
   */
  locate(ordinal: number, incarnation: bigint): string | undefined {
    const partition = this.#table.partition(ordinal);
    if (partition === undefined) return this.#processes.lastAddressOf(ordinal, incarnation);
    const { address, pUid } = partition.detail;
    return incarnation === 0n || this.process(pUid).incarnation === incarnation ? address : undefined;
  }

  /** The partitions whose spawner is there and that meet all conditions. */
  findPartitions({ ordinals, node, process, label }: v1.PartitionsToFind): v1.FoundPartition[] {
    const found: v1.FoundPartition[] = [];
    for (const entry of this.#processes.all()) {
      if (node !== '' && entry.node !== node) continue;
      if (process !== '' && entry.name !== process) continue;
      if (label !== '' && !entry.labels.includes(label)) continue;
      if (!isManaged(entry.pUid)) continue;
      for (const ordinal of entry.ordinals) {
        if (ordinals.length > 0 && !ordinals.includes(ordinal)) continue;
        const spawner = this.names.lookup(spawnerName(ordinal));
        if (spawner !== undefined) found.push({ ordinal, node: entry.node, process: entry.name, spawner });
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
    this.process(pUid);
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

  startPipeline(pUid: bigint, definition: string, mapping: readonly v1.Mapping[]): number {
    const { client } = this.process(pUid);
    return this.pipelines.start({ definition, mapping, startedBy: pUid, observer: client });
  }

  /** Ignores reports about removed resources. Throws ProtocolError when the process does not own the resource. */
  report(report: v1.ResourceReport): void {
    const process = this.process(report.pUid);
    const resource = this.#table.get(report.id);
    if (resource === undefined) {
      return;
    }
    if (!owns(process, resource)) {
      throw new ProtocolError(`Process ${report.pUid} reported on resource ${report.id}, which it does not own.`);
    }
    this.pipelines.report(resource, report);
  }

  #add(pUid: bigint, request: v1.ConnectProcess, client?: Ref): ProcessEntry {
    const { launch, incarnation, secret, node, managesPipelines, labels } = request;
    assertLabels(labels);
    for (const text of [launch, node, request.name, ...labels]) assertNameLength(text);
    const value = v1.Process.create({ pUid, name: request.name, node });
    const resource = this.#table.create({ case: 'process', value });
    const known = { launch, incarnation, secret, node, managesPipelines, labels };
    const entry = this.#processes.add({ ...known, pUid, resource, name: request.name, ordinals: [], client });
    if (entry.name !== request.name)
      this.#table.describe(resource, { case: 'process', value: { ...value, name: entry.name } });
    if (client !== undefined) this.#table.advance(resource, State.RUNNING);
    return entry;
  }

  /** Adds the partitions that the process does not have yet. */
  #addPartitions(entry: ProcessEntry, partitions: readonly v1.AnnouncedPartition[]): void {
    const added = partitions.filter(({ ordinal }) => !entry.ordinals.includes(ordinal));
    for (const { address } of added) assertNameLength(address);
    const { pUid } = entry;
    for (const { ordinal, address, segmentsManager } of added) {
      this.#processes.found(ordinal);
      this.#processes.listens(address);
      const value = v1.Partition.create({ ordinal, pUid, address, segmentsManager });
      const id = this.#table.create({ case: 'partition', value });
      if (segmentsManager !== undefined) this.#table.advance(id, State.RUNNING);
    }
    this.#processes.put({ ...entry, ordinals: [...entry.ordinals, ...added.map(({ ordinal }) => ordinal)] });
  }

  #assertSame(known: ProcessEntry, { secret }: v1.ConnectProcess, pUid: bigint): void {
    if (known.secret !== secret || known.pUid !== pUid) {
      throw new ProtocolError(`An announcement of process "${known.name}" was refused: it is not from that process.`);
    }
  }

  /** One that no process has, whether it has been leased here or was announced. */
  #nextOrdinal(): number {
    let ordinal = this.#ordinals.lease();
    while (this.#table.partition(ordinal) !== undefined) ordinal = this.#ordinals.lease();
    return ordinal;
  }

  #partition(pUid: bigint, ordinal: number) {
    const partition = this.#table.partition(ordinal);
    if (partition?.detail.pUid !== pUid) {
      throw new ProtocolError(`Process ${pUid} has no partition ${ordinal}.`);
    }
    return partition;
  }

  #partitionsOf(pUid: bigint): Entry<v1.Partition>[] {
    const { ordinals } = this.#processes.get(pUid);
    return ordinals.flatMap((ordinal) => this.#table.partition(ordinal) ?? []);
  }
}

/** Reason of the Refusal of a process whose ids another one has: it can never come back. */
export const FENCED = 'FENCED';

/** The name of the actor that places actors in a partition. */
export function spawnerName(ordinal: number): string {
  return `millrace/spawner/${ordinal}`;
}

function assertLabels(labels: readonly string[]): void {
  if (labels.length > limits.processLabels) {
    throw new ProtocolError(`A process has ${labels.length} labels: the limit is ${limits.processLabels}.`);
  }
}

/** A segment belongs to its partition's process, a manifold to the process that manages pipelines, the rest to the control plane. */
function owns(process: ProcessEntry, { detail }: v1.Resource): boolean {
  switch (detail.case) {
    case 'segment':
      return process.ordinals.includes(detail.value.partition);
    case 'manifold':
      return process.managesPipelines;
    default:
      return false;
  }
}
