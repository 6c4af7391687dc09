import { AskAbortedError, AskTimeoutError, CapacityError, StoppedError, UnreachableError } from '../../../errors.js';
import { errorOf, messageOf } from '../../../foreign.js';
import { limits } from '../../../limits.js';
import type { Ref } from '../../../protocol/index.js';
import type { Scheduler } from '../../../scheduler/index.js';
import type { KnownPool, PoolDirectory } from './pool-directory.js';
import { spillOrder } from './spill-order.js';
import type { Tolerance } from './tolerance.js';

/** A request for a container, before it has one. */
export interface Wanted extends Tolerance {
  /** Full name of its rpc, for errors. */
  readonly what: string;
  /** Scheduler time at which the request must have ended. */
  readonly deadlineMs: number;
  /** A stream has its container until it ends. */
  readonly isStream: boolean;
  readonly signal: AbortSignal | undefined;
  /** Time in ms that it has waited before. */
  readonly waitedMs?: number;
  /** Names of the networks that it has come through. */
  readonly through?: readonly string[];
  /** Pools that it must not ask. */
  readonly avoids?: (pool: KnownPool) => boolean;
}

/** A container that has this request alone. */
export interface Lease {
  readonly container: Ref;
  /** It is an actor of a gateway, which passes one request on, and answers a probe when it has. */
  readonly isPassedOn: boolean;
  /** `hasAnswered`: the container is free; otherwise its pool asks it whether it is. */
  release(hasAnswered: boolean): void;
}

export interface AcquirerOptions {
  readonly scheduler: Scheduler;
  readonly directory: PoolDirectory;
  /** The actor of this process that pools watch. */
  readonly caller: Ref;
  /** The next number of a request of this process. */
  readonly nextId: () => number;
  /** Throws StoppedError when the network of this process is closed. */
  readonly assertOpen: () => void;
}

/** The longest timer of Node in ms: nobody waits longer for a container. */
const LONGEST_MS = 2 ** 31 - 1;

/** Gets containers for the requests of this process, from the nearest pool that has one in time. */
export class Acquirer {
  readonly #options: AcquirerOptions;
  #turn = 0;

  constructor(options: AcquirerOptions) {
    this.#options = options;
  }

  /** As `seek`; rejects with CapacityError where there is no container in time. */
  async acquire(wanted: Wanted): Promise<Lease> {
    const found = await this.seek(wanted);
    if ('container' in found) return found;
    throw noCapacity(wanted, found, this.#options.directory.pools);
  }

  /**
   * Resolves with a container, or, where no pool has one in time, with why each had none when it was asked last. Nobody has handled the request then. Rejects with AskAbortedError
   * when `signal` is aborted.
   */
  async seek(wanted: Wanted): Promise<Lease | ReadonlyMap<KnownPool, string>> {
    const { scheduler, directory, assertOpen } = this.#options;
    assertOpen();
    const { within, only = 'any', through = [], avoids = () => false, deadlineMs, waitedMs = 0 } = wanted;
    const beganMs = scheduler.now();
    const turn = this.#turn++;
    const tried = new Map<KnownPool, string>();
    const attempt = (pool: KnownPool, withinMs: number | undefined) =>
      this.#askPool(pool, wanted, { withinMs, waitedMs: waitedMs + scheduler.now() - beganMs }, tried);
    const inOrder = () => spillOrder(directory.pools, { only, through }, turn).filter((pool) => !avoids(pool));
    for (const pool of inOrder()) {
      const leftMs = (within ?? limits.componentSpillMs) - (scheduler.now() - beganMs);
      const lease = await attempt(pool, Math.max(0, leftMs));
      if (lease !== undefined) return lease;
    }
    // Without a tolerance, the request waits where it is nearest.
    while (within === undefined && scheduler.now() < deadlineMs) {
      for (const pool of inOrder()) {
        const lease = await attempt(pool, undefined);
        if (lease !== undefined) return lease;
      }
      // Each has refused at once: there is nothing to wait for.
      if (scheduler.now() < deadlineMs) break;
    }
    return tried;
  }

  async #askPool(
    pool: KnownPool,
    { deadlineMs, isStream, signal, only = 'any', through = [] }: Wanted,
    waiting: { readonly withinMs: number | undefined; readonly waitedMs: number },
    tried: Map<KnownPool, string>,
  ): Promise<Lease | undefined> {
    const { scheduler, caller, nextId, directory } = this.#options;
    const timeoutMs = Math.min(LONGEST_MS, deadlineMs - scheduler.now());
    if (timeoutMs <= 0) return undefined;
    const id = nextId();
    const release = (hasAnswered: boolean): void => this.#release(pool, id, hasAnswered);
    const leaseMs = isStream ? undefined : timeoutMs;
    const { token } = pool;
    const request = { caller, token, id, ...waiting, timeoutMs, leaseMs, mayLeave: only === 'any', networks: through };
    try {
      const { container, refused, load, isPassedOn } = await pool.ref.acquire(request, { timeoutMs, signal });
      directory.heardFrom(pool, load);
      if (container !== undefined) return { container, isPassedOn, release };
      tried.set(pool, refused);
    } catch (caught) {
      const error = errorOf(caught);
      release(false);
      if (error instanceof AskAbortedError || !isOfPool(error)) throw error;
      const isLate = error instanceof AskTimeoutError;
      tried.set(pool, isLate ? `it gave none within ${Math.round(timeoutMs)} ms` : messageOf(error));
    }
    return undefined;
  }

  #release(pool: KnownPool, id: number, hasAnswered: boolean): void {
    try {
      pool.ref.release({ caller: this.#options.caller, id, hasAnswered });
    } catch {
      // The link to the pool is full. The pool takes the container back when the request must have ended.
    }
  }
}

/** The pool, or the way to it, has failed: another one may have a container. */
function isOfPool(error: Error): boolean {
  return [AskTimeoutError, StoppedError, UnreachableError].some((kind) => error instanceof kind);
}

function noCapacity(
  { what, only = 'any', within }: Wanted,
  tried: ReadonlyMap<KnownPool, string>,
  pools: readonly KnownPool[],
): CapacityError {
  const hasGateway = pools.some(({ distance }) => distance === 'gateway');
  if (tried.size === 0) {
    return new CapacityError(
      `${what} has no container: no process ${only === 'local' ? 'of this node' : 'of the network'} serves its component. Call network.serve(component) in one.`,
    );
  }
  const all = [...tried].map(([pool, why]) => `${String(pool)}: ${why}`);
  if (only === 'any' && !hasGateway) all.push('other networks: there are no gateways to them');
  const remedy = pools.some(({ hasFailed }) => hasFailed)
    ? 'Remove what keeps its containers from starting'
    : `State a longer ${within === undefined ? 'timeoutMs' : 'within'}, or raise the limit of its governor or the max of its component`;
  return new CapacityError(`${what} has no container. Tried ${all.join('; ')}. ${remedy}.`);
}
