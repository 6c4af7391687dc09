import { type Arena, PAGE_BYTES } from '../memory/index.js';
import { PageRuns } from './page-runs.js';

/** Pages of a segment: the memory of one block. */
export interface Place {
  readonly segment: Segment;
  readonly firstPage: number;
}

/** An arena, and what of it is taken. A segment for one large block has no small ones: they would keep it from the next large one. */
export class Segment {
  readonly arena: Arena;
  readonly #runs: PageRuns;
  readonly #isForOne: boolean;
  readonly #places = new Map<number, Place>();
  /** For each page, the first page of the block that has it, plus one. */
  readonly #blockOfPage: Uint32Array;

  constructor(arena: Arena, isForOne: boolean) {
    this.arena = arena;
    this.#runs = new PageRuns(arena.sizeBytes / PAGE_BYTES);
    this.#isForOne = isForOne;
    this.#blockOfPage = new Uint32Array(this.#runs.pages);
  }

  get pages(): number {
    return this.#runs.pages;
  }

  get isEmpty(): boolean {
    return this.#places.size === 0;
  }

  get freeBytes(): number {
    return this.#runs.freePages * PAGE_BYTES;
  }

  get largestFreeBytes(): number {
    return this.#runs.largestFree * PAGE_BYTES;
  }

  /** Undefined without room. */
  take(pages: number): Place | undefined {
    if (this.#isForOne && pages * 2 <= this.pages) return undefined;
    const firstPage = this.#runs.take(pages);
    if (firstPage === undefined) return undefined;
    const place = { segment: this, firstPage };
    this.#places.set(firstPage, place);
    this.#mark(firstPage, firstPage + 1);
    return place;
  }

  free({ firstPage }: Place): void {
    this.#places.delete(firstPage);
    this.#mark(firstPage, 0);
    this.#runs.free(firstPage);
  }

  /** Fills all pages of a block. */
  fill({ firstPage }: Place, byte: number): void {
    const sizeBytes = this.#runs.takenAt(firstPage) * PAGE_BYTES;
    new Uint8Array(this.arena.buffer, firstPage * PAGE_BYTES, sizeBytes).fill(byte);
  }

  /** The place of the block that has this byte of the arena; undefined for free memory. */
  placeAt(offset: number): Place | undefined {
    const mark = this.#blockOfPage[Math.floor(offset / PAGE_BYTES)] ?? 0;
    return mark === 0 ? undefined : this.#places.get(mark - 1);
  }

  #mark(firstPage: number, mark: number): void {
    this.#blockOfPage.fill(mark, firstPage, firstPage + this.#runs.takenAt(firstPage));
  }
}
