import type { Output } from 'millrace';
import type { Flights, GroupInit, Rejection, Tally, TallyInit } from '../gen/flights.js';
import { ExactSum } from './exact-sum.js';
import { firstFew } from './rejections.js';

/** Width of a band of distances. */
export const BAND_MILES = 250;

/** Segment: counts what this instance gets, and tells it once, at the end. */
export async function tally(input: AsyncIterable<Flights>, output: Output<TallyInit>): Promise<void> {
  const counts = new Counts();
  for await (const flights of input) counts.count(flights);
  await output.write(counts.toTally());
}

export interface Group {
  /** First hour, or mile, of the group. */
  readonly from: number;
  readonly count: number;
  readonly meanDelayMinutes: number;
}

/** Delays by hour and by distance. Neither the order of flights nor how they are divided among several of these shows in the result. */
export class Counts {
  readonly #byHour = new Groups();
  readonly #byDistance = new Groups();
  #rejected = 0;
  #rejections: readonly Rejection[] = [];

  get rejected(): number {
    return this.#rejected;
  }

  get rejections(): readonly Rejection[] {
    return this.#rejections;
  }

  get byHour(): readonly Group[] {
    return this.#byHour.sorted();
  }

  get byDistance(): readonly Group[] {
    return this.#byDistance.sorted();
  }

  count({ flights, rejected, rejections }: Flights): void {
    for (const { delay, distance, time } of flights) {
      this.#byHour.add(Math.floor(time), delay);
      this.#byDistance.add(Math.floor(distance / BAND_MILES) * BAND_MILES, delay);
    }
    this.#reject(rejected, rejections);
  }

  merge({ byHour, byDistance, rejected, rejections }: Tally): void {
    this.#byHour.merge(byHour);
    this.#byDistance.merge(byDistance);
    this.#reject(rejected, rejections);
  }

  toTally(): TallyInit {
    return {
      byHour: this.#byHour.toInit(),
      byDistance: this.#byDistance.toInit(),
      rejected: this.#rejected,
      rejections: this.#rejections,
    };
  }

  #reject(rejected: number, rejections: readonly Rejection[]): void {
    this.#rejected += rejected;
    this.#rejections = firstFew(this.#rejections, rejections);
  }
}

class Groups {
  readonly #groups = new Map<number, { count: number; readonly delays: ExactSum }>();

  add(from: number, delay: number): void {
    const group = this.#group(from);
    group.count++;
    group.delays.add(delay);
  }

  merge(groups: Tally['byHour']): void {
    for (const { from, count, delays } of groups) {
      const group = this.#group(from);
      group.count += count;
      group.delays.addTerms(delays);
    }
  }

  toInit(): GroupInit[] {
    return [...this.#groups].map(([from, { count, delays }]) => ({ from, count, delays: delays.terms }));
  }

  sorted(): readonly Group[] {
    return [...this.#groups]
      .map(([from, { count, delays }]) => ({ from, count, meanDelayMinutes: delays.mean(count) }))
      .sort((left, right) => left.from - right.from);
  }

  #group(from: number): { count: number; readonly delays: ExactSum } {
    let group = this.#groups.get(from);
    if (group === undefined) {
      group = { count: 0, delays: new ExactSum() };
      this.#groups.set(from, group);
    }
    return group;
  }
}
