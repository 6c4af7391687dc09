import { ProtocolError, Refusal } from '../../../errors.js';
import { firstOrdinalOf, OrdinalAllocator } from '../../../ids/index.js';
import { limits } from '../../../limits.js';
import { type Ref, v1 } from '../../../protocol/index.js';
import { State } from './life-cycle.js';
import { assertNameLength } from './names.js';
import { noProcesses, type ProcessEntry, Processes, type ProcessesState } from './processes.js';
import type { Entry, ResourceTable } from './resource-table.js';

export interface MembersState {
  readonly processes: ProcessesState;
  readonly nextOrdinal: number;
}

/** `incarnation` is that of the process that serves the control plane: each incarnation gives other ids. */
export function noMembers(incarnation: bigint): MembersState {
  return { processes: noProcesses(incarnation), nextOrdinal: firstOrdinalOf(incarnation) };
}

/** Reason of the Refusal of a process whose ids another one has: it can never come back. */
export const FENCED = 'FENCED';

/** The members of the cluster: processes and their partitions, from the first request to the end. */
export class Members {
  readonly #table: ResourceTable;
  readonly #processes: Processes;
  #nextOrdinal: number;

  constructor({ processes, nextOrdinal }: MembersState, table: ResourceTable) {
    this.#table = table;
    this.#processes = new Processes(processes);
    this.#nextOrdinal = nextOrdinal;
  }

  get state(): MembersState {
    return { processes: this.#processes.state, nextOrdinal: this.#nextOrdinal };
  }

  all(): Iterable<ProcessEntry> {
    return this.#processes.all();
  }

  has(pUid: bigint): boolean {
    return this.#processes.has(pUid);
  }

  /** Throws UnreachableError for a process that is not connected. */
  get(pUid: bigint): ProcessEntry {
    return this.#processes.get(pUid);
  }

  /** Names a process in errors. */
  shown(pUid: bigint): string {
    if (!this.#processes.has(pUid)) return `process ${pUid}`;
    const { name, node } = this.#processes.get(pUid);
    return `process "${name}" of node "${node}"`;
  }

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
    if (known !== undefined) this.#assertSame(known, process, pUid);
    const taken = partitions.find(({ ordinal }) => this.#isOfAnother(ordinal, known));
    if (taken !== undefined || (known === undefined && this.#processes.has(pUid))) {
      const what = taken === undefined ? `p_uid ${pUid}` : `ordinal ${taken.ordinal}`;
      throw new Refusal(FENCED, `Another process has ${what} of process "${process.name}" by now.`);
    }
    if (known === undefined) this.#table.passOver(highestResource);
    this.#addPartitions(known ?? this.#add(pUid, process, client), partitions);
    return this.#processes.get(pUid);
  }

  /** True if a process with this launch is connected. */
  isConnected(launch: string): boolean {
    return this.#processes.launched(launch) !== undefined;
  }

  registerPartitions(pUid: bigint, addresses: readonly string[]): readonly number[] {
    const entry = this.get(pUid);
    if (entry.ordinals.length + addresses.length > limits.partitions) {
      throw new ProtocolError(`Process ${pUid} would have more than ${limits.partitions} partitions.`);
    }
    for (const address of addresses) assertNameLength(address);
    const ordinals = addresses.map((address) => {
      const ordinal = this.#leaseOrdinal();
      this.#processes.listens(address);
      this.#table.create({ case: 'partition', value: v1.Partition.create({ ordinal, pUid, address }) });
      return ordinal;
    });
    this.#processes.put({ ...entry, ordinals: [...entry.ordinals, ...ordinals] });
    return ordinals;
  }

  activate(pUid: bigint, client: Ref, segmentsManagers: readonly Ref[]): ProcessEntry {
    const entry = { ...this.get(pUid), client };
    this.#processes.put(entry);
    this.#table.advance(entry.resource, State.RUNNING);
    for (const { resource, detail } of this.#partitionsOf(entry)) {
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

  /** False for an unknown one, which has ended already. */
  partitionEnded(pUid: bigint, ordinal: number): boolean {
    const entry = this.get(pUid);
    if (!entry.ordinals.includes(ordinal)) return false;
    this.#table.remove(this.#partition(pUid, ordinal).resource.id);
    this.#processes.put({ ...entry, ordinals: entry.ordinals.filter((other) => other !== ordinal) });
    return true;
  }

  /** Removes a process with its partitions. `isLost`: it cannot be reached, and may live on and come back. */
  ended(pUid: bigint, isLost: boolean): ProcessEntry | undefined {
    if (!this.has(pUid)) return undefined;
    const entry = this.get(pUid);
    this.#processes.remove(entry);
    for (const { resource, detail } of this.#partitionsOf(entry)) {
      this.#table.remove(resource.id);
      const { ordinal, address } = detail;
      if (isLost) this.#processes.lost(ordinal, { incarnation: entry.incarnation, address });
    }
    this.#table.remove(entry.resource);
    return entry;
  }

  /** The resource of a process has another id. */
  renumbered(pUid: bigint, resource: number): void {
    this.#processes.put({ ...this.get(pUid), resource });
  }

  /**
   * The address of the partition that has this ordinal, in a process of this incarnation (0n: any). Undefined where there is none: then
   * there will never be one, because ids are not used twice. Of a process that was lost it is the last address.
   */
  locate(ordinal: number, incarnation: bigint): string | undefined {
    const partition = this.#table.partition(ordinal);
    if (partition === undefined) return this.#processes.lastAddressOf(ordinal, incarnation);
    const { address, pUid } = partition.detail;
    return incarnation === 0n || this.get(pUid).incarnation === incarnation ? address : undefined;
  }

  #isOfAnother(ordinal: number, process: ProcessEntry | undefined): boolean {
    const partition = this.#table.partition(ordinal);
    return partition !== undefined && partition.detail.pUid !== process?.pUid;
  }

  #add(pUid: bigint, request: v1.ConnectProcess, client?: Ref): ProcessEntry {
    const { launch, incarnation, secret, node, labels } = request;
    assertLabels(labels);
    for (const text of [launch, node, request.name, ...labels]) assertNameLength(text);
    const value = v1.Process.create({ pUid, name: request.name, node });
    const resource = this.#table.create({ case: 'process', value });
    const known = { launch, incarnation, secret, node, labels };
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
  #leaseOrdinal(): number {
    for (;;) {
      const ordinal = new OrdinalAllocator(this.#nextOrdinal).lease();
      this.#nextOrdinal = ordinal + 1;
      if (this.#table.partition(ordinal) === undefined) return ordinal;
    }
  }

  #partition(pUid: bigint, ordinal: number) {
    const partition = this.#table.partition(ordinal);
    if (partition?.detail.pUid !== pUid) {
      throw new ProtocolError(`Process ${pUid} has no partition ${ordinal}.`);
    }
    return partition;
  }

  #partitionsOf({ ordinals }: ProcessEntry): Entry<v1.Partition>[] {
    return ordinals.flatMap((ordinal) => this.#table.partition(ordinal) ?? []);
  }
}

function assertLabels(labels: readonly string[]): void {
  if (labels.length > limits.processLabels) {
    throw new ProtocolError(`A process has ${labels.length} labels: the limit is ${limits.processLabels}.`);
  }
}
