import { ConfigError } from '../../errors.js';
import { errorOf, messageOf, shownValue } from '../../foreign.js';
import type { Logger } from '../../logging/index.js';
import type { v1 } from '../../protocol/index.js';
import type { ClusterCapacity, SharedCapacity } from '../component/index.js';
import { ownPart, type RankedDemand, shared } from './capacity.js';

export interface LimitLevelsOptions {
  /** Name of this node. */
  readonly node: string;
  readonly capacity: SharedCapacity;
  readonly process: number;
  /** Where nobody has said anything else in the cluster. */
  readonly nodeDefault: number;
  readonly networkDefault: number;
  readonly hasMemory: () => boolean;
  readonly spareMemoryBytes: number;
  readonly log: Logger;
}

/** What a pool gets of what it wants. */
export interface Grant {
  /** Within the limit of the process and its memory, and within that of the node. */
  readonly wanted: number;
  readonly nodeShare: number;
  /** Within all limits. */
  readonly containers: number;
  /** Why there are fewer than wanted; undefined where there are not. */
  readonly held: string | undefined;
}

/** The limits of the containers of this process: its own, and those that it shares with its node and with the network. */
export class LimitLevels {
  readonly #options: LimitLevelsOptions;
  #process: number;
  #cluster: ClusterCapacity | undefined;

  constructor(options: LimitLevelsOptions) {
    this.#options = options;
    this.#process = checkedLimit(options.process);
    checkedLimit(options.nodeDefault);
    checkedLimit(options.networkDefault);
  }

  get process(): number {
    return this.#process;
  }

  get node(): number {
    const { capacity, node, nodeDefault } = this.#options;
    return capacity.limits.ofNode(node) ?? nodeDefault;
  }

  get network(): number {
    const { capacity, networkDefault } = this.#options;
    return capacity.limits.ofNetwork ?? networkDefault;
  }

  setProcess(limit: number): void {
    this.#process = checkedLimit(limit);
  }

  /** `node` undefined: the network. Resolves when the other processes that can be reached have been told. */
  async setShared(node: string | undefined, limit: number): Promise<void> {
    const { capacity } = this.#options;
    capacity.limits.set(node, checkedLimit(limit));
    await (await capacity.cluster()).tell();
  }

  /** Hears from now on what other processes have, also after links were lost. Never rejects. */
  async refresh(): Promise<void> {
    try {
      this.#cluster = await this.#options.capacity.cluster();
      await this.#cluster.refresh();
    } catch (error) {
      this.#options.log.debug('the governor does not hear of other processes', { error: messageOf(errorOf(error)) });
    }
  }

  /** What each of the pools of this process may have now. Growth is granted to the first ones first. */
  grants(demands: readonly RankedDemand[]): readonly Grant[] {
    const inProcess = shared(demands, this.#process);
    const grows = inProcess.some((granted, index) => granted > (demands[index]?.containers ?? 0));
    const isShort = grows && !this.#hasMemory();
    const ofProcess = isShort
      ? demands.map(({ containers }, index) => Math.min(inProcess[index] ?? 0, containers))
      : inProcess;
    const node = this.#cluster?.ofNode.map((load) => demandOf(load, load.wanted)) ?? [];
    const ofNode = ownPart(demands.map(wanting(ofProcess)), node, this.node);
    const network = this.#cluster?.ofNetwork.map((load) => demandOf(load, load.nodeShare)) ?? [];
    const ofNetwork = ownPart(demands.map(wanting(ofNode)), network, this.network);
    return demands.map((demand, index) => {
      const [wanted = 0, nodeShare = 0, containers = 0] = [ofProcess[index], ofNode[index], ofNetwork[index]];
      const grant = { wanted, nodeShare, containers };
      return { ...grant, held: this.#heldBy(demand, grant, isShort) };
    });
  }

  /** What cannot say how much there is counts as short, because a container that does not fit may end the process. */
  #hasMemory(): boolean {
    const { hasMemory, log } = this.#options;
    try {
      return hasMemory();
    } catch (error) {
      log.warn('the memory that is free cannot be measured, and no container starts', { error: messageOf(error) });
      return false;
    }
  }

  #heldBy(
    demand: RankedDemand,
    { wanted, nodeShare, containers }: Omit<Grant, 'held'>,
    isShort: boolean,
  ): string | undefined {
    if (containers < nodeShare) return `the limit of the network is ${this.network} containers`;
    if (nodeShare < wanted) return `the limit of this node is ${this.node} containers`;
    if (wanted >= demand.wanted) return undefined;
    return isShort
      ? `less than ${this.#options.spareMemoryBytes} bytes of memory are free`
      : `the limit of this process is ${this.process} containers`;
  }
}

function wanting(wanted: readonly number[]): (demand: RankedDemand, index: number) => RankedDemand {
  return (demand, index) => ({ ...demand, wanted: wanted[index] ?? 0 });
}

function demandOf({ pool, component, containers, idle, waiting }: v1.PoolLoad, wanted: number): RankedDemand {
  return { pool, component, containers, idle, waiting, wanted };
}

/** Throws ConfigError for what is no number of containers. */
function checkedLimit(limit: unknown): number {
  if (limit === Number.POSITIVE_INFINITY) return limit;
  if (Number.isSafeInteger(limit) && Number(limit) >= 0 && Number(limit) <= 0xffff_ffff) return Number(limit);
  throw new ConfigError(`limit of a governor must be a whole number from 0, or Infinity, not ${shownValue(limit)}.`);
}
