import { ConfigError, StoppedError } from '../../../errors.js';
import { shownValue } from '../../../foreign.js';
import { limits } from '../../../limits.js';
import { type AnyService, v1 } from '../../../protocol/index.js';
import { type ActorRef, behavior, type Explainer, type Fact, isService, systemKey } from '../../kernel/index.js';
import type { Runtime } from '../../runtime/index.js';
import { checkRuntime } from '../control-service.js';
import { type AnyContained, isContained, isOfComponent, isOfService } from '../define.js';
import { checkPlugins, guardedObserver, LifeCycle, type NetworkPlugins } from '../plugins/index.js';
import { Acquirer } from './acquire.js';
import { CapacityLimits } from './capacity-limits.js';
import { calledFacts, servedFacts } from './component-facts.js';
import { ClusterCapacity } from './cluster-capacity.js';
import { type ComponentClient, componentClient } from './component-client.js';
import { PoolDirectory } from './pool-directory.js';
import { ReportTokens } from './report-tokens.js';
import {
  type ComponentLoad,
  type ServedComponent,
  ServedPool,
  type ServedPoolOptions,
  type ServeOptions,
} from './served-pool.js';

/** A service that this process calls. */
export interface Use {
  readonly directory: PoolDirectory;
  readonly acquirer: Acquirer;
  readonly unwatch: () => void;
}

/** Property by which a gateway asks a network for containers. */
export const useKey: unique symbol = Symbol('use');

/** Property by which a governor finds the pools of a network. */
export const poolsKey: unique symbol = Symbol('pools');
/** Property by which a governor finds what the processes of a cluster share. */
export const capacityKey: unique symbol = Symbol('capacity');

/** Name of the group that all pools join, whatever they serve. */
export const everyPoolGroup = 'pools of components';

/** What governors have of a network besides its pools. */
export interface SharedCapacity {
  readonly limits: CapacityLimits;
  /** Resolves when it has found the pools that there are. */
  readonly cluster: () => Promise<ClusterCapacity>;
  /** Calls `listener` when limits have come from another process. Returns a function that ends that. */
  readonly onLimits: (listener: () => void) => () => void;
}

/**
 * The components of a cluster as one process sees them: those that it serves, and those that it calls. Made by `componentNetwork`. `close` it, or stop its
 * runtime.
 */
export class ComponentNetwork {
  readonly #runtime: Runtime;
  readonly #served = new Set<ServedPool>();
  readonly #listeners = new Set<(served: ServedPool) => void>();
  readonly #uses = new Map<string, Promise<Use>>();
  readonly #directories = new Set<PoolDirectory>();
  readonly #occupied = new Map<number, number>();
  readonly #limits = new CapacityLimits();
  readonly #tokens: ReportTokens;
  readonly #limitListeners = new Set<() => void>();
  #cluster: Promise<ClusterCapacity> | undefined;
  readonly #explain: Explainer = (what) => this.#factsOf(what);
  /** The services that were called, by their names. */
  readonly #known = new Map<string, { readonly service: AnyService; readonly use: Use }>();
  readonly #drain = (): void => {
    for (const { pool } of this.#served) pool.drain();
  };
  #caller: ActorRef<typeof v1.ComponentCaller> | undefined;
  #ids = 0;
  readonly #plugins: Pick<ServedPoolOptions, 'security' | 'lifeCycle' | 'observe'>;
  #closing: Promise<void> | undefined;

