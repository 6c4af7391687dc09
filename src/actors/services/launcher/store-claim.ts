import { type ClusterStore, leaseIn, type StoreLease } from '../../../cluster-store/index.js';
import { Deferred } from '../../../deferred.js';
import { ConfigError, UnreachableError } from '../../../errors.js';
import { namedMessageOf } from '../../../foreign.js';
import type { Logger } from '../../../logging/index.js';
import type { Scheduler } from '../../../scheduler/index.js';
import { withDeadline } from '../deadline.js';

/** The key of the cluster store that says whose it is. It holds a lease, whose holder is the name of a run. */
export const RUN_KEY = 'run';

/**
 * Time of the lease in ms. A launcher that stands still for less keeps its store. A run that starts after a launcher was killed waits for so long, unless the
 * store sees that the process has ended.
 */
const CLAIM_MS = 10_000;

export interface StoreClaimOptions {
  /** The claim owns it, and closes it. */
  readonly store: ClusterStore;
  readonly run: string;
  readonly scheduler: Scheduler;
  readonly log: Logger;
}

/**
 * The right of a run to its cluster store, which no other run has at the same time: the global services of two runs on one store would follow one another, and the
 * processes of both would have one control plane.
 */
export class StoreClaim {
  readonly #options: StoreClaimOptions;
  readonly #ending = new AbortController();
  readonly #lost = new Deferred<ConfigError>();

  constructor(options: StoreClaimOptions) {
    this.#options = options;
  }

  /** Resolves when another run has the store, which this run did not reach for the time of its lease. Never rejects. */
  get lost(): Promise<ConfigError> {
    return this.#lost.promise;
  }

  /**
   * Resolves when the store is that of this run. Rejects with ConfigError, which names the other run, where that has it, and with UnreachableError where the
   * store does not answer.
   */
  async take(): Promise<void> {
    // Waits for a lease go on where the store is out of reach, and this does not.
    await this.#options.store.get(RUN_KEY);
    void this.#keep(await this.#acquire());
  }

  /** Others may have the store. Idempotent. */
  async close(): Promise<void> {
    this.#ending.abort();
    await this.#options.store.close();
  }

  async #acquire(): Promise<StoreLease> {
    const { store, run, scheduler } = this.#options;
    const waiting = new AbortController();
    const signal = AbortSignal.any([waiting.signal, this.#ending.signal]);
    const lease = store.lease(RUN_KEY, new TextEncoder().encode(run), { ttlMs: CLAIM_MS, signal });
    lease.catch(() => {});
    const refused = this.#otherRun(signal).then((other) => {
      if (other === undefined) return lease;
      throw new ConfigError(
        `The cluster store ${store.address} is that of the run ${other}, which is up: give each run a store of its own (clusterStore), as another file or bucket.`,
      );
    });
    try {
      const what = `The cluster store ${store.address} was not taken for this run`;
      return await withDeadline(scheduler, 2 * CLAIM_MS, what, Promise.race([lease, refused]));
    } finally {
      waiting.abort();
    }
  }

  /** Resolves to the name of another run when its launcher is seen to renew its lease; to undefined when `signal` aborts. */
  async #otherRun(signal: AbortSignal): Promise<string | undefined> {
    const { store, run } = this.#options;
    let seen = 0;
    for await (const entry of store.watch(RUN_KEY, { signal })) {
      const claim = leaseIn(entry, `the key "${RUN_KEY}" of ${store.address}`);
      const holder = claim?.isTaken === true ? new TextDecoder().decode(claim.holder) : run;
      if (holder !== run && ++seen > 1) return holder;
    }
    return undefined;
  }

  async #keep(first: StoreLease): Promise<void> {
    const { log, store } = this.#options;
    for (let lease: StoreLease | undefined = first; lease !== undefined; lease = await this.#again()) {
      const why = await lease.ended;
      if (this.#ending.signal.aborted) return;
      log.warn('the lease of the cluster store for this run has ended, and is taken again', {
        store: store.address,
        why,
      });
    }
  }

  /** Undefined where another run has it, or the claim was closed. */
  async #again(): Promise<StoreLease | undefined> {
    while (!this.#ending.signal.aborted) {
      try {
        return await this.#acquire();
      } catch (error) {
        if (error instanceof ConfigError) this.#lost.resolve(error);
        if (!(error instanceof UnreachableError)) return undefined;
        this.#options.log.warn('the cluster store was not taken again', { error: namedMessageOf(error) });
      }
    }
    return undefined;
  }
}
