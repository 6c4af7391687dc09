/** A pool that wants containers. */
export interface Demand {
  readonly component: string;
  /** What its strategy says, within its range. */
  readonly wanted: number;
  /** What it has or starts. */
  readonly containers: number;
  /** Those of them that have no request. */
  readonly idle: number;
  /** Requests that wait. */
  readonly waiting: number;
}

/**
 * How many containers each pool gets when all of them together may have `limit`. Growth is granted in the order of the list, as far as there is room, but
 * first to components that have no container and requests that wait. Where there is no room for such a one, another pool gives up an idle container, or one of several. Where
 * there are more than the limit, those that are idle are given up first, then those of the pools that have most. A pure function.
 */
export function shared(demands: readonly Demand[], limit: number): readonly number[] {
  const granted = demands.map(({ wanted, containers }) => Math.min(wanted, containers));
  let room = limit - granted.reduce((sum, count) => sum + count, 0);
  const starving = demands.map((demand, index) => isStarving(demand, demands) && index);
  const grow = (index: number, most: number): void => {
    const growth = Math.max(0, Math.min(most, room));
    granted[index] = (granted[index] ?? 0) + growth;
    room -= growth;
  };
  for (const index of starving) if (index !== false) grow(index, 1);
  demands.forEach(({ wanted }, index) => grow(index, wanted - (granted[index] ?? 0)));
  for (; room < 0; room++) take(granted, mostToGive(demands, granted));
  for (const index of starving) {
    if (index === false || (granted[index] ?? 0) > 0) continue;
    const giver = mostToGive(demands, granted);
    if (!canGive(demands, granted, giver)) break;
    take(granted, giver);
    granted[index] = 1;
  }
  return granted;
}

/** Nobody in the list serves its requests. */
function isStarving({ component, wanted, waiting }: Demand, all: readonly Demand[]): boolean {
  const hasContainer = all.some((each) => each.component === component && each.containers > 0 && each.wanted > 0);
  return wanted > 0 && waiting > 0 && !hasContainer;
}

function take(granted: number[], index: number): void {
  granted[index] = (granted[index] ?? 0) - 1;
}

/** Without leaving a component that has requests without containers. */
function canGive(demands: readonly Demand[], granted: readonly number[], index: number): boolean {
  const count = granted[index] ?? 0;
  return count > 1 || (count === 1 && idleLeft(demands[index], count) > 0);
}

/** A pool among those of several processes. */
export interface RankedDemand extends Demand {
  /** Its channel, which is unique. */
  readonly pool: bigint;
}

/**
 * What the pools of this process get of a limit that they share with `others`, in the order of `own`. Each process works it out from what it has heard: when all have heard
 * the same, their parts make the whole. A pure function.
 */
export function ownPart(
  own: readonly RankedDemand[],
  others: readonly RankedDemand[],
  limit: number,
): readonly number[] {
  const all = [...own, ...others].sort((one, other) => (one.pool < other.pool ? -1 : 1));
  const granted = shared(all, limit);
  return own.map((demand) => granted[all.indexOf(demand)] ?? 0);
}

/** The pool that gives up a container: the one with most idle ones, then the one with most. */
function mostToGive(demands: readonly Demand[], granted: readonly number[]): number {
  const idleOf = (index: number): number => idleLeft(demands[index], granted[index] ?? 0);
  let best = 0;
  granted.forEach((count, index) => {
    const isBetter = idleOf(index) - idleOf(best) || count - (granted[best] ?? 0);
    if (count > 0 && (isBetter > 0 || granted[best] === 0)) best = index;
  });
  return best;
}

/** Its idle containers when it has so many, because those are given up first. */
function idleLeft(demand: Demand | undefined, granted: number): number {
  const { idle = 0, containers = 0 } = demand ?? {};
  return Math.max(0, idle - Math.max(0, containers - granted));
}
