import { availableBytes } from '../../descriptors/memory/index.js';
import { ConfigError } from '../../errors.js';
import { shownValue } from '../../foreign.js';
import { limits } from '../../limits.js';
import type { Logger } from '../../logging/index.js';
import { accepted, checkOptions } from '../../options/index.js';
import { usableParallelism } from '../../resources/index.js';
import type { Timer } from '../../scheduler/index.js';
import { capacityKey, type ComponentNetwork, poolsKey, type ServedPool } from '../component/index.js';
import { type Explainer, systemKey } from '../kernel/index.js';
import type { RankedDemand } from './capacity.js';
import { governedFacts, heldNow, type LastHeld } from './governed-facts.js';
import { LimitLevels } from './limit-levels.js';
import { PartitionLoops } from './partition-loops.js';
import { oldestWait } from './oldest-wait.js';
import { type Scaler, type ScalingEvent, type ScalingStrategy, guardedScaler, scalerOf } from './strategy.js';

export interface GovernorOptions {
  /** Containers that this process may have, all components together. Default: twice the processors that it may use; 8 on virtual time. */
  readonly limit?: number;
  /** Containers that all processes of this node may have together. Default: as `limit` by default, or `limit` where that is more. */
  readonly nodeLimit?: number;
  /** Containers that all processes of the cluster may have together. Default: no limit. */
  readonly networkLimit?: number;
  /** Says how many containers a component should have. Default `oldestWait()`. */
  readonly strategy?: ScalingStrategy;
  /** Time in ms between two looks at all pools. Default 100. */
  readonly tickMs?: number;
  /** Memory in bytes that must be free for another container. Default 64 MiB (`spareMemoryBytes`). */
  readonly spareMemoryBytes?: number;
  /** Memory in bytes that this process can get. Default: that of the machine and of its cgroups; on virtual time there is always enough. */
  readonly availableBytes?: () => number;
}

/** Why a component has as many containers as it has. */
export interface Explanation {
  readonly component: string;
  readonly containers: number;
  /** What the strategy says. */
  readonly wanted: number;
  readonly because: string;
  /** Why there are fewer than wanted; undefined where there are not. */
  readonly held: string | undefined;
  /** Of the last start, where that has failed. */
  readonly lastError: Error | undefined;
}

interface Governed {
  readonly served: ServedPool;
  readonly scaler: Scaler;
  readonly release: () => void;
  wanted: number;
  because: string;
  held: string | undefined;
  lastHeld: LastHeld | undefined;
}

/** Time in ms between two looks at the partitions, and between two requests to hear of other processes. */
const HEALTH_MS = 1_000;
const REFRESH_MS = 5_000;
/** The processors of a machine must not decide what happens on virtual time. */
const VIRTUAL_LIMIT = 8;

const GOVERNOR = {
  limit: accepted.number,
  nodeLimit: accepted.number,
  networkLimit: accepted.number,
  strategy: { what: 'a strategy, such as oldestWait()', is: isStrategy },
  tickMs: accepted.milliseconds,
  spareMemoryBytes: accepted.number,
  availableBytes: accepted.callback,
};

/**
 * Decides how many containers the components of one network have, within their ranges, a limit of this process, and its memory. It is no member of the network: nobody can
 * find or call it.
 */
