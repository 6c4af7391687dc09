import { ConfigError, UnreachableError } from '../../errors.js';
import { firstProcessOf, ManagedPUidAllocator, pUid } from '../../ids/index.js';
import { limits } from '../../limits.js';
import type { Ref, v1 } from '../../protocol/index.js';

/** What the control plane knows of a process. */
export interface ProcessEntry {
  readonly pUid: bigint;
  readonly resource: number;
  readonly launch: string;
  readonly incarnation: bigint;
  /** Known to the process and the control plane only. */
  readonly secret: bigint;
  readonly node: string;
  /** Unique among the processes of its node. */
  readonly name: string;
  readonly managesPipelines: boolean;
  /** Words by which others choose where to place actors. */
  readonly labels: readonly string[];
  readonly ordinals: readonly number[];
  readonly client: Ref | undefined;
}

/** Where a partition was when its process was lost. */
interface LostPartition {
  readonly incarnation: bigint;
  readonly address: string;
}

/**
 * The processes of the cluster, by p_uid and launch, with the names that they have on their nodes. Remembers where the partitions of lost
 * processes were: such a process may live on behind a cut, and come back.
 */
export class Processes {
  readonly #entries = new Map<bigint, ProcessEntry>();
  readonly #launches = new Map<string, bigint>();
  readonly #namesByNode = new Map<string, Set<string>>();
  readonly #lost = new Map<number, LostPartition>();
  /** Ordinals of lost partitions by their addresses. */
  readonly #lostAt = new Map<string, number>();
  readonly #pUids: ManagedPUidAllocator;

  /** `incarnation` is that of the process that runs the control plane server. */
  constructor(incarnation: bigint) {
    this.#pUids = new ManagedPUidAllocator(firstProcessOf(incarnation));
  }

  /** The p_uid that a process was launched with, or the next one that is free. Throws ConfigError for one that another process has. */
  pUidFor({ pUid: launched, name }: v1.ConnectProcess): bigint {
    if (launched !== undefined) {
      const holder = this.#entries.get(pUid(launched));
      if (holder === undefined) return launched;
      throw new ConfigError(
        `Process "${name}" was launched with the p_uid ${launched}, which process "${holder.name}" has: one p_uid is one process.`,
      );
    }
    let next = this.#pUids.next();
    while (this.#entries.has(next)) next = this.#pUids.next();
    return next;
  }

  all(): IterableIterator<ProcessEntry> {
    return this.#entries.values();
  }

  has(pUid: bigint): boolean {
    return this.#entries.has(pUid);
  }

  /** Throws UnreachableError for a process that is not connected. */
  get(pUid: bigint): ProcessEntry {
    const entry = this.#entries.get(pUid);
    if (entry === undefined) {
      throw new UnreachableError(`Process ${pUid} is not connected to the control plane. It must connect again.`);
    }
    return entry;
  }

  launched(launch: string): ProcessEntry | undefined {
    const pUid = this.#launches.get(launch);
    return pUid === undefined ? undefined : this.#entries.get(pUid);
  }

  /** Adds a process, under its name or the next that is free on its node. */
  add(entry: ProcessEntry): ProcessEntry {
    const { pUid, launch, node } = entry;
    const name = this.#freeName(node, entry.name);
    const named = { ...entry, name };
    this.#entries.set(pUid, named);
    this.#launches.set(launch, pUid);
    this.#namesByNode.set(node, this.#namesOf(node).add(name));
    return named;
  }

  /** Replaces the entry of a process. Its launch, node and name must be the same. */
  put(entry: ProcessEntry): void {
    this.#entries.set(entry.pUid, entry);
  }

  remove({ pUid, launch, node, name }: ProcessEntry): void {
    this.#entries.delete(pUid);
    this.#launches.delete(launch);
    const names = this.#namesOf(node);
    names.delete(name);
    if (names.size === 0) this.#namesByNode.delete(node);
  }

  /** The process of the partition cannot be reached, and may come back. The oldest is forgotten past `lostPartitions`. */
  lost(ordinal: number, partition: LostPartition): void {
    this.#lost.set(ordinal, partition);
    this.#lostAt.set(partition.address, ordinal);
    const [oldest] = this.#lost.keys();
    if (this.#lost.size > limits.lostPartitions && oldest !== undefined) this.found(oldest);
  }

  /** The partition is there again, or has ended for certain. */
  found(ordinal: number): void {
    const lost = this.#lost.get(ordinal);
    if (lost === undefined) return;
    this.#lost.delete(ordinal);
    if (this.#lostAt.get(lost.address) === ordinal) this.#lostAt.delete(lost.address);
  }

  /** Another partition listens at this address: one that was lost there has ended. */
  listens(address: string): void {
    const lost = this.#lostAt.get(address);
    if (lost !== undefined) this.found(lost);
  }

  /** Where a partition of a lost process was, in a process of this incarnation (0n: any). */
  lastAddressOf(ordinal: number, incarnation: bigint): string | undefined {
    const lost = this.#lost.get(ordinal);
    return incarnation === 0n || lost?.incarnation === incarnation ? lost?.address : undefined;
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

  #namesOf(node: string): Set<string> {
    return this.#namesByNode.get(node) ?? new Set();
  }
}
