import { ConfigError, StoppedError, UnreachableError } from '../../errors.js';
import { namedMessageOf } from '../../foreign.js';
import { limits } from '../../limits.js';
import type { Logger } from '../../logging/index.js';
import { pause, type Scheduler } from '../../scheduler/index.js';
import {
  type ClusterStore,
  leaseIn,
  type LeaseEnd,
  type LeaseView,
  type StoreEntry,
  type StoreLease,
} from '../../cluster-store/index.js';

/** The key of the cluster store that says who serves the control plane. It holds a lease, whose holder is the address. */
export const LEADER_KEY = 'control-plane';

/** The process that serves the control plane, as the store says. It may have ended since. */
export interface Leader {
  /** Larger for each leader than for those before it. */
  readonly epoch: bigint;
  readonly address: string;
}

/** The right of this process to serve the control plane. */
export type LeaderLease = Pick<StoreLease, 'epoch' | 'isHeld'>;

/** A process that would serve the control plane. */
export interface Candidate {
  /** Where the others reach it. */
  readonly address: string;
  /** It is to serve from now on, for as long as `lease.isHeld`. */
  elected(lease: LeaderLease): void;
  /** It is to end what it serves. */
  deposed(why: LeaseEnd): Promise<void>;
}

export interface ElectionOptions {
  readonly store: ClusterStore;
  readonly scheduler: Scheduler;
  readonly log: Logger;
  /** Time after which another candidate takes over from a leader that is silent, in ms. Default: that of the store. */
  readonly leaseMs?: number | undefined;
}

/**
 * Who serves the control plane: follows what the store says, and stands as a candidate where this process has the right to serve. A candidate waits
 * for the lease from its start on, not first when the leader is gone.
 */
export class Election {
  readonly #options: ElectionOptions & { readonly leaseMs: number };
  readonly #ending = new AbortController();
  readonly #listeners = new Set<(leader: Leader | undefined) => void>();
  #leader: Leader | undefined;
  /** The highest that was seen. What the store says of a lower one is old. */
  #epoch = 0n;
  #lease: StoreLease | undefined;
  #following: Promise<void> = Promise.resolve();
  #standing: Promise<void> = Promise.resolve();

  constructor(options: ElectionOptions) {
    const { leaseMs = options.store.usualLeaseMs ?? limits.leaseMs } = options;
    this.#options = { ...options, leaseMs };
  }

  /** Undefined while the store names nobody. */
  get leader(): Leader | undefined {
    return this.#leader;
  }

  start(candidate?: Candidate): void {
    const { store, log } = this.#options;
    store.onTrouble?.((trouble) => {
      if (trouble === undefined) log.info('the cluster store works again', { store: store.address });
      else log.warn('the cluster store does not work', { store: store.address, error: namedMessageOf(trouble) });
    });
    this.#following = this.#repeat('follow who serves the control plane', () => this.#follow());
    if (candidate !== undefined) {
      this.#standing = this.#repeat('stand for serving the control plane', () => this.#stand(candidate));
    }
  }

