import { classBelow, roundToClass } from './size-classes.js';

/**
 * The free and taken pages of one arena. Neighbouring free pages are always one run. Each run has its length at both ends, so freeing finds
 * its neighbours at once; free runs are in bins by size class, so taking finds one that fits at once.
 *
 *     page    0    1    2    3    4    5    6    7
 *     tag   [-2] [-2] [+5] [  ] [  ] [  ] [+5] [-1]       taken 2, free 5, taken 1
 */
export class PageRuns {
  readonly pages: number;
  readonly #tags: Int32Array;
  /** First pages of free runs. A run of n pages is in the bin of the largest class up to n. */
  readonly #bins: Set<number>[];
  #free: number;

  constructor(pages: number) {
    this.pages = pages;
    this.#tags = new Int32Array(pages);
    this.#bins = Array.from({ length: classBelow(pages) + 1 }, () => new Set<number>());
    this.#free = pages;
    this.#addFree(0, pages);
  }

  get freePages(): number {
    return this.#free;
  }

  /** The length of the longest free run. */
  get largestFree(): number {
    const bin = this.#bins.findLast(({ size }) => size > 0);
    let largest = 0;
    for (const first of bin ?? []) largest = Math.max(largest, this.#lengthAt(first));
    return largest;
  }

  /** Takes at least `pages` pages, rounded to a size class where there is room for it. Returns the first; undefined without room. */
  take(pages: number): number | undefined {
    const rounded = roundToClass(pages);
    for (let number = classBelow(rounded); number < this.#bins.length; number++) {
      for (const first of this.#bins[number] ?? []) return this.#takeFrom(first, rounded);
    }
    return this.#takeExactly(pages);
  }

  /** Frees a run that was taken. Throws RangeError for any other page. */
  free(first: number): void {
    const length = -(this.#tags[first] ?? 0);
    if (length <= 0 || this.#tags[first + length - 1] !== -length)
      throw new RangeError(`No run begins at page ${first}.`);
    this.#free += length;
    let [start, end] = [first, first + length];
    const before = start === 0 ? 0 : (this.#tags[start - 1] ?? 0);
    if (before > 0) start = this.#removeFree(start - before);
    const after = end === this.pages ? 0 : (this.#tags[end] ?? 0);
    if (after > 0) end = this.#removeFree(end) + after;
    this.#addFree(start, end - start);
  }

  /** The number of pages of the run that was taken at `first`. */
  takenAt(first: number): number {
    return Math.max(0, -(this.#tags[first] ?? 0));
  }

  /** A run between two classes may be long enough for `pages` and too short for their class. */
  #takeExactly(pages: number): number | undefined {
    for (const first of this.#bins[classBelow(pages)] ?? []) {
      if (this.#lengthAt(first) >= pages) return this.#takeFrom(first, pages);
    }
    return undefined;
  }

  #takeFrom(first: number, pages: number): number {
    const length = this.#lengthAt(first);
    this.#removeFree(first);
    if (length > pages) this.#addFree(first + pages, length - pages);
    this.#tag(first, pages, -pages);
    this.#free -= pages;
    return first;
  }

  #addFree(first: number, length: number): void {
    this.#tag(first, length, length);
    this.#bins[classBelow(length)]?.add(first);
  }

  #removeFree(first: number): number {
    this.#bins[classBelow(this.#lengthAt(first))]?.delete(first);
    return first;
  }

  #lengthAt(first: number): number {
    return this.#tags[first] ?? 0;
  }

  #tag(first: number, length: number, tag: number): void {
    this.#tags[first] = tag;
    this.#tags[first + length - 1] = tag;
  }
}
