import { BackpressureError, ProtocolError } from '../../../errors.js';
import { type AnyService, type Ref, v1 } from '../../../protocol/index.js';
import {
  type ActorRef,
  assertSentBy,
  type Behavior,
  behavior,
  type Context,
  isSentBy,
  later,
  type UntypedRef,
} from '../../kernel/index.js';
import type { PoolRequest } from './waiting-requests.js';

/** Time in ms between two looks for requests that should have ended, and between two reports to callers while a pool's load changes. */
const SWEEP_MS = 1_000;
const REPORT_MS = 250;
/** The longest timer of Node in ms. */
const MOST_MS = 2 ** 31 - 1;

/** A request for a container, with what it says of other networks. */
export interface ReachingRequest extends PoolRequest {
  readonly mayLeave: boolean;
  readonly networks: readonly string[];
  readonly shutNetworks: readonly string[];
}

/** The answer to a request: a container, or why there is none. */
export type Lent =
  | { readonly container: { readonly ref: UntypedRef } }
  | { readonly refused: string; readonly askedNetworks?: readonly string[] };

/** What lends containers: those of this process, or those of other networks. */
export interface LendingPool {
  acquire(request: ReachingRequest): Promise<Lent>;
  release(key: string, hasAnswered: boolean): void;
  /** A watched actor that is no caller has ended. */
  ended(ref: UntypedRef): void;
  /** Called now and then. */
  sweep(): void;
  /** The actor stops: nothing is lent any more. */
  drain(): void;
}

export interface PoolActorOptions {
  readonly pool: LendingPool;
  /** What it lends are actors of a gateway. */
  readonly isGateway?: boolean;
  /** Time in ms between two reports to callers while its load changes. Default 250. */
  readonly reportMs?: number;
  readonly load: () => v1.PoolLoadInit;
  /** Called once, when it has started. */
  readonly started: (actor: PoolActor) => void;
  /** Somebody has sent limits for all processes. Throws ProtocolError for what is none. */
  readonly limited: (limits: readonly v1.CapacityLimit[]) => void;
}

/** What a pool can have its actor do. */
export interface PoolActor {
  /** `pool.ended` is called when this container has ended. */
  watch(ref: UntypedRef): void;
  /** Starts a child of the actor. */
  spawn<S extends AnyService>(behavior: Behavior<S, unknown>): ActorRef<S>;
  stop(child: UntypedRef): Promise<void>;
  /** Tells those who use the pool, or watch it, what has changed, at once. */
  report(): void;
}

/** A process that uses the pool. */
interface Caller {
  readonly ref: ActorRef<typeof v1.ComponentCaller>;
  /** Its requests that wait or have a container, by their keys. */
  readonly requests: Map<string, v1.ContainerRequest>;
  /** What it believes reports by. */
  token: bigint;
}

/** The actor by which the processes of a cluster use a pool. What a process has is taken back when it ends. */
export function poolBehavior(options: PoolActorOptions): Behavior<typeof v1.ComponentPool, unknown> {
  const { pool, load, started, limited, reportMs = REPORT_MS } = options;
  return behavior(v1.ComponentPool, {
    supervision: 'resume',
    state: () => new Callers(options),
    acquire: (callers, request, context) => later(callers.acquire(request, context)),
    release: (callers, { caller, id, hasAnswered }, context) => {
      if (caller !== undefined && isSentBy(context, caller)) callers.release(caller, id, hasAnswered);
    },
    describePool: (callers, { caller, token, limits }, context) => {
      limited(limits);
      callers.watched(caller, token, context);
      return load();
    },
    limitCapacity: (_callers, { limits }) => {
      limited(limits);
      return {};
    },
    on: {
      started: (callers, context) => {
        started({
          watch: (ref) => context.watch(ref),
          spawn: (child) => context.spawn(child),
          stop: (child) => context.stopChild(child),
          report: () => callers.report(),
        });
        context.every(SWEEP_MS, () => pool.sweep());
        context.every(reportMs, () => callers.report());
      },
      terminated: (callers, { ref }) => callers.ended(ref),
      stopping: () => pool.drain(),
    },
  });
}

class Callers {
  readonly #options: PoolActorOptions;
  readonly #callers = new Map<string, Caller>();
  #reported = '';

  constructor(options: PoolActorOptions) {
    this.#options = options;
  }

