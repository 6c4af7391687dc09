import type { ClusterStore } from '../../cluster-store/index.js';
import { ConfigError, StoppedError, UnreachableError } from '../../errors.js';
import { isRecord, messageOf, namedMessageOf } from '../../foreign.js';
import { limits } from '../../limits.js';
import type { Logger } from '../../logging/index.js';
import { pause, type Scheduler } from '../../scheduler/index.js';
import type { LeaderLease } from './election.js';

/** The key of the cluster store that says which processes the cluster has. */
export const ROLL_KEY = 'members';

/** Time before a call of the store that has failed is made again, in ms. */
const AGAIN_MS = 100;

/** A process of the cluster, as the store has it. */
export interface Enrolled {
  readonly pUid: bigint;
  /** Of its first partition; empty where nobody can reach that. */
  readonly address: string;
}

export interface MemberRollOptions {
  readonly store: ClusterStore;
  readonly scheduler: Scheduler;
  readonly log: Logger;
  readonly lease: LeaderLease;
}

/**
 * The processes of the cluster, which a leader keeps in the cluster store for the next one: that knows then whose announcements it has to wait for.
 *
 *     a process joins  -->  the leader writes it down  -->  the process is told that it has joined
 *     a process ends   -->  the leader writes that down at some time: the next one sees by a dial that the process has ended
 *
 * So each process that may have a name, a group or a pipeline is there. Nothing is written when the lease is over.
 */
export class MemberRoll {
  readonly #options: MemberRollOptions;
  readonly #closing = new AbortController();
  #members: () => readonly Enrolled[] = () => [];
  #revision: number | undefined;
  #before: Promise<readonly Enrolled[] | undefined> | undefined;
  /** What the store has. */
  #written: ReadonlySet<bigint> = new Set();
  #isOld = false;
  #writing: Promise<void> | undefined;

  constructor(options: MemberRollOptions) {
    this.#options = options;
  }

  /** `members` returns the present ones, with those of which it is not known yet whether they have ended. */
  begin(members: () => readonly Enrolled[]): void {
    this.#members = members;
  }

  /** Those that the leader before had. Undefined where nobody has written them. Rejects with StoppedError when the lease is over. */
  before(): Promise<readonly Enrolled[] | undefined> {
    this.#before ??= this.#read();
    return this.#before;
  }

  /** Resolves when the store has this member. Rejects with StoppedError when the lease is over. */
  async enrolled(pUid: bigint): Promise<void> {
    await this.before();
    if (!this.#written.has(pUid)) await this.changed();
  }

  /** The members have changed. Resolves when they are written. */
  changed(): Promise<void> {
    this.#isOld = true;
    this.#writing ??= this.#write();
    return this.#writing;
  }

  close(): void {
    this.#closing.abort();
  }

  async #read(): Promise<readonly Enrolled[] | undefined> {
    const { store, log } = this.#options;
    const entry = await this.#persist(() => store.get(ROLL_KEY));
    this.#revision = entry?.revision;
    if (entry === undefined) return undefined;
    try {
      const enrolled = decodeRoll(entry.value, `the key "${ROLL_KEY}" of ${store.address}`);
      this.#written = new Set(enrolled?.map(({ pUid }) => pUid));
      return enrolled;
    } catch (error) {
      log.error('the members of the cluster are written anew', { error: namedMessageOf(error) });
      return undefined;
    }
  }

  async #write(): Promise<void> {
    try {
      await this.before();
      // What changes during a write is in the next one, which all have together.
      while (this.#isOld) {
        this.#isOld = false;
        const members = this.#members();
        await this.#persist(() => this.#set(encodeRoll(members)));
        this.#written = new Set(members.map(({ pUid }) => pUid));
      }
    } finally {
      // In the turn that has found nothing to write: what changes later begins another write.
      this.#writing = undefined;
    }
  }

  async #set(value: Uint8Array): Promise<void> {
    const { store } = this.#options;
    const set = await store.compareAndSet(ROLL_KEY, value, this.#revision);
    this.#revision = set.isSet ? set.revision : set.entry?.revision;
    // A write that has failed may have happened all the same, and so may the last one of the leader before.
    if (!set.isSet) throw new UnreachableError('Another write came first.');
  }

  /** Repeats a call of the store until it succeeds, as long as this process has the right to serve. */
  async #persist<T>(call: () => Promise<T>): Promise<T> {
    const { scheduler, lease, log } = this.#options;
    for (;;) {
      if (!lease.isHeld || this.#closing.signal.aborted) {
        throw new StoppedError(`The control plane of epoch ${lease.epoch} is served no longer.`);
      }
      try {
        return await call();
      } catch (error) {
        log.debug('the members of the cluster are not in the store yet', { error: namedMessageOf(error) });
        await pause(scheduler, AGAIN_MS, this.#closing.signal);
      }
    }
  }
}

/** JSON, so that people can read it in the store. Says that nobody knows the members where these are too many for a value of the store. */
export function encodeRoll(members: readonly Enrolled[]): Uint8Array {
  const processes = members.map(({ pUid, address }) => ({ pUid: String(pUid), address }));
  const value = new TextEncoder().encode(JSON.stringify({ members: 1, processes }));
  if (value.byteLength <= limits.storeValueBytes) return value;
  return new TextEncoder().encode(JSON.stringify({ members: 1, processes: null }));
}

/** Undefined where they were too many. Throws ConfigError for what is no roll, or one of a newer version. `where` names the key. */
export function decodeRoll(value: Uint8Array, where: string): readonly Enrolled[] | undefined {
  let fields: unknown;
  try {
    fields = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(value));
  } catch (cause) {
    throw noRoll(where, messageOf(cause), cause);
  }
  if (!isRecord(fields)) throw noRoll(where, 'it is no JSON object');
  const { members: version, processes } = fields;
  if (version !== 1) throw noRoll(where, `its version is ${String(version)}, and 1 is expected`);
  if (processes === null) return undefined;
  if (!Array.isArray(processes)) throw noRoll(where, 'its processes are no list');
  return processes.map((process: unknown) => {
    const { pUid, address } = isRecord(process) ? process : {};
    if (typeof pUid !== 'string' || !/^\d{1,20}$/.test(pUid) || typeof address !== 'string') {
      throw noRoll(where, 'a process is wrong');
    }
    return { pUid: BigInt(pUid), address };
  });
}

function noRoll(where: string, why: string, cause?: unknown): ConfigError {
  return new ConfigError(
    `The value of ${where} is no list of members: ${why}. Let all processes run the same version of Millrace.`,
    { cause },
  );
}