export class Governor {
  readonly #network: ComponentNetwork;
  readonly #strategy: ScalingStrategy;
  readonly #tickMs: number;
  readonly #levels: LimitLevels;
  readonly #loops = new PartitionLoops();
  readonly #governed = new Map<ServedPool, Governed>();
  readonly #unwatch: () => void;
  #timer: Timer | undefined;
  #isDeciding = false;
  /** The minima exceed the limit. */
  #isShort = false;
  #healthMs = 0;
  #refreshMs = 0;
  #isClosed = false;
  readonly #close = (): void => this.close();
  readonly #explainer: Explainer = (what) =>
    governedFacts(this.#governed.values(), what, this.#network.runtime.scheduler.now());

  constructor(network: ComponentNetwork, options: GovernorOptions) {
    if (!isNetwork(network)) {
      throw new ConfigError(`govern needs a network of componentNetwork(runtime), not ${shownValue(network)}.`);
    }
    checkOptions('govern', options, GOVERNOR);
    const { runtime } = network;
    const { strategy = oldestWait(), tickMs = 100 } = options;
    this.#network = network;
    this.#strategy = strategy;
    this.#tickMs = tickMs;
    this.#levels = levelsOf(network, options);
    const unwatchPools = network[poolsKey]((served) => this.#govern(served));
    const unwatchLimits = network[capacityKey].onLimits(() => {
      this.#share();
      // A limit of the network makes other nodes count.
      void this.#levels.refresh().then(() => this.#share());
    });
    this.#unwatch = () => {
      unwatchPools();
      unwatchLimits();
    };
    runtime.draining.addEventListener('abort', this.#close);
    runtime[systemKey].explainers.add(this.#explainer);
    void this.#levels.refresh();
    this.#arm();
  }

  /** Of this process. */
  get limit(): number {
    return this.#levels.process;
  }

  /** That of all processes of this node together, as this one knows it. */
  get nodeLimit(): number {
    return this.#levels.node;
  }

  /** That of all processes of the cluster together, as this one knows it. */
  get networkLimit(): number {
    return this.#levels.network;
  }

  /**
   * Live: where there are more containers than that, idle ones are stopped first, and those that have a request when they have answered. Throws ConfigError for what is no
   * whole number from 0, nor `Infinity`.
   */
  setLimit(limit: number): void {
    this.#levels.setProcess(limit);
    this.#share();
  }

  /** As `setLimit`, for all processes of a node, by default this one. Resolves when the other processes of the cluster that can be reached know it. */
  async setNodeLimit(limit: number, node: string = this.#network.runtime.node): Promise<void> {
    await this.#setShared(node, limit);
  }

  /** As `setLimit`, for all processes of the cluster. Resolves when those that can be reached know it. */
  async setNetworkLimit(limit: number): Promise<void> {
    await this.#setShared(undefined, limit);
  }

  /** What it has decided last for each component, and why. */
  explain(): readonly Explanation[] {
    return [...this.#governed.values()].map(({ served, wanted, because, held }) => ({
      component: served.component.name,
      containers: served.containers,
      wanted,
      because,
      held,
      lastError: served.pool.lastError,
    }));
  }

  /** Decides nothing any more: the components keep the containers that they have. Idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const { runtime } = this.#network;
    runtime.draining.removeEventListener('abort', this.#close);
    runtime[systemKey].explainers.delete(this.#explainer);
    this.#unwatch();
    for (const { served, release } of this.#governed.values()) {
      release();
      served.setDemand(undefined);
    }
    if (this.#timer !== undefined) runtime.scheduler.clearTimer(this.#timer);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #govern(served: ServedPool): void {
    const release = served.pool.onEvent((event) => this.#decide(governed, event === 'overdue' ? 'overdue' : 'changed'));
    const governed: Governed = {
      served,
      scaler: guardedScaler(scalerOf(this.#strategy), served.component.name, this.#log),
      release,
      wanted: served.containers,
      because: 'it was served with so many',
      held: undefined,
      lastHeld: undefined,
    };
    this.#governed.set(served, governed);
    this.#decide(governed, 'changed');
  }

  #arm(): void {
    this.#timer = this.#network.runtime.scheduler.setTimer(this.#tickMs, () => {
      this.#arm();
      this.#look();
      for (const governed of this.#governed.values()) this.#decide(governed, 'tick');
      // Other processes may have taken or left some.
      this.#share();
      this.#warnOfMinima();
    });
  }

  /** Once, until they fit again. */
  #warnOfMinima(): void {
    const all = [...this.#governed.keys()].map(({ component, range }) => ({ name: component.name, min: range.min }));
    const least = all.reduce((sum, { min }) => sum + min, 0);
    const limit = Math.min(this.limit, this.nodeLimit, this.networkLimit);
    const isShort = least > limit;
    if (isShort && !this.#isShort) {
      const text =
        'the components are to have more containers at least than the limit: they take turns, and requests wait for starts. Raise the limit';
      this.#log.warn(text, { limit, least, components: all.map(({ name, min }) => `${name} ${min}`).join(', ') });
    }
    this.#isShort = isShort;
  }

  get #log(): Logger {
    return this.#network.runtime[systemKey].callServices.log;
  }

