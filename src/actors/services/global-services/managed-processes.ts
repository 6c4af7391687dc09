import { CapacityError, ConfigError } from '../../../errors.js';
import { ManagedPUidAllocator, processBands } from '../../../ids/index.js';
import { limits } from '../../../limits.js';
import { v1 } from '../../../protocol/index.js';

export type ProcessDescriptor = v1.ResourceDescriptor;

type Watcher = (process: ProcessDescriptor) => void;

const { STARTING, ALIVE, ENDED } = v1.ProcessState;

/** More than a run has. */
const PROCESSES_PER_EPOCH = 2n ** 32n;

/**
 * The processes that global services have created. Plain state: no actor, link or clock. A process has one life:
 *
 *     starting --started--> alive --exited--> ended
 *        |                                      ^
 *        +------- exited, before the shepherd has answered: kept, and the answer finds the process ended
 */
export class ManagedProcesses {
  readonly #pUids: ManagedPUidAllocator;
  readonly #byPUid = new Map<bigint, ProcessDescriptor>();
  /** Those that have not ended, and the last one of each name. */
  readonly #byName = new Map<string, bigint>();
  /** What each request has created: one that is repeated creates nothing. */
  readonly #byRequest = new Map<string, bigint>();
  readonly #requestOf = new Map<bigint, string>();
  readonly #watchers = new Map<string, Set<Watcher>>();
  readonly #ended: bigint[] = [];
  /** Of those that were created here. */
  readonly #firstPUid: bigint;
  #lastPUid: bigint;
  /** Names that were chosen here. */
  #chosen = 0;

  /** `epoch` of the global services: their p_uids are above those that were given before them. */
  constructor(epoch = 0n) {
    const first = epoch * PROCESSES_PER_EPOCH;
    this.#pUids = new ManagedPUidAllocator(first);
    this.#firstPUid = processBands.managed.first + first;
    this.#lastPUid = this.#firstPUid - 1n;
  }

