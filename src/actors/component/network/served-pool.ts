import { ConfigError, StoppedError } from '../../../errors.js';
import { errorOf, namedMessageOf, shownValue } from '../../../foreign.js';
import { limits } from '../../../limits.js';
import { accepted, checkOptions } from '../../../options/index.js';
import type { v1 } from '../../../protocol/index.js';
import { type ActorRef, systemKey, type PlaceOn } from '../../kernel/index.js';
import { checkOn, PLACE_ON, type Runtime } from '../../runtime/index.js';
import { containerControl } from '../control-service.js';
import { type AnyContained, isContained } from '../define.js';
import { type ContainerRange, containersOption, rangeOf } from '../manifest.js';
import { type ComponentObserver, type LifeCycle, type NetworkPlugins, securityOf } from '../plugins/index.js';
import { ContainerPool, type PoolActor, poolBehavior } from '../pool/index.js';
import type { CapacityLimits } from './capacity-limits.js';
import { PlacedContainers } from './placed-containers.js';

export interface ServeOptions {
  /** Containers: a fixed number, or a range in which a governor chooses. Without a governor there are `min`. Default: that of the component. */
  readonly containers?: number | ContainerRange;
  /** Where containers run, as for `runtime.place`. Default: the partition of this runtime that has the fewest of them. */
  readonly on?: PlaceOn;
  /** Time in ms that a container may take to start. Default 30 000. */
  readonly startTimeoutMs?: number;
  /** Time in ms after which a container that does not answer is replaced, once its request must have ended. Default 10 000. */
  readonly wedgedMs?: number;
  /** Requests after which a container is replaced by a new one: for components that leak. Default: never. */
  readonly recycleAfter?: number;
}

const SERVE = {
  containers: containersOption(),
  on: PLACE_ON,
  startTimeoutMs: accepted.milliseconds,
  wedgedMs: accepted.milliseconds,
  recycleAfter: accepted.count,
};

export interface ServedPoolOptions {
  readonly runtime: Runtime;
  readonly component: AnyContained;
  readonly options: ServeOptions;
  /** Containers of this process by the ordinals of their partitions. */
  readonly occupied: Map<number, number>;
  /** Names of the groups that make it known. */
  readonly groups: readonly string[];
  readonly limits: CapacityLimits;
  /** Somebody has sent limits for all processes. */
  readonly limited: (limits: readonly v1.CapacityLimit[]) => void;
  /** Called once, when it is closed. */
  readonly closed: () => void;
  readonly security: NetworkPlugins['security'];
  readonly lifeCycle: LifeCycle;
  /** Does not throw. */
  readonly observe: ComponentObserver;
}

/** Containers that a governor wants for a pool: within the limit of its process, and of those within that of its node. */
export interface PoolDemand {
  readonly wanted: number;
  readonly nodeShare: number;
}

/** How much a process has to do for a component. `JSON.stringify` accepts it. */
export type ComponentLoad = Omit<v1.PoolLoad, 'pool'>;

/** A component that a process serves. */
export interface ServedComponent extends AsyncDisposable {
  readonly component: AnyContained;
  /** Number of containers that it should have. */
  readonly containers: number;
  /**
   * Starts containers, or stops the emptiest: one that has a request is stopped when it has answered. A governor changes the number again. Throws
   * ConfigError for what is no whole number from 0.
   */
  setContainers(count: number): void;
  /**
   * Replaces the containers by those of another version of the component, which has its name and service, and loses no request. The new ones start first. Then requests wait
   * until the old ones have answered theirs, at most `drainMs`, and each has given its state to a new one, where both versions transfer theirs. Rejects, and
   * keeps the old version, where the new one does not start or does not import the state. An old container that ends meanwhile undoes nothing: its state is lost, which the
   * log says, and a new one begins without it.
   *
   *     await served.replace(nextStock);
   */
  replace(component: AnyContained, options?: { readonly drainMs?: number }): Promise<void>;
  /** How much it has to do at this moment, and why the last start of a container has failed. */
  load(): ComponentLoad;
  /** Serves no further request; then stops its containers: those that have a request when that has ended, at the latest after `drainMs`. Idempotent. */
  close(drainMs?: number): Promise<void>;
}

/** A component that this process serves, with its containers. */
export class ServedPool implements ServedComponent {
  /** Lends the containers to requests. */
  readonly pool: ContainerPool;
  readonly #runtime: Runtime;
  readonly #options: ServedPoolOptions;
  readonly #closed: () => void;
  #actor: ActorRef<typeof v1.ComponentPool> | undefined;
  #closing: Promise<void> | undefined;
  #component: AnyContained;
  /** Undefined: that of the component. */
  readonly #range: ContainerRange | undefined;
  #tools: PoolActor | undefined;
  /** What a governor wants; undefined without one. */
  #demand: PoolDemand | undefined;
  #replacing: Promise<void> | undefined;

  constructor(given: ServedPoolOptions) {
    const { runtime, component, options, closed } = given;
    const { name, manifest } = component;
    const of = `network.serve of "${name}"`;
    checkOptions(of, options, SERVE);
    checkOn(of, options.on);
    const { wedgedMs = limits.containerWedgedMs, containers } = options;
    this.#options = given;
    this.#component = component;
    this.#range = containers === undefined ? undefined : rangeOf(`"${name}"`, containers);
    this.#runtime = runtime;
    this.#closed = closed;
    this.pool = new ContainerPool({
      name,
      host: this.#hostOf(component),
      scheduler: runtime.scheduler,
      log: runtime[systemKey].callServices.log,
      queue: manifest.queue,
      wedgedMs,
      recycleAfter: options.recycleAfter ?? Number.POSITIVE_INFINITY,
      lifeCycle: given.lifeCycle,
      observe: given.observe,
    });
  }

