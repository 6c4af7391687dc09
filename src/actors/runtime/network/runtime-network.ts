import { CapacityError, ConfigError } from '../../../errors.js';
import { namedMessageOf } from '../../../foreign.js';
import { limits } from '../../../limits.js';
import type { Logger } from '../../../logging/index.js';
import { encodedSize, type Ref, v1 } from '../../../protocol/index.js';
import type { Scheduler, Timer } from '../../../scheduler/index.js';
import type { OtherClusters } from '../../control-plane/index.js';
import {
  AddressBook,
  faultInName,
  type GroupsListener,
  isAlive,
  NetworkMember,
  PeerFile,
  placesOf,
} from '../../membership/index.js';
import type { PartitionRuntime } from '../partition-runtime.js';
import type { RuntimeOptions } from '../runtime-options.js';
import { describeNetwork, type MemberOfNetwork, membersIn, type NetworkDescription } from './network-view.js';
import { resolvedSeeds } from './seeds.js';

/** How a runtime belongs to a network. */
export interface NetworkSettings {
  /** Addresses of members, of which one that is up is enough. A process that finds none begins the network. */
  readonly seeds: readonly string[];
  /** File in which the addresses of members are remembered. Default: they are not. */
  readonly peersFile?: string;
  /** Time between two probes, in ms; all other times of the protocol follow from it. Default 1 000. */
  readonly probeMs?: number;
  /** Bytes a second for the coordination of the network. Default 600. */
  readonly coordinationBytes?: number;
}

export interface NetworkParts {
  readonly partition: PartitionRuntime;
  readonly scheduler: Scheduler;
  readonly log: Logger;
  readonly incarnation: bigint;
  readonly node: string;
  readonly process: () => string;
  readonly partitions: () => readonly v1.MemberPartition[];
  readonly groups: GroupsListener;
}

/** Room that the description of a member has for all but its names, in bytes. */
const WITHOUT_NAMES_BYTES = 32 * 1024;

/** The network of a process: what the other members offer is found here, and what this one has is offered to them. */
export class RuntimeNetwork implements OtherClusters {
  readonly #parts: NetworkParts;
  readonly #settings: NetworkSettings;
  readonly #book: AddressBook;
  readonly #watchers = new Set<(members: readonly MemberOfNetwork[]) => void>();
  /** Why seeds have not answered, by their addresses. */
  readonly #unanswered = new Map<string, unknown>();
  readonly #offered = new Map<string, v1.MemberName>();
  #offeredBytes = 0;
  #isOffering = false;
  /** What was offered last. */
  #partitions: readonly v1.MemberPartition[] = [];
  #file: PeerFile | undefined;
  #member: NetworkMember | undefined;
  #timer: Timer | undefined;
  #isOver = false;

  constructor(parts: NetworkParts, settings: NetworkSettings) {
    this.#parts = parts;
    this.#settings = settings;
    this.#book = new AddressBook(parts.groups);
  }

