import { limits } from '../../../limits.js';
import type { Reach } from './tolerance.js';

/** How far a pool is from a caller: in its process, on its node, on another node, or in another network, behind a gateway. */
export type Distance = 'process' | 'node' | 'network' | 'gateway';

/** What a caller knows of a pool. */
export interface KnownLoad {
  readonly distance: Distance;
  readonly containers: number;
  readonly idle: number;
  readonly waiting: number;
  /** Of a gateway: what it reaches, as it has said last. */
  readonly reached: readonly ReachedNetwork[];
}

/** What another network has, and the names of the networks on the way to it, its own last. */
export interface ReachedNetwork {
  readonly path: readonly string[];
  readonly containers: number;
  readonly idle: number;
  readonly waiting: number;
}

/** Where a request may go. */
export interface Bounds {
  readonly only: Reach;
  /** Names of the networks that it has come through: it goes into none of these again. */
  readonly through: readonly string[];
  /** Names of other networks that it does not go into. */
  readonly shut?: ReadonlySet<string>;
}

const NONE: ReadonlySet<string> = new Set();

const DISTANCES: readonly Distance[] = ['process', 'node', 'network', 'gateway'];
const FARTHEST: Readonly<Record<Reach, Distance>> = { local: 'node', network: 'network', any: 'gateway' };

/**
 * The order in which a request asks pools for a container: the nearest first; of gateways, that with something idle in the nearest network; of those that are as far, the one with
 * most idle containers, then the one with the fewest requests that wait for each container. `turn` is the number of the request, so that equal pools take turns. A pure function.
 */
export function spillOrder<Pool extends KnownLoad>(
  pools: readonly Pool[],
  bounds: Bounds,
  turn: number,
): readonly Pool[] {
  const farthest = DISTANCES.indexOf(FARTHEST[bounds.only]);
  const allowed = pools.filter(
    (pool) => DISTANCES.indexOf(pool.distance) <= farthest && (pool.distance !== 'gateway' || leads(pool, bounds)),
  );
  const first = allowed.length === 0 ? 0 : turn % allowed.length;
  const turned = [...allowed.slice(first), ...allowed.slice(0, first)];
  return turned.sort(
    (one, other) =>
      DISTANCES.indexOf(one.distance) - DISTANCES.indexOf(other.distance) ||
      compared(nearestIdle(one, bounds), nearestIdle(other, bounds)) ||
      other.idle - one.idle ||
      compared(perContainer(one), perContainer(other)),
  );
}

/** Whether a request that has come through these networks may take this way. */
export function isOpen(path: readonly string[], { through, shut = NONE }: Pick<Bounds, 'through' | 'shut'>): boolean {
  return (
    through.length + path.length <= limits.networkGatewayHops &&
    path.every((network) => !through.includes(network) && !shut.has(network))
  );
}

/**
 * Networks to which a gateway knows a shorter way than this one: a request that this one passes on need not go there. So it goes to each network by the shortest reported way, and not
 * by every way that there is. A pure function.
 */
export function nearerByOthers(
  gateway: KnownLoad,
  pools: readonly KnownLoad[],
  bounds: Pick<Bounds, 'through' | 'shut'>,
): ReadonlySet<string> {
  const hops = (known: KnownLoad): readonly (readonly [target: string, hops: number])[] =>
    known.reached.filter(({ path }) => isOpen(path, bounds)).map(({ path }) => [path.at(-1) ?? '', path.length]);
  const own = new Map(hops(gateway));
  const others = pools.filter((pool) => pool !== gateway).flatMap(hops);
  return new Set(
    others.filter(([target, count]) => count < (own.get(target) ?? Number.POSITIVE_INFINITY)).map(([target]) => target),
  );
}

/** A gateway that has said nothing is asked, too: what it reaches may have come after its last report. */
export function leads({ reached }: KnownLoad, bounds: Pick<Bounds, 'through' | 'shut'>): boolean {
  return reached.length === 0 || reached.some(({ path }) => isOpen(path, bounds));
}

/** Networks on the way to the nearest one that has something idle; 0 for a pool that has containers itself. */
function nearestIdle({ distance, reached }: KnownLoad, bounds: Bounds): number {
  if (distance !== 'gateway') return 0;
  const ways = reached.filter(({ path, idle }) => idle > 0 && isOpen(path, bounds)).map(({ path }) => path.length);
  return Math.min(Number.POSITIVE_INFINITY, ...ways);
}

function perContainer({ waiting, containers }: KnownLoad): number {
  return containers === 0 ? Number.POSITIVE_INFINITY : waiting / containers;
}

/** Also of infinite numbers, whose difference is none. */
function compared(one: number, other: number): number {
  return one === other ? 0 : one - other;
}