  /** Calls `listener` with each new leader until the returned function is called. */
  onLeader(listener: (leader: Leader | undefined) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The leader, at once or when there is one, other than `not`. Rejects with UnreachableError when there is none at `untilMs`. */
  leaderBy(untilMs: number, not?: Leader): Promise<Leader> {
    const { scheduler, store } = this.#options;
    const found = this.#leader;
    if (found !== undefined && found.epoch !== not?.epoch) return Promise.resolve(found);
    return new Promise((resolve, reject) => {
      const stop = this.onLeader((leader) => {
        if (leader === undefined || leader.epoch === not?.epoch) return;
        done();
        resolve(leader);
      });
      const late = (): void => {
        done();
        reject(
          new UnreachableError(
            `No process has taken the control plane: the cluster store ${store.address} names no other. Start a process with clusterRole "candidate" and the same clusterStore, or look whether the store can be reached.`,
          ),
        );
      };
      const timer = scheduler.setTimer(Math.max(0, untilMs - scheduler.now()), late);
      const ended = (): void => late();
      const done = (): void => {
        stop();
        scheduler.clearTimer(timer);
        this.#ending.signal.removeEventListener('abort', ended);
      };
      this.#ending.signal.addEventListener('abort', ended, { once: true });
    });
  }

  /** Gives the lease up, so that another candidate can take over at once. Idempotent. */
  async close(): Promise<void> {
    this.#ending.abort();
    if (this.#lease !== undefined) await this.#giveUp(this.#lease);
    await Promise.all([this.#following, this.#standing]);
  }

  /** Ends as a crash of the process does: the lease is not given up. The store must have been abandoned before. */
  abandon(): void {
    this.#ending.abort();
  }

  async #follow(): Promise<void> {
    const { store } = this.#options;
    for await (const entry of store.watch(LEADER_KEY, { signal: this.#ending.signal })) {
      this.#found(leaseOf(entry, store.address)?.epoch, leaderIn(entry, store.address));
    }
    // A watch ends by itself when the store is closed: this then rejects with StoppedError.
    if (!this.#ending.signal.aborted) await store.get(LEADER_KEY);
  }

  async #stand(candidate: Candidate): Promise<void> {
    const { store, leaseMs, log } = this.#options;
    const signal = this.#ending.signal;
    while (!signal.aborted) {
      const holder = new TextEncoder().encode(candidate.address);
      const lease = await store.lease(LEADER_KEY, holder, { ttlMs: leaseMs, after: this.#epoch, signal });
      this.#lease = lease;
      if (signal.aborted) return this.#giveUp(lease);
      log.info('this process serves the control plane', { epoch: String(lease.epoch) });
      await this.#begin(candidate, lease);
      const why = await lease.ended;
      if (why !== 'released') {
        const reason = why === 'taken' ? 'another process has taken it' : 'it could not be renewed in time';
        log.warn('this process serves the control plane no longer: its lease has ended', {
          epoch: String(lease.epoch),
          reason,
        });
      }
      await candidate.deposed(why);
    }
  }

  /** A candidate that cannot serve gives the lease up, so that another one can. */
  async #begin(candidate: Candidate, lease: StoreLease): Promise<void> {
    let hasBegun = false;
    try {
      candidate.elected(lease);
      this.#found(lease.epoch, { epoch: lease.epoch, address: candidate.address });
      hasBegun = true;
    } finally {
      if (!hasBegun) {
        await this.#giveUp(lease);
        await candidate.deposed('released');
      }
    }
  }

  async #giveUp(lease: StoreLease): Promise<void> {
    const { log, leaseMs, store } = this.#options;
    if (await lease.release()) return;
    log.warn('the right to serve the control plane was not given up: others wait for the end of its lease', {
      store: store.address,
      leaseMs,
    });
  }

  /**
   * The lease with this epoch names `leader`, or nobody. A lower epoch than the highest is what a slow store says, and is ignored. A key that
   * holds nothing is that of a store that was deleted: its leader writes it again, or another one follows with a higher epoch.
   */
  #found(epoch: bigint | undefined, leader: Leader | undefined): void {
    if (epoch === undefined || epoch < this.#epoch) return;
    this.#epoch = epoch;
    const known = this.#leader;
    if (leader?.epoch === known?.epoch && leader?.address === known?.address) return;
    this.#leader = leader;
    for (const listener of this.#listeners) listener(leader);
  }

  /**
   * Does the work again whenever it has ended, after a pause. A store that is damaged, or holds something else under the key, is logged, because
   * people must mend it. Ends when the store was closed.
   */
  async #repeat(what: string, work: () => Promise<void>): Promise<void> {
    const { log, leaseMs, scheduler, store } = this.#options;
    let logged = '';
    while (!this.#ending.signal.aborted) {
      try {
        await work();
      } catch (error) {
        if (this.#ending.signal.aborted) return;
        const text = namedMessageOf(error);
        if (text !== logged) log.error(`cannot ${what}`, { store: store.address, error: text });
        logged = text;
        if (error instanceof StoppedError) return;
      }
      await pause(scheduler, leaseMs, this.#ending.signal);
    }
  }
}

/** Who serves the control plane, as an entry of the store says. Throws ConfigError for another value. */
export function leaderIn(entry: StoreEntry | undefined, store: string): Leader | undefined {
  const lease = leaseOf(entry, store);
  if (lease === undefined || !lease.isTaken) return undefined;
  const address = new TextDecoder().decode(lease.holder);
  if (address === '') throw new ConfigError(`The key "${LEADER_KEY}" of ${store} names no address.`);
  return { epoch: lease.epoch, address };
}

function leaseOf(entry: StoreEntry | undefined, store: string): LeaseView | undefined {
  return leaseIn(entry, `the key "${LEADER_KEY}" of ${store}`);
}
