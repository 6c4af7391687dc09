import { namedMessageOf } from '../../../foreign.js';
import type { Logger } from '../../../logging/index.js';
import type { Ref, v1 } from '../../../protocol/index.js';
import type { ActorRef, UntypedRef } from '../../kernel/index.js';
import type { CapacityLimits } from './capacity-limits.js';
import { reachedIn } from './reached-networks.js';
import type { ReportTokens } from './report-tokens.js';
import type { Distance, KnownLoad, ReachedNetwork } from './spill-order.js';

type PoolRef = ActorRef<typeof v1.ComponentPool>;

/** A pool of a service, as this process knows it. */
export class KnownPool implements KnownLoad {
  readonly ref: PoolRef;
  /** Of its reports: a secret of this process and this pool. */
  readonly token: bigint;
  readonly #here: { readonly node: string; readonly process: string };
  #load: v1.PoolLoad | undefined;
  #reached: readonly ReachedNetwork[] = [];

  constructor(ref: PoolRef, token: bigint, here: { readonly node: string; readonly process: string }) {
    this.ref = ref;
    this.token = token;
    this.#here = here;
  }

  /** As the pool has said last; undefined until it has said something. */
  get load(): v1.PoolLoad | undefined {
    return this.#load;
  }

  /** A pool that has not said yet where it is counts as far. */
  get distance(): Distance {
    if (this.#load?.gateway !== undefined) return 'gateway';
    if (this.#load?.node !== this.#here.node) return 'network';
    return this.#load.process === this.#here.process ? 'process' : 'node';
  }

  get containers(): number {
    return this.#load?.containers ?? 0;
  }

  get idle(): number {
    return this.#load?.idle ?? 0;
  }

  get waiting(): number {
    return this.#load?.waiting ?? 0;
  }

  get reached(): readonly ReachedNetwork[] {
    return this.#reached;
  }

  /** It could not start a container, and none has handled a request since. */
  get hasFailed(): boolean {
    return this.#load !== undefined && this.#load.lastError !== '';
  }

  /** Reports of a gateway may come in another order than they were sent. */
  heard(load: v1.PoolLoad): void {
    if ((load.gateway?.version ?? 0) < (this.#load?.gateway?.version ?? 0)) return;
    this.#load = load;
    this.#reached = load.gateway === undefined ? [] : reachedIn(load.gateway);
  }

  /** For errors. */
  toString(): string {
    const { node, process, containers, starting, lastError = '' } = this.#load ?? {};
    if (node === undefined) return 'a process that has not said where it is';
    if (this.distance === 'gateway') return this.#shownGateway();
    const failed = lastError === '' ? '' : `; its last start failed: ${lastError}`;
    const counted = `${containers} containers${starting === 0 ? '' : `, of which ${starting} start`}${failed}`;
    return this.distance === 'process'
      ? `this process (${counted})`
      : `process "${process}" of ${this.distance === 'node' ? 'this node' : `node "${node}"`} (${counted})`;
  }

  #shownGateway(): string {
    const ways = this.#reached.map(({ path, containers }) => `"${path.join('" by "')}" (${containers} containers)`);
    return `the gateway of process "${this.#load?.process}"${ways.length === 0 ? '' : ` to ${ways.join(', ')}`}`;
  }
}

export interface PoolDirectoryOptions {
  /** Where this process is. */
  readonly here: { readonly node: string; readonly process: string };
  readonly log: Logger;
  /** The actor of this process that pools tell how much they have to do. */
  readonly caller: Ref;
  readonly tokens: ReportTokens;
  readonly limits: CapacityLimits;
  /** Called with what each pool says. */
  readonly heard: (load: v1.PoolLoad) => void;
}

/** The pools of a group that can be reached: those of one service, or all. */
export class PoolDirectory {
  readonly #options: PoolDirectoryOptions;
  #pools: readonly KnownPool[] = [];
  #changes = 0;
  /** Those that have not said anything yet. */
  readonly #asked = new Set<Promise<void>>();
  /** By who watches: those that are to tell what changes, also where this process asks them for nothing. */
  readonly #watches = new Map<object, (pool: KnownPool) => boolean>();

  constructor(options: PoolDirectoryOptions) {
    this.#options = options;
  }

  get pools(): readonly KnownPool[] {
    return this.#pools;
  }

  /** Higher each time that a pool was heard, or that the list has changed. */
  get changes(): number {
    return this.#changes;
  }

  /** Those that can be reached now. */
  changed(refs: readonly PoolRef[]): void {
    this.#changes++;
    this.#pools = refs.map((ref) => this.#pools.find((known) => isSameActor(known.ref, ref)) ?? this.#newPool(ref));
  }

  /** The pool that has this token says how much it has to do. False where none has it: somebody else may say anything. */
  heard(token: bigint, load: v1.PoolLoad): boolean {
    const pool = this.#pools.find((each) => each.token === token);
    if (pool !== undefined) this.#hear(pool, load);
    return pool !== undefined;
  }

  /** As `heard`, from a known pool: what it says comes with its answers, too. */
  heardFrom(pool: KnownPool, load: v1.PoolLoad | undefined): void {
    if (load === undefined) return;
    this.#hear(pool, load);
    this.#options.heard(load);
  }

  #hear(pool: KnownPool, load: v1.PoolLoad): void {
    pool.heard(load);
    this.#changes++;
  }

  /** Resolves when all have said how much they have to do, or have not answered. */
  async settled(): Promise<void> {
    await Promise.all(this.#asked);
  }

  /** Asks all how much they have to do. */
  async refresh(): Promise<void> {
    await Promise.all(this.#pools.map((pool) => this.#ask(pool, {})));
  }

  /** Asks those for which `counts` holds, and those that join later, to tell this process what changes, until `watcher` watches no more. */
  async watch(watcher: object, counts: (pool: KnownPool) => boolean): Promise<void> {
    this.#watches.set(watcher, counts);
    await Promise.all(this.#pools.map((pool) => this.#watch(pool)));
  }

  unwatch(watcher: object): void {
    this.#watches.delete(watcher);
  }

  #newPool(ref: PoolRef): KnownPool {
    const { here, tokens } = this.#options;
    const pool = new KnownPool(ref, tokens.of(ref.toRef()), here);
    const asked = this.#ask(pool, {})
      .then(() => this.#watch(pool))
      .finally(() => this.#asked.delete(asked));
    this.#asked.add(asked);
    return pool;
  }

  async #watch(pool: KnownPool): Promise<void> {
    if ([...this.#watches.values()].some((counts) => counts(pool)))
      await this.#ask(pool, { caller: this.#options.caller, token: pool.token });
  }

  async #ask(pool: KnownPool, request: v1.PoolToDescribeInit): Promise<void> {
    try {
      this.heardFrom(pool, await pool.ref.describePool({ ...request, limits: this.#options.limits.all }));
    } catch (error) {
      this.#options.log.debug('a pool has not said how much it has to do', { error: namedMessageOf(error) });
    }
  }
}

/** Whether two references are of one actor, in one life of it. */
export function isSameActor(one: UntypedRef, other: UntypedRef): boolean {
  const [left, right]: [Ref, Ref] = [one.toRef(), other.toRef()];
  return left.cUid === right.cUid && left.incarnation === right.incarnation;
}
