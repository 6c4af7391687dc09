import { ConfigError, ProtocolError, UnreachableError } from '../../errors.js';
import { firstOrdinalOf, firstProcessOf, ManagedPUidAllocator, OrdinalAllocator } from '../../ids/index.js';
import { limits } from '../../limits.js';
import { type Ref, v1 } from '../../protocol/index.js';
import { Groups } from './groups.js';
import { State } from './life-cycle.js';
import { assertNameLength, Names } from './names.js';
import { Pipelines } from './pipelines.js';
import { type Entry, ResourceTable } from './resource-table.js';

/** What the control plane knows of a process. */
export interface ProcessEntry {
  readonly pUid: bigint;
  readonly resource: number;
  readonly launch: string;
  readonly incarnation: bigint;
  readonly node: string;
  /** Unique among the processes of its node. */
  readonly name: string;
  readonly managesPipelines: boolean;
  /** Words by which others choose where to place actors. */
  readonly labels: readonly string[];
  readonly ordinals: readonly number[];
  readonly client: Ref | undefined;
}

/**
 * All state of the control plane, and the operations that change it. Plain state: it uses no actor, link or clock. Resources are
 * immutable: a change replaces them. `takeChanges` returns the ids of those that changed since the last call.
 */
export class ControlPlaneStore {
  readonly names = new Names();
  readonly groups: Groups;
  readonly pipelines: Pipelines;
  readonly #table = new ResourceTable();
  readonly #processes = new Map<bigint, ProcessEntry>();
  /** Processes by their launch. */
  readonly #launches = new Map<string, bigint>();
  /** Names of the processes of each node. */
  readonly #processNames = new Map<string, Set<string>>();
  readonly #pUids: ManagedPUidAllocator;
  readonly #ordinals: OrdinalAllocator;

  /** `incarnation` is that of the process that runs the control plane server: each incarnation assigns other ids. */
  constructor(incarnation = 0n) {
    this.#pUids = new ManagedPUidAllocator(firstProcessOf(incarnation));
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
    const known = this.#launched(request.launch);
    if (known !== undefined) return known;
    assertLabels(request.labels);
    for (const text of [request.launch, request.node, request.name, ...request.labels]) assertNameLength(text);
    const pUid = this.#pUids.next();
    const { launch, incarnation, node, managesPipelines, labels } = request;
    const name = this.#freeName(node, request.name);
    const value = v1.Process.create({ pUid, name, node });
    const entry: ProcessEntry = {
      pUid,
      resource: this.#table.create({ case: 'process', value }),
      launch,
      incarnation,
      node,
      name,
      managesPipelines,
      labels,
      ordinals: [],
      client: undefined,
    };
    this.#processes.set(pUid, entry);
    this.#launches.set(launch, pUid);
    this.#namesOf(node).add(name);
    return entry;
  }

  /** True if a process with this launch is connected. */
  isConnected(launch: string): boolean {
    return this.#launched(launch) !== undefined;
  }

  registerPartitions(pUid: bigint, addresses: readonly string[]): readonly number[] {
    const entry = this.process(pUid);
    if (entry.ordinals.length + addresses.length > limits.partitions) {
      throw new ProtocolError(`Process ${pUid} would have more than ${limits.partitions} partitions.`);
    }
    for (const address of addresses) assertNameLength(address);
    const ordinals = addresses.map((address) => {
      const ordinal = this.#ordinals.lease();
      this.#table.create({ case: 'partition', value: v1.Partition.create({ ordinal, pUid, address }) });
      return ordinal;
    });
    this.#processes.set(pUid, { ...entry, ordinals: [...entry.ordinals, ...ordinals] });
    return ordinals;
  }

  activate(pUid: bigint, client: Ref, segmentsManagers: readonly Ref[]): ProcessEntry {
    const entry = { ...this.process(pUid), client };
    this.#processes.set(pUid, entry);
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
    this.#processes.set(pUid, { ...entry, ordinals: entry.ordinals.filter((other) => other !== ordinal) });
  }