  /** Becomes visible to the others. Resolves when this process knows what they know, or when none was found in time. */
  async join(): Promise<void> {
    const { partition, scheduler, log, incarnation, node, process } = this.#parts;
    const {
      seeds,
      peersFile = '',
      probeMs = limits.networkProbeMs,
      coordinationBytes = limits.networkBytes,
    } = this.#settings;
    this.#file = peersFile === '' ? undefined : new PeerFile(peersFile, scheduler, log);
    const remembered = (await this.#file?.read()) ?? [];
    const found = await resolvedSeeds(seeds, scheduler, log);
    if (this.#isOver) return;
    const { system, router, address } = partition;
    this.#partitions = this.#parts.partitions();
    const description = v1.MemberDescription.create({
      id: incarnation,
      version: 1,
      node,
      process: process(),
      address,
      partitions: this.#partitions,
      names: [...this.#offered.values()],
    });
    const member = new NetworkMember({
      system,
      router,
      scheduler,
      log,
      description,
      seeds: [...new Set([...found, ...remembered])],
      probeMs,
      bytesPerSecond: coordinationBytes,
      changed: (id, known) => {
        this.#book.changed(id, known);
        this.#changed();
      },
      unanswered: (seed, error) => void this.#unanswered.set(seed, error),
    });
    this.#member = member;
    const hasJoined = await member.join();
    if (!hasJoined && !this.#isOver) {
      log.info('no seed has answered: this process begins its network, and goes on looking for the seeds', {
        seeds: seeds.join(' '),
      });
    }
    this.#watchPartitions(probeMs);
  }

  /** Says that this process leaves. Idempotent. */
  async leave(): Promise<void> {
    if (this.#isOver) return;
    this.abandon();
    await this.#member?.leave();
    await this.#file?.close();
  }

  /** Ends without a word. */
  abandon(): void {
    this.#isOver = true;
    this.#watchers.clear();
    if (this.#timer !== undefined) this.#parts.scheduler.clearTimer(this.#timer);
  }

  /** As `abandon`, for a process that has crashed. */
  crash(): void {
    this.abandon();
    this.#member?.abandon();
    this.#file?.abandon();
  }

  // ---- for users

  members(): readonly MemberOfNetwork[] {
    return this.#member === undefined ? [] : membersIn(this.#member.state);
  }

  watch(listener: (members: readonly MemberOfNetwork[]) => void): () => void {
    this.#watchers.add(listener);
    this.#notify(listener);
    return () => void this.#watchers.delete(listener);
  }

  describe(): NetworkDescription | undefined {
    if (this.#member === undefined) return undefined;
    const { state } = this.#member;
    // Whoever knows another member has found its network.
    if (state.members.size > 0) this.#unanswered.clear();
    return describeNetwork(state, this.#unanswered);
  }

  limit(bytesPerSecond: number): void {
    this.#member?.limit(bytesPerSecond);
  }

  // ---- OtherClusters

  locate(ordinal: number, incarnation: bigint): string | undefined {
    return this.#book.locate(ordinal, incarnation);
  }

  isOwn(incarnation: bigint): boolean {
    return incarnation === 0n || incarnation === this.#parts.incarnation;
  }

  holder(name: string): Ref | undefined {
    return this.#book.holder(name);
  }

  onChange(listener: () => void): () => void {
    return this.#book.onChange(listener);
  }

  solitude(): string | undefined {
    const { unanswered = [] } = this.describe() ?? {};
    if (unanswered.length === 0) return undefined;
    return `no seed of the network has answered (${unanswered.map(({ why }) => why.replace(/\.$/, '')).join('; ')})`;
  }

  resources(): Iterable<v1.Resource> {
    return this.#book.resources();
  }

  offer(entry: v1.MemberName): void {
    const key = keyOf(entry.name, entry.ref?.cUid ?? 0n);
    if (this.#offered.has(key)) return;
    const fault = faultInName(entry);
    if (fault !== undefined)
      throw new ConfigError(`A network does not take that: ${fault}. Register an actor that you spawned.`);
    const bytes = encodedSize(v1.MemberName, entry) + 4;
    const isFull = this.#offeredBytes + bytes > limits.networkDescriptionBytes - WITHOUT_NAMES_BYTES;
    if (isFull || this.#offered.size >= limits.networkNames) {
      throw new CapacityError(
        `The name "${entry.name}" cannot be offered to the network: a process offers at most ${limits.networkNames} names, with ${limits.networkDescriptionBytes - WITHOUT_NAMES_BYTES} bytes together. Register fewer or shorter names.`,
      );
    }
    this.#offered.set(key, entry);
    this.#offeredBytes += bytes;
    this.#offerSoon();
  }

  withdraw(name: string, cUid: bigint): void {
    const key = keyOf(name, cUid);
    const entry = this.#offered.get(key);
    if (entry === undefined) return;
    this.#offered.delete(key);
    this.#offeredBytes -= encodedSize(v1.MemberName, entry) + 4;
    this.#offerSoon();
  }

  /** What is registered in one turn is told as one change. */
  #offerSoon(): void {
    if (this.#isOffering || this.#member === undefined) return;
    this.#isOffering = true;
    this.#parts.scheduler.schedule(() => {
      this.#isOffering = false;
      if (!this.#isOver) this.#member?.offer([...this.#offered.values()], this.#partitions);
    });
  }

  /** Partitions on threads and in processes may end, and begin anew. */
  #watchPartitions(everyMs: number): void {
    if (this.#isOver) return;
    this.#timer = this.#parts.scheduler.setTimer(everyMs, () => {
      const present = this.#parts.partitions();
      if (shown(present) !== shown(this.#partitions)) {
        this.#partitions = present;
        this.#offerSoon();
      }
      this.#watchPartitions(everyMs);
    });
  }

  #changed(): void {
    const members = this.#member?.state.members;
    if (members !== undefined && this.#file !== undefined) {
      const living = [...members.values()].filter(isAlive);
      this.#file.remember(living.map(({ description }) => placesOf(description.address).join(' ')));
    }
    for (const watcher of this.#watchers) this.#notify(watcher);
  }

  #notify(listener: (members: readonly MemberOfNetwork[]) => void): void {
    try {
      listener(this.members());
    } catch (error) {
      this.#parts.log.error('a listener of the members of the network threw', { error: namedMessageOf(error) });
    }
  }
}

function shown(partitions: readonly v1.MemberPartition[]): string {
  return partitions.map(({ ordinal, address }) => `${ordinal} ${address}`).join('\n');
}

function keyOf(name: string, cUid: bigint): string {
  return `${cUid} ${name}`;
}

/** Throws ConfigError for options that contradict one another. */
export function checkNetwork({ network, controlPlane, clusterStore }: RuntimeOptions): void {
  if (network === undefined || (controlPlane === undefined && clusterStore === undefined)) return;
  throw new ConfigError(
    'A process belongs to a cluster with a control plane, or to a network without one: set seeds, or controlPlane or clusterStore.',
  );
}
