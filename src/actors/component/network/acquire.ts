import { AskAbortedError, AskTimeoutError, CapacityError, StoppedError, UnreachableError } from '../../../errors.js';
import { errorOf, messageOf } from '../../../foreign.js';
import { ownerOrdinal } from '../../../ids/index.js';
import { limits } from '../../../limits.js';
import type { Ref } from '../../../protocol/index.js';
import type { Scheduler } from '../../../scheduler/index.js';
import type { KnownPool, PoolDirectory } from './pool-directory.js';
import { areAsked } from './reached-networks.js';
import { leads, nearerByOthers, spillOrder } from './spill-order.js';
import { type RequestTrail, RequestTrails } from './request-trails.js';
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
  /** Names of other networks that it must not go into. */
  readonly shut?: readonly string[];
  /** Pools that it must not ask. */
  readonly avoids?: (pool: KnownPool) => boolean;
}

/** Why there was no container. */
export interface NotFound {
  /** Why each pool had none, when it was asked last. */
  readonly refusals: ReadonlyMap<KnownPool, string>;
  /** Names of the networks in which gateways have asked, in the last round. */
  readonly asked: readonly string[];
}

/** A container that has this request alone. */
export interface Lease {
  readonly container: Ref;
  readonly pool: KnownPool;
  /** It is an actor of a gateway, which passes one request on, and answers a probe when it has. */
  readonly isPassedOn: boolean;
  /** `hasAnswered`: the container is free; otherwise its pool asks it whether it is. */
  release(hasAnswered: boolean): void;
}

/** One time that all pools are asked for a request. */
interface Round {
  readonly wanted: Wanted;
  readonly beganMs: number;
  readonly turn: number;
  /** Time in ms that the next pool may have it wait. */
  readonly withinOf: () => number | undefined;
  readonly refusals: Map<KnownPool, string>;
  /** Names of the networks in which gateways have asked. */
  readonly asked: Set<string>;
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
  /** Somebody watches this process: which way requests take is kept. */
  readonly isWatched: () => boolean;
}

/** The longest timer of Node in ms: nobody waits longer for a container. */
const LONGEST_MS = 2 ** 31 - 1;

/** Gets containers for the requests of this process, from the nearest pool that has one in time. */
export class Acquirer {
  /** Of the requests since somebody watches. */
  readonly trails = new RequestTrails();
  readonly #options: AcquirerOptions;
  #turn = 0;

  constructor(options: AcquirerOptions) {
    this.#options = options;
  }

  /** As `seek`; rejects with CapacityError where there is no container in time. */
  async acquire(wanted: Wanted): Promise<Lease> {
    const found = await this.seek(wanted);
    if ('container' in found) return found;
    throw noCapacity(wanted, found.refusals, this.#options.directory.pools);
  }

  /**
   * Resolves with a container, or, where no pool has one in time, with why each had none when it was asked last. Nobody has handled the request then. Rejects with AskAbortedError
   * when `signal` is aborted.
   */
  async seek(wanted: Wanted): Promise<Lease | NotFound> {
    const { scheduler, assertOpen, isWatched } = this.#options;
    assertOpen();
    if (!isWatched()) return this.#seek(wanted, new Map());
    const beganMs = scheduler.now();
    const refusals = new Map<KnownPool, string>();
    const found = await this.#seek(wanted, refusals);
    const from = 'container' in found ? lender(found) : undefined;
    this.trails.add({
      what: wanted.what,
      atMs: beganMs,
      waitedMs: scheduler.now() - beganMs,
      refusals: [...refusals].map(([pool, why]) => ({ pool: String(pool), why })),
      from,
    });
    return found;
  }

  /** `refusals` gets why each pool had none, when it was asked last. */
  async #seek(wanted: Wanted, refusals: Map<KnownPool, string>): Promise<Lease | NotFound> {
    const { scheduler } = this.#options;
    const { within, through = [], deadlineMs } = wanted;
    const beganMs = scheduler.now();
    const turn = this.#turn++;
    const round = (withinOf: () => number | undefined): Round => ({
      wanted,
      beganMs,
      turn,
      withinOf,
      refusals,
      asked: new Set(),
    });
    const leftMs = (): number => Math.max(0, (within ?? limits.componentSpillMs) - (scheduler.now() - beganMs));
    let last = round(leftMs);
    // Where one from another network waits until its deadline, its caller has asked all pools for what they have at once.
    if (within !== undefined || through.length === 0) {
      const lease = await this.#askAll(last);
      if (lease !== undefined) return lease;
    }
    // Without a tolerance, the request waits where it is nearest.
    if (within === undefined && scheduler.now() < deadlineMs) {
      last = round(() => undefined);
      const lease = await this.#askAll(last);
      if (lease !== undefined) return lease;
    }
    return { refusals, asked: [...last.asked] };
  }