  /** The process has ended: removes its names, partitions and segments. Pipelines that depend on a segment fail by their policy. */
  retire(pUid: bigint, cause: string): ProcessEntry | undefined {
    const entry = this.#processes.get(pUid);
    if (entry === undefined) {
      return undefined;
    }
    this.#processes.delete(pUid);
    this.#launches.delete(entry.launch);
    const names = this.#namesOf(entry.node);
    names.delete(entry.name);
    if (names.size === 0) this.#processNames.delete(entry.node);
    this.names.retire(pUid);
    this.groups.retire(pUid);
    for (const ordinal of entry.ordinals) {
      const partition = this.#table.partition(ordinal);
      if (partition !== undefined) this.#table.remove(partition.resource.id);
    }
    this.#table.remove(entry.resource);
    this.pipelines.loseProcess(pUid, entry.ordinals, cause);
    return entry;
  }

  /** Throws UnreachableError for a process that is not connected. */
  process(pUid: bigint): ProcessEntry {
    const entry = this.#processes.get(pUid);
    if (entry === undefined) {
      throw new UnreachableError(`Process ${pUid} is not connected to the control plane. It must connect again.`);
    }
    return entry;
  }

  /**
   * The address of the partition that has this ordinal, in a process of this incarnation (0n: any). Undefined where there is none: then
   * there will never be one, because ids are not used twice.
   */
  locate(ordinal: number, incarnation: bigint): string | undefined {
    const partition = this.#table.partition(ordinal);
    if (partition === undefined) return undefined;
    const { address, pUid } = partition.detail;
    return incarnation === 0n || this.process(pUid).incarnation === incarnation ? address : undefined;
  }

  /** The partitions whose spawner is there and that meet all conditions. */
  findPartitions({ ordinals, node, process, label }: v1.PartitionsToFind): v1.FoundPartition[] {
    const found: v1.FoundPartition[] = [];
    for (const entry of this.#processes.values()) {
      if (node !== '' && entry.node !== node) continue;
      if (process !== '' && entry.name !== process) continue;
      if (label !== '' && !entry.labels.includes(label)) continue;
      for (const ordinal of entry.ordinals) {
        if (ordinals.length > 0 && !ordinals.includes(ordinal)) continue;
        const spawner = this.names.lookup(spawnerName(ordinal));
        if (spawner !== undefined) found.push({ ordinal, node: entry.node, process: entry.name, spawner });
      }
    }
    return found;
  }

  // ---- requests of a process

  /** Throws ConfigError when the name of an actor would be that of a group, or the other way around. */
  registerName(
    pUid: bigint,
    name: string,
    ref: Ref,
    { isGroup = false, isStandby = false }: { readonly isGroup?: boolean; readonly isStandby?: boolean } = {},
  ): void {
    this.process(pUid);
    if (isGroup ? this.names.lookup(name) !== undefined : this.groups.has(name)) {
      throw new ConfigError(
        `The name "${name}" is taken by ${isGroup ? 'an actor' : 'a group'}, so that it cannot be that of ${isGroup ? 'a group' : 'an actor'}.`,
      );
    }
    if (isGroup) this.groups.join(pUid, name, ref);
    else this.names.register(pUid, name, ref, isStandby);
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

  /** `name`, or `name-2`, `name-3` and so on where running processes of the node have it. */
  #freeName(node: string, name: string): string {
    const taken = this.#namesOf(node);
    let free = name;
    for (let suffix = 2; taken.has(free); suffix++) {
      free = `${name}-${suffix}`;
    }
    return free;
  }

  #partition(pUid: bigint, ordinal: number) {
    const partition = this.#table.partition(ordinal);
    if (partition?.detail.pUid !== pUid) {
      throw new ProtocolError(`Process ${pUid} has no partition ${ordinal}.`);
    }
    return partition;
  }

  #partitionsOf(pUid: bigint): Entry<v1.Partition>[] {
    const ordinals = this.#processes.get(pUid)?.ordinals ?? [];
    return ordinals.flatMap((ordinal) => this.#table.partition(ordinal) ?? []);
  }

  #launched(launch: string): ProcessEntry | undefined {
    const pUid = this.#launches.get(launch);
    return pUid === undefined ? undefined : this.#processes.get(pUid);
  }

  #namesOf(node: string): Set<string> {
    const names = this.#processNames.get(node) ?? new Set();
    this.#processNames.set(node, names);
    return names;
  }
}

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
