import { ConfigError, UnreachableError } from '../../../errors.js';
import { firstProcessOf, ManagedPUidAllocator, pUid } from '../../../ids/index.js';
import { limits } from '../../../limits.js';
import { PersistentMap } from '../../../persistent-map.js';
import type { Ref, v1 } from '../../../protocol/index.js';

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
  /** Words by which others choose where to place actors. */
  readonly labels: readonly string[];
  readonly ordinals: readonly number[];
  readonly client: Ref | undefined;
}

/** Where a partition was when its process was lost. */
interface LostPartition {
  readonly incarnation: bigint;
  readonly address: string;
  /** Grows with each partition that is lost. */
  readonly sequence: number;
}

export interface ProcessesState {
  readonly entries: PersistentMap<bigint, ProcessEntry>;
  readonly launches: PersistentMap<string, bigint>;
  readonly namesByNode: PersistentMap<string, PersistentMap<string, true>>;
  /** By ordinal. */
  readonly lost: PersistentMap<number, LostPartition>;
  /** Ordinals of lost partitions, the oldest first. */
  readonly lostInOrder: PersistentMap<number, number>;
  /** Ordinals of lost partitions by their addresses. */
  readonly lostAt: PersistentMap<string, number>;
  readonly lostCount: number;
  /** The index of the next process. */
  readonly next: bigint;
}

/** `incarnation` is that of the process that serves the control plane. */
export function noProcesses(incarnation: bigint): ProcessesState {
  return {
    entries: PersistentMap.empty(),
    launches: PersistentMap.empty(),
    namesByNode: PersistentMap.empty(),
    lost: PersistentMap.empty(),
    lostInOrder: PersistentMap.empty(),
    lostAt: PersistentMap.empty(),
    lostCount: 0,
    next: firstProcessOf(incarnation),
  };
}

/**
 * The processes of the cluster, by p_uid and launch, with the names that they have on their nodes. Remembers where the partitions of lost
 * processes were: such a process may live on behind a cut, and come back.
 */
export class Processes {
  #state: ProcessesState;

  constructor(state: ProcessesState) {
    this.#state = state;
  }

  get state(): ProcessesState {
    return this.#state;
  }

  /** The p_uid that a process was launched with, or the next one that is free. Throws ConfigError for one that another process has. */
  pUidFor({ pUid: launched, name }: v1.ConnectProcess): bigint {
    if (launched === undefined) return this.#nextPUid();
    const holder = this.#state.entries.get(pUid(launched));
    if (holder === undefined) return launched;
    throw new ConfigError(
      `Process "${name}" was launched with the p_uid ${launched}, which process "${holder.name}" has: one p_uid is one process.`,
    );
  }

  all(): Iterable<ProcessEntry> {
    return this.#state.entries.values();
  }

  has(pUid: bigint): boolean {
    return this.#state.entries.has(pUid);
  }

  /** Throws UnreachableError for a process that is not connected. */
  get(pUid: bigint): ProcessEntry {
    const entry = this.#state.entries.get(pUid);
    if (entry === undefined) {
      throw new UnreachableError(`Process ${pUid} is not connected to the control plane. It must connect again.`);
    }
    return entry;
  }

  launched(launch: string): ProcessEntry | undefined {
    const pUid = this.#state.launches.get(launch);
    return pUid === undefined ? undefined : this.#state.entries.get(pUid);
  }

  /** Adds a process, under its name or the next that is free on its node. */
  add(entry: ProcessEntry): ProcessEntry {
    const { entries, launches, namesByNode } = this.#state;
    const { pUid, launch, node } = entry;
    const taken = this.#namesOf(node);
    const name = freeName(taken, entry.name);
    const named = { ...entry, name };
    this.#change({
      entries: entries.with(pUid, named),
      launches: launches.with(launch, pUid),
      namesByNode: namesByNode.with(node, taken.with(name, true)),
    });
    return named;
  }

  /** Replaces the entry of a process. Its launch, node and name must be the same. */
  put(entry: ProcessEntry): void {
    this.#change({ entries: this.#state.entries.with(entry.pUid, entry) });
  }

  remove({ pUid, launch, node, name }: ProcessEntry): void {
    const { entries, launches, namesByNode } = this.#state;
    const names = this.#namesOf(node).without(name);
    this.#change({
      entries: entries.without(pUid),
      launches: launches.without(launch),
      namesByNode: names.size === 0 ? namesByNode.without(node) : namesByNode.with(node, names),
    });
  }

  /** The process of the partition cannot be reached, and may come back. The oldest is forgotten past `lostPartitions`. */
  lost(ordinal: number, partition: Omit<LostPartition, 'sequence'>): void {
    this.found(ordinal);
    const { lost, lostInOrder, lostAt, lostCount: sequence } = this.#state;
    this.#change({
      lost: lost.with(ordinal, { ...partition, sequence }),
      lostInOrder: lostInOrder.with(sequence, ordinal),
      lostAt: lostAt.with(partition.address, ordinal),
      lostCount: sequence + 1,
    });
    const oldest = this.#state.lostInOrder.get(this.#state.lostInOrder.first ?? 0);
    if (this.#state.lost.size > limits.lostPartitions && oldest !== undefined) this.found(oldest);
  }

  /** The partition is there again, or has ended for certain. */
  found(ordinal: number): void {
    const { lost, lostInOrder, lostAt } = this.#state;
    const known = lost.get(ordinal);
    if (known === undefined) return;
    this.#change({
      lost: lost.without(ordinal),
      lostInOrder: lostInOrder.without(known.sequence),
      lostAt: lostAt.get(known.address) === ordinal ? lostAt.without(known.address) : lostAt,
    });
  }

  /** Another partition listens at this address: one that was lost there has ended. */
  listens(address: string): void {
    const lost = this.#state.lostAt.get(address);
    if (lost !== undefined) this.found(lost);
  }

  /** Where a partition of a lost process was, in a process of this incarnation (0n: any). */
  lastAddressOf(ordinal: number, incarnation: bigint): string | undefined {
    const lost = this.#state.lost.get(ordinal);
    return incarnation === 0n || lost?.incarnation === incarnation ? lost?.address : undefined;
  }

  #nextPUid(): bigint {
    for (;;) {
      const { next } = this.#state;
      const free = new ManagedPUidAllocator(next).next();
      this.#change({ next: next + 1n });
      if (!this.has(free)) return free;
    }
  }

  #namesOf(node: string): PersistentMap<string, true> {
    return this.#state.namesByNode.get(node) ?? PersistentMap.empty();
  }

  #change(change: Partial<ProcessesState>): void {
    this.#state = { ...this.#state, ...change };
  }
}

/** `name`, or `name-2`, `name-3` and so on where running processes of the node have it. */
function freeName(taken: PersistentMap<string, true>, name: string): string {
  let free = name;
  for (let suffix = 2; taken.has(free); suffix++) {
    free = `${name}-${suffix}`;
  }
  return free;
}
