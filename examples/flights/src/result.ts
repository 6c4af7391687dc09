import type { Counts, Group } from './tally.js';

/** What flights.json holds. Groups that no flight belongs to are not in it. */
export interface Result {
  readonly flights: number;
  readonly rejected: number;
  readonly byHour: readonly { readonly hour: number; readonly count: number; readonly meanDelayMinutes: number }[];
  /** `fromMiles` is the lower bound of a band of 250 miles. */
  readonly byDistance: readonly {
    readonly fromMiles: number;
    readonly count: number;
    readonly meanDelayMinutes: number;
  }[];
}

export function resultOf({ byHour, byDistance, rejected }: Pick<Counts, 'byHour' | 'byDistance' | 'rejected'>): Result {
  const total = (groups: readonly Group[]): number => groups.reduce((sum, { count }) => sum + count, 0);
  return {
    flights: total(byHour),
    rejected,
    byHour: byHour.map(({ from: hour, ...rest }) => ({ hour, ...rest })),
    byDistance: byDistance.map(({ from: fromMiles, ...rest }) => ({ fromMiles, ...rest })),
  };
}

/** One group a line. */
export function toJson({ flights, rejected, byHour, byDistance }: Result): string {
  const lines = (groups: readonly object[]): string =>
    groups.length === 0 ? '[]' : `[\n    ${groups.map((group) => JSON.stringify(group)).join(',\n    ')}\n  ]`;
  return `{
  "flights": ${flights},
  "rejected": ${rejected},
  "byHour": ${lines(byHour)},
  "byDistance": ${lines(byDistance)}
}
`;
}

export interface Bar {
  readonly label: string;
  readonly count: number;
  /** Undefined where there is no flight. */
  readonly mean: number | undefined;
}

/** All 24 hours. */
export function hourBars({ byHour }: Result): readonly Bar[] {
  return Array.from({ length: 24 }, (_, hour) => {
    const group = byHour.find((each) => each.hour === hour);
    return { label: String(hour), count: group?.count ?? 0, mean: group?.meanDelayMinutes };
  });
}

/** Bands up to the last that a flight belongs to, with the empty ones between; never more than `most`. */
export function distanceBars(
  { byDistance }: Result,
  bandMiles: number,
  most: number,
): { readonly bars: readonly Bar[]; readonly left: number } {
  const last = byDistance.at(-1)?.fromMiles ?? -bandMiles;
  const bands = Math.min(most, last / bandMiles + 1);
  const bars = Array.from({ length: bands }, (_, band) => {
    const group = byDistance.find(({ fromMiles }) => fromMiles === band * bandMiles);
    return { label: String(band * bandMiles), count: group?.count ?? 0, mean: group?.meanDelayMinutes };
  });
  return { bars, left: byDistance.filter(({ fromMiles }) => fromMiles >= bands * bandMiles).length };
}