  all(): readonly ProcessDescriptor[] {
    return [...this.#byPUid.values()];
  }

  alive(): readonly ProcessDescriptor[] {
    return this.all().filter(({ state }) => state !== ENDED);
  }

  /**
   * A new process, and whether it is new: the same request of the same requester finds the same process. Throws ConfigError for a name that a process has which
   * has not ended, and CapacityError past the limit.
   */
  create(
    request: v1.ResourceToCreate,
    requester: string,
  ): { readonly process: ProcessDescriptor; readonly isNew: boolean } {
    const { tag, node } = request;
    const key = `${requester}/${tag}`;
    const known = tag === 0n ? undefined : this.#byRequest.get(key);
    if (known !== undefined) return { process: this.get(known), isNew: false };
    if (this.#byPUid.size - this.#ended.length >= limits.managedProcesses) {
      throw new CapacityError(
        `There are ${limits.managedProcesses} processes (limit managedProcesses): end some first.`,
      );
    }
    const holder = this.#byName.get(request.name);
    if (holder !== undefined && this.get(holder).state !== ENDED) {
      throw new ConfigError(
        `The name "${request.name}" is that of process ${holder}, which has not ended: choose another.`,
      );
    }
    const pUid = this.#pUids.next();
    this.#lastPUid = pUid;
    const name = request.name === '' ? this.#unusedName() : request.name;
    this.#byName.set(name, pUid);
    const process = { kind: v1.ResourceKind.PROCESS, id: pUid, name, node, state: STARTING };
    return { process: this.#add(v1.ResourceDescriptor.create(process), { requester, tag }), isNew: true };
  }

  /** One of the global services before, as the shepherd of its node knows it. Does nothing for one that is known. */
  restore({ pUid: id, name, pid, exit, ...request }: v1.KnownProcess, node: number): void {
    if (this.#byPUid.has(id)) return;
    const state = exit === undefined ? ALIVE : ENDED;
    const process = { kind: v1.ResourceKind.PROCESS, id, name, node, pid, state, ...(exit && { exit }) };
    const holder = this.#byName.get(name);
    // Of several processes with a name, all but the last one have ended.
    if (holder === undefined || holder < id) this.#byName.set(name, id);
    this.#add(v1.ResourceDescriptor.create(process), request);
    if (exit !== undefined) this.#hasEnded(id);
  }

  /** The shepherd has started it; it may have ended already. */
  started(pUid: bigint, pid: number): ProcessDescriptor {
    const process = this.get(pUid);
    return this.#put({ ...process, pid, state: process.state === STARTING ? ALIVE : process.state });
  }

  /** It has ended, or could not be started. Does nothing for one that has ended already, and for one that is unknown here. */
  exited(exit: v1.ProcessExit): void {
    const process = this.#byPUid.get(exit.pUid);
    if (process === undefined || process.state === ENDED) return;
    this.#put({ ...process, state: ENDED, exit });
    this.#hasEnded(exit.pUid);
  }

  /** Throws ConfigError for one that is unknown. */
  get(pUid: bigint): ProcessDescriptor {
    const process = this.#byPUid.get(pUid);
    if (process !== undefined) return process;
    throw new ConfigError(`Global services know no process with the p_uid ${pUid}.`);
  }

  /** By p_uid or name; undefined where there is none. */
  find({ which }: v1.ResourceToQuery): ProcessDescriptor | undefined {
    const pUid = which.case === 'name' ? this.#byName.get(which.value) : which.value;
    return pUid === undefined ? undefined : this.#byPUid.get(pUid);
  }

  /** A clause: why there is no such process, and will be none. Undefined for one that is known, and for one that may be created yet. */
  whyGone(pUid: bigint): string | undefined {
    if (pUid < processBands.managed.first || pUid > this.#lastPUid || this.#byPUid.has(pUid)) return undefined;
    const kept = `global services keep the last ${limits.endedProcesses} (limit endedProcesses)`;
    if (pUid >= this.#firstPUid) return `has ended, and how is forgotten: ${kept}`;
    return `was never created, or it has ended, and how is forgotten: ${kept}, and those that follow others know what the nodes know`;
  }

  /** Calls `watcher` at each change of the process that `wanted` means, now too where it is there. Returns what ends that. */
  watch(wanted: v1.ResourceToQuery, watcher: Watcher): () => void {
    const { which } = wanted;
    const key = which.case === 'name' ? `name ${which.value}` : `id ${which.value ?? 0n}`;
    const watchers = this.#watchers.get(key) ?? new Set();
    this.#watchers.set(key, watchers.add(watcher));
    const known = this.find(wanted);
    if (known !== undefined) watcher(known);
    return () => {
      watchers.delete(watcher);
      if (watchers.size === 0) this.#watchers.delete(key);
    };
  }

  #add(process: ProcessDescriptor, { requester, tag }: Pick<v1.KnownProcess, 'requester' | 'tag'>): ProcessDescriptor {
    if (tag !== 0n) {
      this.#byRequest.set(`${requester}/${tag}`, process.id);
      this.#requestOf.set(process.id, `${requester}/${tag}`);
    }
    return this.#put(process);
  }

  #unusedName(): string {
    do this.#chosen += 1;
    while (this.#byName.has(`process-${this.#chosen}`));
    return `process-${this.#chosen}`;
  }

  #hasEnded(pUid: bigint): void {
    this.#ended.push(pUid);
    if (this.#ended.length > limits.endedProcesses) this.#forget(this.#ended.shift());
  }

  #put(process: ProcessDescriptor): ProcessDescriptor {
    this.#byPUid.set(process.id, process);
    for (const key of [`id ${process.id}`, `name ${process.name}`]) {
      for (const watcher of this.#watchers.get(key) ?? []) watcher(process);
    }
    return process;
  }

  #forget(pUid: bigint | undefined): void {
    if (pUid === undefined) return;
    const process = this.#byPUid.get(pUid);
    this.#byPUid.delete(pUid);
    this.#byRequest.delete(this.#requestOf.get(pUid) ?? '');
    this.#requestOf.delete(pUid);
    if (process !== undefined && this.#byName.get(process.name) === pUid) this.#byName.delete(process.name);
  }
}
