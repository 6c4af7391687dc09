import type { PartitionHealth } from '../runtime/index.js';

type Loop = Pick<PartitionHealth, 'ordinal' | 'state' | 'eventLoop'>;

interface Known {
  readonly activeMs: number;
  readonly idleMs: number;
  /** Undefined before the second look. */
  readonly utilization: number | undefined;
}

/** How busy the event loops of partitions are: the part of the time between two of their reports that they have worked. */
export class PartitionLoops {
  #known: ReadonlyMap<number, Known> = new Map();

  look(partitions: readonly Loop[]): void {
    this.#known = new Map(partitions.map((loop) => [loop.ordinal, knownOf(loop, this.#known.get(loop.ordinal))]));
  }

  /** Of these partitions on average, each as often as it is in the list; undefined where nothing is known of any. */
  averageOf(ordinals: readonly number[]): number | undefined {
    const known = ordinals.flatMap((ordinal) => this.#known.get(ordinal)?.utilization ?? []);
    return known.length === 0 ? undefined : known.reduce((sum, each) => sum + each, 0) / known.length;
  }
}

function knownOf({ state, eventLoop: { activeMs, idleMs } }: Loop, before: Known | undefined): Known {
  const [active, idle] = [activeMs - (before?.activeMs ?? activeMs), idleMs - (before?.idleMs ?? idleMs)];
  // A loop that is blocked reports nothing.
  if (state !== 'responsive') return { activeMs, idleMs, utilization: 1 };
  // Another one has begun in its place, or it has not reported since.
  if (active < 0 || idle < 0 || active + idle <= 0) {
    const isAnother = active < 0 || idle < 0;
    return { activeMs, idleMs, utilization: isAnother ? undefined : before?.utilization };
  }
  return { activeMs, idleMs, utilization: active / (active + idle) };
}
