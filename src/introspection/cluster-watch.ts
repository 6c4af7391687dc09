import {
  type Explained,
  explainCluster,
  type ExplainOptions,
  listedPartitions,
  type Peers,
} from '../actors/runtime/survey/index.js';
import { ConfigError, StoppedError } from '../errors.js';
import { introspectionCUid, ownerOrdinal } from '../ids/index.js';
import { v1 } from '../protocol/index.js';
import { systemEntropy } from '../scheduler/index.js';
import type { ClusterView, EventShown, NameShown, ProcessShown } from './cluster-view.js';
import { pipelinesOf } from './pipelines.js';
import { type FoundPartition, type LookFor, WatchedPartition } from './watched-partition.js';

export interface WatchOptions {
  /** Only actors whose path or service contains this text. */
  readonly filter?: string;
  /** Actors of each partition that are listed at most. Default 100. */
  readonly limit?: number;
  /** What the first actors have most of. Default `mailbox`. */
  readonly order?: 'mailbox' | 'work' | 'handled' | 'path';
  /** Lists actors of the runtime itself, too. */
  readonly withRuntime?: boolean;
  /** Time in ms that a partition has to answer. Default 2,000. */
  readonly timeoutMs?: number;
}

const ORDERS = {
  mailbox: v1.ActorOrder.MAILBOX,
  work: v1.ActorOrder.WORK,
  handled: v1.ActorOrder.HANDLED,
  path: v1.ActorOrder.PATH,
};
const TIMEOUT_MS = 2_000;
const KEPT_EVENTS = 200;

/** A watch of all partitions of a cluster. Each `refresh` brings the differences since the one before. Close it: it has no timer of its own. */
export class ClusterWatch {
  readonly #peers: Peers;
  readonly #lookFor: LookFor;
  readonly #timeoutMs: number;
  readonly #id: bigint;
  readonly #partitions = new Map<string, WatchedPartition>();
  #events: readonly EventShown[] = [];
  #refreshing: Promise<ClusterView> | undefined;
  #isFirst = true;
  #isClosed = false;

  /** Throws ConfigError for a wrong option. */
  constructor(peers: Peers, options: WatchOptions = {}) {
    const { filter = '', limit = 0, order = 'mailbox', withRuntime = false, timeoutMs = TIMEOUT_MS } = options;
    if (!Object.hasOwn(ORDERS, order))
      throw new ConfigError(`order is ${Object.keys(ORDERS).join(', ')}, not ${order}`);
    if (!Number.isInteger(limit) || limit < 0 || limit > 10_000) {
      throw new ConfigError(`limit is a whole number up to 10000, not ${limit}`);
    }
    this.#peers = peers;
    this.#lookFor = { filter, limit, order: ORDERS[order], withRuntime };
    this.#timeoutMs = timeoutMs;
    this.#id = idOf(peers);
  }