  /** Forgets pools that are closed, and has those in partitions that do not answer used last. */
  #look(): void {
    const { served, runtime } = this.#network;
    for (const [pool, { release }] of this.#governed) {
      if (served.has(pool)) continue;
      release();
      this.#governed.delete(pool);
    }
    const nowMs = runtime.scheduler.now();
    if (nowMs - this.#refreshMs >= REFRESH_MS) {
      this.#refreshMs = nowMs;
      void this.#levels.refresh();
    }
    if (nowMs - this.#healthMs < HEALTH_MS) return;
    this.#healthMs = nowMs;
    const { partitions } = runtime.health();
    this.#loops.look(partitions);
    const silent = new Set(partitions.filter(({ state }) => state !== 'responsive').map(({ ordinal }) => ordinal));
    for (const { pool } of this.#governed.keys()) pool.setSilent(silent);
  }

  /** What it changes in a pool is an event of the pool, for which it decides nothing. */
  #decide(governed: Governed, kind: ScalingEvent['kind']): void {
    const { pool } = governed.served;
    this.#alone(() => this.#ask(governed, kind));
    if (governed.wanted !== pool.target) this.#share();
  }

  #ask(governed: Governed, kind: ScalingEvent['kind']): void {
    const { served, scaler } = governed;
    const { range, pool } = served;
    const nowMs = this.#network.runtime.scheduler.now();
    const counts = pool.counts();
    const starting = Math.max(0, pool.target - counts.idle - counts.busy);
    const { isVirtual } = this.#network.runtime.scheduler;
    const utilization = isVirtual ? counts.busy / Math.max(1, pool.target) : this.#loops.averageOf(pool.ordinals);
    const observation = { ...counts, nowMs, containers: pool.target, starting, utilization };
    const { containers, because } = scaler({ kind, pool: observation });
    governed.wanted = Math.min(range.max, Math.max(range.min, containers));
    governed.because = because;
    governed.held = containers > range.max ? `its max is ${range.max}` : undefined;
  }

  /** Not while it decides already. */
  #alone(decide: () => void): void {
    if (this.#isDeciding || this.#isClosed) return;
    this.#isDeciding = true;
    try {
      decide();
    } finally {
      this.#isDeciding = false;
    }
  }

  async #setShared(node: string | undefined, limit: number): Promise<void> {
    const told = this.#levels.setShared(node, limit);
    this.#share();
    await told;
    await this.#levels.refresh();
    this.#share();
  }

  #share(): void {
    this.#alone(() => this.#grant());
  }

  #grant(): void {
    const all = [...this.#governed.values()];
    const grants = this.#levels.grants(all.map(demandOf));
    all.forEach((governed, index) => {
      const { wanted = 0, nodeShare = 0, containers = 0, held } = grants[index] ?? {};
      governed.held = held ?? governed.held;
      if (governed.held !== undefined) governed.lastHeld = heldNow(governed, this.#network.runtime.scheduler.now());
      governed.served.setDemand({ wanted, nodeShare });
      governed.served.pool.setTarget(containers);
    });
  }
}

function demandOf({ wanted, served }: Governed): RankedDemand {
  const { pool, channel, component } = served;
  const { idle, waiting } = pool.counts();
  return { wanted, pool: channel, component: component.name, containers: pool.target, idle, waiting };
}

function levelsOf(network: ComponentNetwork, options: GovernorOptions): LimitLevels {
  const { scheduler, node } = network.runtime;
  const usual = scheduler.isVirtual ? VIRTUAL_LIMIT : 2 * usableParallelism();
  const {
    limit = usual,
    networkLimit = Number.POSITIVE_INFINITY,
    spareMemoryBytes = limits.spareMemoryBytes,
  } = options;
  const free = options.availableBytes ?? (scheduler.isVirtual ? () => Number.POSITIVE_INFINITY : availableBytes);
  return new LimitLevels({
    node,
    capacity: network[capacityKey],
    process: limit,
    nodeDefault: options.nodeLimit ?? Math.max(usual, limit),
    networkDefault: networkLimit,
    hasMemory: () => free() >= spareMemoryBytes,
    spareMemoryBytes,
    log: network.runtime[systemKey].callServices.log,
  });
}

/**
 * Lets the components that a network serves now and later follow their load, each within its range. `close` it when they are not to any more.
 *
 *     await network.serve(stock, { containers: { min: 1, max: 8 } });
 *     const governor = govern(network, { limit: 8 });
 *     console.log(governor.explain());
 */
export function govern(network: ComponentNetwork, options: GovernorOptions = {}): Governor {
  return new Governor(network, options);
}

/** Also where the compiler has not looked. */
function isNetwork(value: unknown): boolean {
  return typeof value === 'object' && value !== null && poolsKey in value;
}

function isStrategy(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'decide' in value && typeof value.decide === 'function';
}