  async acquire(request: v1.ContainerRequest, context: Context): Promise<v1.ContainerLeaseInit> {
    const { pool, load, isGateway = false } = this.#options;
    const { leaseMs = Number.POSITIVE_INFINITY, ...given } = checked(request);
    const key = keyOf(request.caller, request.id);
    const caller = this.#callerOf(request.caller, request.token, context);
    // A second request with the number of another one is refused, and that one goes on.
    if (caller?.requests.has(key) === false) caller.requests.set(key, request);
    let [mustGiveBack, isLent] = [false, false];
    try {
      const acquired = await pool.acquire({ ...given, key, leaseMs });
      mustGiveBack = 'container' in acquired;
      const described = v1.PoolLoad.create(load());
      // Its caller has heard of this moment: it is to hear of what follows, also where that is as before.
      if (stateOf(described) !== this.#reported) this.#reported = '';
      if ('refused' in acquired) return { ...acquired, load: described };
      const lease = { container: acquired.container.ref.toRef(), isPassedOn: isGateway, load: described };
      isLent = true;
      return lease;
    } finally {
      if (!isLent) {
        if (caller?.requests.get(key) === request) caller.requests.delete(key);
        if (mustGiveBack) pool.release(key, true);
      }
    }
  }

  release(ref: Ref | undefined, id: number, hasAnswered: boolean): void {
    const key = keyOf(ref, id);
    this.#callers.get(callerKey(ref))?.requests.delete(key);
    this.#options.pool.release(key, hasAnswered);
  }

  /** A caller, or a container, has ended. */
  ended(ref: UntypedRef): void {
    const key = callerKey(ref.toRef());
    const caller = this.#callers.get(key);
    if (caller?.ref !== ref) {
      this.#options.pool.ended(ref);
      return;
    }
    this.#callers.delete(key);
    for (const each of caller.requests.keys()) this.#options.pool.release(each, false);
  }

  /** Tells those who use the pool how much it has to do, where that has changed. */
  report(): void {
    const load = this.#options.load();
    const state = stateOf(load);
    if (state === this.#reported && (load.waiting ?? 0) === 0) return;
    this.#reported = state;
    const told = v1.PoolLoad.create(load);
    for (const { ref, token } of this.#callers.values()) {
      try {
        ref.poolLoaded({ token, load: told });
      } catch (error) {
        // It does not take reports as fast as they come. The next one has what this one had.
        if (!(error instanceof BackpressureError)) throw error;
      }
    }
  }

  /** From now on this process is told, too. */
  watched(ref: Ref | undefined, token: bigint, context: Context): void {
    this.#callerOf(ref, token, context);
  }

  #callerOf(ref: Ref | undefined, token: bigint, context: Context): Caller | undefined {
    if (ref === undefined) return undefined;
    assertSentBy(context, ref, 'A request to a pool');
    const key = callerKey(ref);
    let caller = this.#callers.get(key);
    if (caller === undefined) {
      caller = { ref: context.ref(v1.ComponentCaller, ref), requests: new Map(), token };
      this.#callers.set(key, caller);
      context.watch(caller.ref);
    }
    if (token !== 0n) caller.token = token;
    return caller;
  }
}

/** Throws ProtocolError for times that are none, and for a request that nobody could be said to have made. */
function checked(request: v1.ContainerRequest): v1.ContainerRequest {
  const { caller, withinMs = 0, timeoutMs, leaseMs = 0, waitedMs } = request;
  const isTime = (ms: number): boolean => ms >= 0 && ms <= MOST_MS;
  if (caller !== undefined && [withinMs, timeoutMs, leaseMs, waitedMs].every(isTime)) return request;
  throw new ProtocolError(`A request for a container must say who makes it, and have times from 0 to ${MOST_MS} ms.`);
}

/** Tells apart loads that callers should hear of. */
function stateOf(load: v1.PoolLoadInit): string {
  const { containers, starting, idle, waiting, lastError, wanted, nodeShare, limits = [], gateway } = load;
  const versions = limits.map(({ node = '', version = 0 }) => `${node}:${version}`);
  const counts = [containers, starting, idle, waiting, wanted, nodeShare];
  return [...counts, lastError, gateway?.version, ...versions].join(' ');
}

function callerKey(ref: Ref | undefined): string {
  return `${ref?.cUid}/${ref?.incarnation}`;
}

function keyOf(ref: Ref | undefined, id: number): string {
  return `${callerKey(ref)}/${id}`;
}
