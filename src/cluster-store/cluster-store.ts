import type { MillraceError } from '../errors.js';

/** What a key of a cluster store holds. */
export interface StoreEntry {
  readonly value: Uint8Array;
  /** Grows with every write to the key. */
  readonly revision: number;
}

/** A lost race is a result, no error: `entry` is what the key holds instead; undefined where it holds nothing. */
export type SetResult =
  | { readonly isSet: true; readonly revision: number }
  | { readonly isSet: false; readonly entry: StoreEntry | undefined };

export interface StoreCall {
  /** Time for the whole call in ms. Default: `limits.storeTimeoutMs`. */
  readonly timeoutMs?: number;
}

export interface LeaseOptions {
  /** Time after which others may take the lease where its holder does not renew it, in ms. */
  readonly ttlMs: number;
  /** The epoch of the lease will be larger than this, also in a store that has lost what it had. Default 0n. */
  readonly after?: bigint;
  /** Ends the wait for the lease: `lease` then rejects with AskAbortedError. It does not end a lease that is held. */
  readonly signal?: AbortSignal;
}

/** Why a lease ended: it was given up, it could not be renewed in time, or another process holds it. */
export type LeaseEnd = 'released' | 'lapsed' | 'taken';

/** A lease that this process has got. It renews itself until it ends. */
export interface StoreLease {
  /** Number of the lease: each time that anybody gets the lease of a key, it is larger. */
  readonly epoch: bigint;
  /**
   * Whether this process holds the lease now. It reads the clock, so it is right also after the process was stopped for a while, and
   * becomes false before anybody else can get the lease.
   */
  readonly isHeld: boolean;
  /** Resolves when the lease has ended. Never rejects. */
  readonly ended: Promise<LeaseEnd>;
  /**
   * Gives the lease up, so that others need not wait for its end. Idempotent, and never rejects. Resolves to false where the store cannot be reached or
   * is damaged: the lease then ends by itself.
   */
  release(): Promise<boolean>;
}

/** What a key says of its lease, for those that only read it. */
export interface LeaseView {
  readonly epoch: bigint;
  /** What its holder has published: the address of the control plane. */
  readonly holder: Uint8Array;
  readonly ttlMs: number;
  /** False once the holder has given it up. True says nothing about whether the holder is still there. */
  readonly isTaken: boolean;
}

/**
 * The little that a cluster keeps outside its processes, under a few keys: who serves the control plane, and with which epoch. Every call has a
 * deadline. UnreachableError means that the store cannot be reached now, or did not answer in time; a write may have happened all
 * the same. ResourceError: the disk refuses. ConfigError: what is stored there is no store, or is damaged.
 *
 *     await using store = await openClusterStore('embedded:/var/lib/shop/cluster', scheduler);
 *     const set = await store.compareAndSet('owner', encode('shop-1'), undefined);
 *     if (!set.isSet) console.log('taken by', set.entry?.value);
 */
export interface ClusterStore extends AsyncDisposable {
  /** Where it is: `embedded:/path` or `nats://host:port/bucket`. */
  readonly address: string;
  /** Time of a lease for which nobody names one, in ms. Default: `limits.leaseMs`. */
  readonly usualLeaseMs?: number;
  /** Why calls fail at present: the disk is full, the lock is held, or the server is away. Undefined when they succeed. `health()` shows it. */
  readonly trouble?: MillraceError | undefined;
  /** Calls `listener` when calls begin to fail, fail for another reason, or succeed again. */
  onTrouble?(listener: (trouble: MillraceError | undefined) => void): void;
  get(key: string, call?: StoreCall): Promise<StoreEntry | undefined>;
  /** Writes where the key has this revision; with undefined, where it holds nothing. */
  compareAndSet(
    key: string,
    value: Uint8Array,
    expectedRevision: number | undefined,
    call?: StoreCall,
  ): Promise<SetResult>;
  /**
   * Waits until this process gets the lease of a key. `holder` is what all who look at the key can read: an address. A key with a lease
   * holds nothing else.
   */
  lease(key: string, holder: Uint8Array, options: LeaseOptions): Promise<StoreLease>;
  /**
   * What the key holds, first now and then after each change; changes that follow one another quickly may be shown as one. Goes on by itself when
   * the store was out of reach. Ends when `signal` aborts, or the store is closed.
   */
  watch(key: string, options: { readonly signal: AbortSignal }): AsyncIterable<StoreEntry | undefined>;
  /** Gives up the leases, and ends all waits. Idempotent. */
  close(): Promise<void>;
  /** Ends at once, as with the end of the process: the leases are not given up. For the crash of a virtual process. */
  abandon(): void;
}
