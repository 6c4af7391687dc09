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
}

const DISTANCES: readonly Distance[] = ['process', 'node', 'network', 'gateway'];
const FARTHEST: Readonly<Record<Reach, Distance>> = { local: 'node', network: 'network', any: 'gateway' };

/**
 * The order in which a request asks pools for a container: the nearest first; of gateways, that with something idle in the nearest network; of those that are as far, the one with
 * most idle containers, then the one with the fewest requests that wait for each container. `turn` is the number of the request, so that equal pools take turns. A pure function.
 */
export function spillOrder<Pool extends KnownLoad>(
  pools: readonly Pool[],
  { only, through }: Bounds,
  turn: number,
): readonly Pool[] {
  const farthest = DISTANCES.indexOf(FARTHEST[only]);
  const allowed = pools.filter(
    (pool) => DISTANCES.indexOf(pool.distance) <= farthest && (pool.distance !== 'gateway' || leads(pool, through)),
  );
  const first = allowed.length === 0 ? 0 : turn % allowed.length;
  const turned = [...allowed.slice(first), ...allowed.slice(0, first)];
  return turned.sort(
    (one, other) =>
      DISTANCES.indexOf(one.distance) - DISTANCES.indexOf(other.distance) ||
      compared(nearestIdle(one, through), nearestIdle(other, through)) ||
      other.idle - one.idle ||
      compared(perContainer(one), perContainer(other)),
  );
}

/** Whether a request that has come through these networks may take this way. */
export function isOpen(path: readonly string[], through: readonly string[]): boolean {
  return (
    through.length + path.length <= limits.networkGatewayHops && path.every((network) => !through.includes(network))
  );
}

/** A gateway that has said nothing is asked, too: what it reaches may have come after its last report. */
function leads({ reached }: KnownLoad, through: readonly string[]): boolean {
  return reached.length === 0 || reached.some(({ path }) => isOpen(path, through));
}

/** Networks on the way to the nearest one that has something idle; 0 for a pool that has containers itself. */
function nearestIdle({ distance, reached }: KnownLoad, through: readonly string[]): number {
  if (distance !== 'gateway') return 0;
  const ways = reached.filter(({ path, idle }) => idle > 0 && isOpen(path, through)).map(({ path }) => path.length);
  return Math.min(Number.POSITIVE_INFINITY, ...ways);
}

function perContainer({ waiting, containers }: KnownLoad): number {
  return containers === 0 ? Number.POSITIVE_INFINITY : waiting / containers;
}

/** Also of infinite numbers, whose difference is none. */
function compared(one: number, other: number): number {
  return one === other ? 0 : one - other;
}