  constructor(runtime: Runtime, { security, lifeCycle, observe }: NetworkPlugins = {}) {
    this.#runtime = runtime;
    this.#tokens = new ReportTokens(runtime.scheduler, `${runtime.node}/${runtime.name}`);
    const { log } = runtime[systemKey].callServices;
    this.#plugins = { security, lifeCycle: new LifeCycle(lifeCycle, log), observe: guardedObserver(observe, log) };
    runtime.draining.addEventListener('abort', this.#drain);
    runtime[systemKey].explainers.add(this.#explain);
  }

  get runtime(): Runtime {
    return this.#runtime;
  }

  /** The components that this process serves now. */
  get served(): ReadonlySet<ServedComponent> {
    return this.#served;
  }

  /**
   * Starts containers of a component in this runtime, and makes them known to the cluster. Resolves when they have started; one that cannot is tried
   * again, with growing pauses, and `lastError` of `load()` says why. Rejects with ConfigError for a wrong option, and for a component that this process serves already.
   *
   *     const served = await network.serve(stock, { containers: 2, on: 'processes' });
   */
  async serve(component: AnyContained, options: ServeOptions = {}): Promise<ServedComponent> {
    this.#assertOpen();
    if (!isContained(component)) {
      throw new ConfigError(`network.serve needs a component of defineComponent, not ${shownValue(component)}.`);
    }
    if ([...this.#served].some((each) => each.component.service.typeName === component.service.typeName)) {
      throw new ConfigError(
        `This process serves ${component.service.typeName} already: change the number of its containers instead.`,
      );
    }
    const closed = (): void => void this.#served.delete(served);
    const served = new ServedPool({
      runtime: this.#runtime,
      component,
      options,
      occupied: this.#occupied,
      groups: [groupOf(component.service), everyPoolGroup],
      limits: this.#limits,
      limited: (limits) => this.#limited(limits),
      closed,
      ...this.#plugins,
    });
    this.#served.add(served);
    try {
      await served.start();
    } catch (error) {
      await served.close();
      throw error;
    }
    for (const listener of this.#listeners) listener(served);
    return served;
  }

  /** For a governor: calls `listener` with each pool that is served now or from now on. Returns a function that ends that. */
  [poolsKey](listener: (served: ServedPool) => void): () => void {
    this.#listeners.add(listener);
    for (const served of this.#served) listener(served);
    return () => void this.#listeners.delete(listener);
  }

  /** For a governor. */
  get [capacityKey](): SharedCapacity {
    return {
      limits: this.#limits,
      cluster: () => this.#useCluster(),
      onLimits: (listener) => {
        this.#limitListeners.add(listener);
        return () => void this.#limitListeners.delete(listener);
      },
    };
  }

  /** For a gateway. */
  [useKey](service: AnyService): Promise<Use> {
    return this.#use(service);
  }

  /**
   * The rpcs of a component, wherever the cluster has containers of it. Each request may say what it tolerates.
   *
   *     const shop = await network.client(Stock);
   *     const { left } = await shop.take({ sku: 'tea', count: 2 }, { within: 50, only: 'network' });
   */
  async client<S extends AnyService>(service: S): Promise<ComponentClient<S>> {
    const { acquirer } = await this.#use(service);
    return componentClient(service, this.#runtime[systemKey], acquirer, this.#runtime.draining);
  }

  /** How much each process that serves a component has to do now. */
  async loads(service: AnyService): Promise<readonly ComponentLoad[]> {
    const { directory } = await this.#use(service);
    await directory.refresh();
    return directory.pools.flatMap(({ load }) => {
      if (load === undefined) return [];
      const { pool: _channel, ...rest } = load;
      return [rest];
    });
  }

  /** Serves and calls nothing any more. Containers that have a request are stopped when that has ended, at the latest after `drainMs`. Idempotent. */
  close({ drainMs = limits.drainTimeoutMs }: { readonly drainMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(drainMs);
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(drainMs: number): Promise<void> {
    this.#runtime.draining.removeEventListener('abort', this.#drain);
    this.#runtime[systemKey].explainers.delete(this.#explain);
    for (const use of this.#uses.values())
      void use.then(
        ({ unwatch }) => unwatch(),
        () => {},
      );
    this.#uses.clear();
    await Promise.all([...this.#served].map((served) => served.close(drainMs)));
    if (this.#caller !== undefined) await this.#runtime[systemKey].stop(this.#caller);
  }

  /** Of a component by its name or the name of its service, or of an rpc of it. */
  #factsOf(what: string): readonly Fact[] {
    const nowMs = this.#runtime.scheduler.now();
    const served = [...this.#served].filter(({ component }) => isOfComponent(component, what));
    const names = new Set(served.map(({ component }) => component.service.typeName));
    const called = [...this.#known].filter(([name, { service }]) => names.has(name) || isOfService(service, what));
    return [
      ...served.flatMap((each) => servedFacts(each)),
      ...called.flatMap(([name, { use }]) => calledFacts(name, use.directory, use.acquirer, nowMs)),
    ];
  }

  #use(service: AnyService): Promise<Use> {
    this.#assertOpen();
    if (!isService(service)) {
      throw new ConfigError(
        `network.client needs a service of a module that millrace gen made, not ${shownValue(service)}.`,
      );
    }
    return this.#useGroup(groupOf(service)).then((use) => {
      this.#known.set(service.typeName, { service, use });
      return use;
    });
  }

  #useGroup(group: string): Promise<Use> {
    let use = this.#uses.get(group);
    if (use === undefined) {
      use = this.#begin(group);
      this.#uses.set(group, use);
      use.catch(() => this.#uses.delete(group));
    }
    return use;
  }

  async #begin(group: string): Promise<Use> {
    const { node, name: process, scheduler } = this.#runtime;
    const caller = this.#callerActor().toRef();
    const { log } = this.#runtime[systemKey].callServices;
    const heard = ({ limits }: v1.PoolLoad): void => this.#limited(limits);
    const [here, limits, tokens] = [{ node, process }, this.#limits, this.#tokens];
    const directory = new PoolDirectory({ here, log, caller, tokens, limits, heard });
    this.#directories.add(directory);
    const unwatch = await this.#runtime.watchGroup(v1.ComponentPool, group, (refs) => directory.changed(refs));
    await directory.settled();
    const nextId = (): number => {
      // Those of so long ago have ended.
      this.#ids = (this.#ids % 0xffff_ffff) + 1;
      return this.#ids;
    };
    const [assertOpen, isWatched] = [() => this.#assertOpen(), () => this.#runtime[systemKey].isObserved];
    const acquirer = new Acquirer({ scheduler, directory, caller, nextId, assertOpen, isWatched });
    return { directory, acquirer, unwatch };
  }

  /** The actor that pools watch. */
  #callerActor(): ActorRef<typeof v1.ComponentCaller> {
    this.#caller ??= this.#runtime[systemKey].spawn(
      behavior(v1.ComponentCaller, {
        supervision: 'resume',
        poolLoaded: (_state, { token, load }) => {
          if (load === undefined) return;
          const isKnown = [...this.#directories].filter((directory) => directory.heard(token, load)).length > 0;
          if (isKnown) this.#limited(load.limits);
        },
      }),
    );
    return this.#caller;
  }

  /** One that could not be opened is opened again. */
  #useCluster(): Promise<ClusterCapacity> {
    if (this.#cluster === undefined) {
      this.#cluster = this.#openCluster();
      this.#cluster.catch(() => (this.#cluster = undefined));
    }
    return this.#cluster;
  }

  async #openCluster(): Promise<ClusterCapacity> {
    const { node, name: process } = this.#runtime;
    const { directory } = await this.#useGroup(everyPoolGroup);
    const { log } = this.#runtime[systemKey].callServices;
    const capacity = new ClusterCapacity({ node, process, limits: this.#limits, directory, log });
    await capacity.refresh();
    return capacity;
  }

  #limited(limits: readonly v1.CapacityLimit[]): void {
    if (this.#limits.merge(limits)) for (const listener of this.#limitListeners) listener();
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw new StoppedError('This component network is closed: make another one.');
  }
}

/**
 * The component network of a runtime: `close` it when it is needed no more. Throws ConfigError for another value than a runtime, and for what is no plugin.
 *
 *     const network = componentNetwork(runtime, { observe: ({ kind, component }) => counters.add(`${component} ${kind}`) });
 */
export function componentNetwork(runtime: Runtime, plugins: NetworkPlugins = {}): ComponentNetwork {
  checkRuntime('componentNetwork', runtime);
  checkPlugins('componentNetwork', plugins);
  return new ComponentNetwork(runtime, plugins);
}

/** Name of the group that the pools of a service join. */
export function groupOf({ typeName }: AnyService): string {
  return `components of ${typeName}`;
}
