import type { Reach } from './tolerance.js';

/** How far a pool is from a caller: in its process, on its node, on another node. */
export type Distance = 'process' | 'node' | 'network';

/** What a caller knows of a pool. */
export interface KnownLoad {
  readonly distance: Distance;
  readonly containers: number;
  readonly idle: number;
  readonly waiting: number;
}

const DISTANCES: readonly Distance[] = ['process', 'node', 'network'];

/**
 * The order in which a request asks pools for a container: the nearest first; of those that are as far, the one with most idle containers, then the one with the
 * fewest requests that wait for each container. `turn` is the number of the request, so that equal pools take turns. A pure function.
 */
export function spillOrder<Pool extends KnownLoad>(pools: readonly Pool[], only: Reach, turn: number): readonly Pool[] {
  const allowed = pools.filter(({ distance }) => only !== 'local' || distance !== 'network');
  const first = allowed.length === 0 ? 0 : turn % allowed.length;
  const turned = [...allowed.slice(first), ...allowed.slice(0, first)];
  return turned.sort(
    (one, other) =>
      DISTANCES.indexOf(one.distance) - DISTANCES.indexOf(other.distance) ||
      other.idle - one.idle ||
      perContainer(one) - perContainer(other),
  );
}

function perContainer({ waiting, containers }: KnownLoad): number {
  return containers === 0 ? Number.POSITIVE_INFINITY : waiting / containers;
}
