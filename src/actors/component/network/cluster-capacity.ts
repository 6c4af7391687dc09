import { namedMessageOf } from '../../../foreign.js';
import type { Logger } from '../../../logging/index.js';
import type { v1 } from '../../../protocol/index.js';
import type { CapacityLimits } from './capacity-limits.js';
import type { KnownPool, PoolDirectory } from './pool-directory.js';

export interface ClusterCapacityOptions {
  readonly node: string;
  readonly process: string;
  readonly limits: CapacityLimits;
  /** All pools of the cluster, whatever they serve. */
  readonly directory: PoolDirectory;
  readonly log: Logger;
}

/** What a governor sees of the other processes of its cluster: their pools, and the limits that all share. */
export class ClusterCapacity {
  readonly #options: ClusterCapacityOptions;

  constructor(options: ClusterCapacityOptions) {
    this.#options = options;
  }

  /** What the pools of other processes of this node have said last. */
  get ofNode(): readonly v1.PoolLoad[] {
    return this.#others.filter(({ node }) => node === this.#options.node);
  }

  /** What those of all other processes have said last: of those on other nodes, where the network has a limit. */
  get ofNetwork(): readonly v1.PoolLoad[] {
    return this.#others;
  }

  /**
   * Asks the pools that count here to tell this process what changes, and those that a limit is for to hear of it: links may have been lost.
   */
  async refresh(): Promise<void> {
    const { limits } = this.#options;
    const isLimited = (limits.ofNetwork ?? Number.POSITIVE_INFINITY) < Number.POSITIVE_INFINITY;
    await this.#options.directory.watch(this, ({ load, distance }) => {
      if (load === undefined || distance === 'node') return true;
      return distance === 'network' && (isLimited || limits.ofNode(load.node) !== undefined);
    });
  }

  /** Tells all other processes the limits. One that is not reached hears of them when this one refreshes. */
  async tell(): Promise<void> {
    const { directory, limits, log } = this.#options;
    const told = directory.pools
      .filter((pool) => !this.#isOwn(pool))
      .map(async (pool) => {
        try {
          await pool.ref.limitCapacity({ limits: limits.all });
        } catch (error) {
          log.warn('a process was not told the limits of capacity', {
            process: String(pool),
            error: namedMessageOf(error),
          });
        }
      });
    await Promise.all(told);
  }

  get #others(): readonly v1.PoolLoad[] {
    return this.#options.directory.pools.flatMap((pool) => (this.#isOwn(pool) ? [] : (pool.load ?? [])));
  }

  #isOwn({ load }: KnownPool): boolean {
    return load?.node === this.#options.node && load.process === this.#options.process;
  }
}