  /** Asks pools in turn; gateways first for the networks to which they are the shortest way, then for those that nobody has asked in. */
  async #askAll(round: Round): Promise<Lease | undefined> {
    const { wanted, turn, asked } = round;
    const { only = 'any', through = [], avoids = () => false } = wanted;
    const bounds = () => ({ only, through, shut: new Set([...(wanted.shut ?? []), ...asked]) });
    const order = spillOrder(this.#options.directory.pools, bounds(), turn).filter((pool) => !avoids(pool));
    const partly = new Set<KnownPool>();
    for (const pool of order) {
      let { shut } = bounds();
      if (pool.distance === 'gateway') {
        const nearer = nearerByOthers(pool, order, { through, shut });
        if (nearer.size > 0) partly.add(pool);
        shut = new Set([...shut, ...nearer]);
        if (!leads(pool, { through, shut })) continue;
      }
      const lease = await this.#askPool(pool, round, shut);
      if (lease !== undefined) return lease;
    }
    for (const pool of partly) {
      const { shut } = bounds();
      if (pool.reached.length === 0 || !leads(pool, { through, shut })) continue;
      const lease = await this.#askPool(pool, round, shut);
      if (lease !== undefined) return lease;
    }
    return undefined;
  }

  async #askPool(pool: KnownPool, round: Round, shut: ReadonlySet<string>): Promise<Lease | undefined> {
    const { scheduler, caller, nextId, directory } = this.#options;
    const { wanted, beganMs, withinOf, refusals, asked } = round;
    const { deadlineMs, isStream, signal, only = 'any', through = [] } = wanted;
    const nowMs = scheduler.now();
    const timeoutMs = Math.min(LONGEST_MS, deadlineMs - nowMs);
    if (timeoutMs <= 0) return undefined;
    const id = nextId();
    const release = (hasAnswered: boolean): void => this.#release(pool, id, hasAnswered);
    const request = {
      caller,
      token: pool.token,
      id,
      withinMs: withinOf(),
      waitedMs: (wanted.waitedMs ?? 0) + nowMs - beganMs,
      timeoutMs,
      leaseMs: isStream ? undefined : timeoutMs,
      mayLeave: only === 'any',
      networks: through,
      shutNetworks: [...shut].slice(0, limits.networkGatewayAsked),
    };
    try {
      const lease = await pool.ref.acquire(request, { timeoutMs, signal });
      const { container, refused, load, isPassedOn, askedNetworks } = lease;
      directory.heardFrom(pool, load);
      if (container !== undefined) return { container, pool, isPassedOn, release };
      refusals.set(pool, refused);
      if (areAsked(askedNetworks)) for (const network of askedNetworks) asked.add(network);
    } catch (caught) {
      const error = errorOf(caught);
      release(false);
      if (error instanceof AskAbortedError || !isOfPool(error)) throw error;
      const isLate = error instanceof AskTimeoutError;
      refusals.set(pool, isLate ? `it gave none within ${Math.round(timeoutMs)} ms` : messageOf(error));
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

function lender({ pool, container }: Lease): RequestTrail['from'] {
  return { pool: String(pool), distance: pool.distance, partition: ownerOrdinal(container.cUid) };
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