  /** Asks all partitions. Calls that overlap share one answer. Rejects with AskTimeoutError where the control plane does not answer. */
  refresh(): Promise<ClusterView> {
    if (this.#isClosed) return Promise.reject(new StoppedError('This watch is closed: open another one.'));
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  /** One actor with its mailbox and state. Rejects with RefusedError where it is not there. */
  async examine(partition: number, path: string): Promise<v1.ActorDetail> {
    const actor = await this.#at(partition);
    return actor.examine({ path }, { timeoutMs: this.#timeoutMs });
  }

  /** Why something waits: as `runtime.explain`. */
  explain(what: string, options: ExplainOptions = {}): Promise<Explained> {
    return explainCluster(this.#peers, what, { timeoutMs: this.#timeoutMs, ...options });
  }

  /** Stops or restarts an actor. Rejects with RefusedError for one of the runtime itself, and where it is not there. */
  async act(partition: number, path: string, action: 'stop' | 'restart'): Promise<void> {
    const kind = action === 'stop' ? v1.ActorAction_Kind.STOP : v1.ActorAction_Kind.RESTART;
    const actor = await this.#at(partition);
    await actor.act({ path, kind }, { timeoutMs: this.#timeoutMs });
  }

  /**
   * Sends JSON to the actor that has a name, and resolves to the reply as JSON; empty for a tell. Rejects with ConfigError for a name that nobody has,
   * RefusedError for a method that it has not and for a request that it does not take.
   */
  async call(name: string, method: string, json: string, options: CallOptions = {}): Promise<string> {
    const { isTell = false, timeoutMs = TIMEOUT_MS, signal } = options;
    const { cUid, actor } = await this.#named(name, signal);
    const reply = await actor.call({ cUid, method, json, isTell }, { timeoutMs, signal });
    return reply.json;
  }

  /** As `examine`, of the actor that has a name. Rejects with ConfigError for a name that nobody has, and with AskAbortedError at the signal. */
  async examineNamed(name: string, signal?: AbortSignal): Promise<v1.ActorDetail> {
    const { cUid, actor } = await this.#named(name, signal);
    return actor.examine({ cUid }, { timeoutMs: this.#timeoutMs, signal });
  }

  /** Ends the watch: nothing is measured for it any more. Idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const partition of this.#partitions.values()) partition.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.#refreshing?.catch(() => {});
  }

  async #refresh(): Promise<ClusterView> {
    const { resources, names } = await this.#peers.list(this.#timeoutMs);
    const now = (): number => this.#peers.scheduler.now();
    this.#follow(foundIn(resources), now());
    const all = [...this.#partitions.values()];
    const wereSilent = all.map(({ silence }) => silence !== undefined);
    const events = await Promise.all(all.map((each) => each.refresh(this.#lookFor, this.#timeoutMs, now)));
    const turns = all.flatMap(({ silence, found }, index) =>
      silenceEvent(found, silence, wereSilent[index] === true, now()),
    );
    this.#add([...events.flat(), ...turns]);
    this.#isFirst = false;
    // It was closed meanwhile: the answers have begun watches anew.
    if (this.#isClosed) for (const each of all) each.end();
    const byOrdinal = new Map(all.map((each) => [each.found.ordinal, each]));
    return {
      controlPlane: this.#peers.controlPlane,
      atMs: now(),
      processes: processesIn(resources),
      partitions: all.map((each) => each.shown()).sort((left, right) => left.ordinal - right.ordinal),
      pipelines: pipelinesOf(resources, (ordinal) => byOrdinal.get(ordinal)),
      names: names.filter(({ name }) => !name.startsWith('millrace/')).map(nameShown),
      events: this.#events,
    };
  }

  /** A partition that has begun anew is another one. */
  #follow(found: readonly FoundPartition[], nowMs: number): void {
    const keys = new Set(found.map(keyOf));
    for (const [key, { found: ended }] of this.#partitions) {
      if (keys.has(key)) continue;
      this.#partitions.delete(key);
      this.#add([eventOf(ended, 'partition-ended', nowMs)]);
    }
    for (const each of found) {
      if (this.#partitions.has(keyOf(each))) continue;
      this.#partitions.set(keyOf(each), new WatchedPartition(each, this.#actorOf(each), this.#id));
      if (!this.#isFirst) this.#add([eventOf(each, 'partition-joined', nowMs)]);
    }
  }

  #add(events: readonly EventShown[]): void {
    if (events.length === 0) return;
    const all = [...events.toReversed(), ...this.#events].sort((left, right) => right.atMs - left.atMs);
    this.#events = all.slice(0, KEPT_EVENTS);
  }

  #actorOf({ ordinal, incarnation, address }: FoundPartition) {
    return this.#peers.reference(v1.Introspection, address, introspectionCUid(ordinal, incarnation));
  }

  /** The channel of the actor that has a name, and what shows its partition. */
  async #named(name: string, signal?: AbortSignal) {
    const { resources, names } = await this.#peers.list(this.#timeoutMs, signal);
    const ref = names.find((each) => each.name === name && each.ref !== undefined)?.ref;
    if (ref === undefined) throw new ConfigError(`Nobody has the name ${JSON.stringify(name)}. ${namesText(names)}`);
    const found = foundIn(resources).find(({ ordinal }) => ordinal === ownerOrdinal(ref.cUid));
    if (found === undefined) throw new ConfigError(`The partition of ${JSON.stringify(name)} is gone.`);
    return { cUid: ref.cUid, actor: this.#actorOf(found) };
  }

  /** That of a partition which was seen already, or which the control plane lists now. */
  async #at(ordinal: number) {
    for (const { found, actor } of this.#partitions.values()) if (found.ordinal === ordinal) return actor;
    const { resources } = await this.#peers.list(this.#timeoutMs);
    const found = foundIn(resources).find((each) => each.ordinal === ordinal);
    if (found === undefined) throw new ConfigError(`There is no partition ${ordinal}: it has ended.`);
    return this.#actorOf(found);
  }
}

export interface CallOptions {
  /** Waits for no reply. */
  readonly isTell?: boolean;
  /** Default 2,000. */
  readonly timeoutMs?: number;
  /** Rejects the call with AskAbortedError. */
  readonly signal?: AbortSignal;
}

/** Random, because watches of several processes must differ. On virtual time it comes from the seed. */
function idOf({ scheduler }: Peers): bigint {
  if (scheduler.isVirtual) return 1n + BigInt(Math.floor(scheduler.random() * 2 ** 52));
  return Buffer.from(systemEntropy(8)).readBigUInt64LE() | 1n;
}

function keyOf({ ordinal, incarnation }: FoundPartition): string {
  return `${ordinal}/${incarnation}`;
}

/** The partitions that have started. */
function foundIn(resources: readonly v1.Resource[]): readonly FoundPartition[] {
  return listedPartitions(resources).filter(({ hasStarted }) => hasStarted);
}

function processesIn(resources: readonly v1.Resource[]): readonly ProcessShown[] {
  return resources.flatMap(({ detail }): ProcessShown[] => {
    if (detail.case !== 'process') return [];
    const { pUid, node, name } = detail.value;
    return [{ pUid: String(pUid), node, name }];
  });
}

function nameShown({ name, ref, isGroup }: v1.NameEntry): NameShown {
  return { name, service: ref?.service ?? '', partition: ref && ownerOrdinal(ref.cUid), isGroup };
}

function namesText(names: readonly v1.NameEntry[]): string {
  const known = names.map(({ name }) => name).filter((name) => !name.startsWith('millrace/'));
  return known.length === 0 ? 'There are no names.' : `There are ${known.slice(0, 10).join(', ')}.`;
}

function silenceEvent(
  found: FoundPartition,
  silence: string | undefined,
  wasSilent: boolean,
  nowMs: number,
): readonly EventShown[] {
  if ((silence !== undefined) === wasSilent) return [];
  return [eventOf(found, silence === undefined ? 'partition-answers' : 'partition-silent', nowMs, silence)];
}

function eventOf({ ordinal, node, process }: FoundPartition, kind: string, atMs: number, detail = ''): EventShown {
  return { atMs, kind, partition: ordinal, subject: `${node} ${process}`, detail };
}