  get component(): AnyContained {
    return this.#component;
  }

  get range(): ContainerRange {
    return this.#range ?? this.#component.manifest.containers;
  }

  get containers(): number {
    return this.pool.target;
  }

  /** That of its pool. */
  get channel(): bigint {
    return this.#actor?.toRef().cUid ?? 0n;
  }

  setContainers(count: number): void {
    if (!Number.isSafeInteger(count) || count < 0) {
      throw new ConfigError(
        `The containers of "${this.component.name}" must be a whole number from 0, not ${shownValue(count)}.`,
      );
    }
    this.pool.setTarget(count);
  }

  replace(
    component: AnyContained,
    { drainMs = limits.drainTimeoutMs }: { readonly drainMs?: number } = {},
  ): Promise<void> {
    const { name, service } = this.#component;
    if (!isContained(component) || component.name !== name || component.service.typeName !== service.typeName) {
      const what = `another version of "${name}", with its name and its service ${service.typeName}`;
      return Promise.reject(new ConfigError(`served.replace needs ${what}, not ${shownName(component)}.`));
    }
    if (this.#closing !== undefined) return Promise.reject(new StoppedError(`"${name}" is not served any more.`));
    if (this.#replacing !== undefined) {
      return Promise.reject(new ConfigError(`"${name}" is replaced just now: await that first.`));
    }
    this.#replacing = this.#told(component, drainMs).finally(() => (this.#replacing = undefined));
    return this.#replacing;
  }

  load(): ComponentLoad {
    const { containers, starting, idle, waiting, oldestWaitMs } = this.pool.counts();
    const { node, name: process } = this.#runtime;
    const component = this.component.name;
    const lastError = this.pool.lastError === undefined ? '' : namedMessageOf(this.pool.lastError);
    const counts = { containers, starting, idle, waiting, oldestWaitMs };
    const { wanted, nodeShare } = this.#demand ?? { wanted: this.pool.target, nodeShare: this.pool.target };
    const limits = this.#options.limits.all;
    return { component, node, process, ...counts, lastError, wanted, nodeShare, limits, gateway: undefined };
  }

  /** For a governor: what it wants, which those of other processes hear at once. Undefined: it decides nothing any more. */
  setDemand(demand: PoolDemand | undefined): void {
    const isSame = demand?.wanted === this.#demand?.wanted && demand?.nodeShare === this.#demand?.nodeShare;
    this.#demand = demand;
    if (!isSame) this.#tools?.report();
  }

  /** Starts `min` containers, and makes them known. Resolves when all of them have started, or could not. */
  async start(): Promise<void> {
    const { pool } = this;
    const { groups, limited } = this.#options;
    const actor = this.#runtime[systemKey].spawn(
      poolBehavior({
        pool,
        limited,
        load: () => ({ pool: this.channel, ...this.load() }),
        started: (tools) => (this.#tools = tools),
      }),
    );
    this.#actor = actor;
    pool.setTarget(this.range.min);
    await noneStarts(pool);
    for (const group of groups) await this.#runtime.register(group, actor, { group: true });
  }

  close(drainMs: number = limits.drainTimeoutMs): Promise<void> {
    this.#closing ??= this.#close(drainMs);
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(drainMs: number): Promise<void> {
    this.#closed();
    const actor = this.#actor;
    this.pool.drain();
    await this.#replacing?.catch(() => {});
    if (actor === undefined) return;
    for (const group of this.#options.groups) await this.#runtime.unregister(group, actor).catch(() => {});
    await this.pool.close(drainMs);
    await this.#runtime[systemKey].stop(actor);
  }

  /** Tells the observer how a replacement ends. */
  async #told(component: AnyContained, drainMs: number): Promise<void> {
    const { observe } = this.#options;
    const event = (): { component: string; atMs: number } => ({
      component: component.name,
      atMs: this.#runtime.scheduler.now(),
    });
    try {
      await this.#replace(component, drainMs);
    } catch (error) {
      observe({ ...event(), kind: 'replace-failed', error: errorOf(error) });
      throw error;
    }
    observe({ ...event(), kind: 'replaced', version: component.manifest.version });
  }

  async #replace(component: AnyContained, drainMs: number): Promise<void> {
    const old = this.#component;
    const keepsState = old.hooks.exportState !== undefined && component.hooks.importState !== undefined;
    const given = { timeoutMs: drainMs };
    await this.pool.replace({
      host: this.#hostOf(component),
      exportState: async ({ ref }) =>
        keepsState ? containerControl(this.#runtime, ref).containerExport({}, given) : undefined,
      importState: async ({ ref }, state) => {
        await containerControl(this.#runtime, ref).containerImport(state, given);
      },
      drainMs,
    });
    this.#component = component;
    const { min, max } = this.range;
    this.pool.setTarget(Math.min(max, Math.max(min, this.pool.target)));
  }

  #hostOf(component: AnyContained): PlacedContainers {
    const { runtime, occupied, options, security } = this.#options;
    const { on, startTimeoutMs = limits.placeTimeoutMs } = options;
    return new PlacedContainers({
      runtime,
      component,
      args: securityOf(security),
      on,
      occupied,
      startTimeoutMs,
      watch: (ref) => this.#tools?.watch(ref),
    });
  }
}

function shownName(component: unknown): string {
  return isContained(component) ? `"${component.name}" of ${component.service.typeName}` : shownValue(component);
}

function noneStarts(pool: ContainerPool): Promise<void> {
  if (pool.counts().starting === 0) return Promise.resolve();
  return new Promise((resolve) => {
    const end = pool.onEvent(() => {
      if (pool.counts().starting > 0) return;
      end();
      resolve();
    });
  });
}
