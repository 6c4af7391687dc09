import { type Arena, type ArenaSource, PAGE_BYTES } from '../memory/index.js';
import { type Place, Segment } from './segment.js';
import { roundToClass } from './size-classes.js';

/** Memory that is being reserved. */
export interface Growth {
  readonly sizeBytes: number;
  /** It is for one large block. */
  readonly isForOne: boolean;
}

/** The segments of a pool: takes and frees pages, reserves more memory within the limit, and gives empty segments back. */
export class Segments {
  readonly #arenas: ArenaSource;
  readonly #arenaPages: number;
  readonly #segments: Segment[] = [];
  #limitPages: number;
  #reservedPages = 0;
  #isClosed = false;

  constructor(arenas: ArenaSource, arenaBytes: number, limitBytes: number) {
    this.#arenas = arenas;
    this.#arenaPages = arenaBytes / PAGE_BYTES;
    this.#limitPages = limitBytes / PAGE_BYTES;
  }

  get count(): number {
    return this.#segments.length;
  }

  get limitBytes(): number {
    return this.#limitPages * PAGE_BYTES;
  }

  /** Includes what is being reserved. */
  get reservedBytes(): number {
    return this.#reservedPages * PAGE_BYTES;
  }

  get freeBytes(): number {
    return this.#segments.reduce((sum, { freeBytes }) => sum + freeBytes, 0);
  }

  get largestFreeBytes(): number {
    return this.#segments.reduce((largest, { largestFreeBytes }) => Math.max(largest, largestFreeBytes), 0);
  }

  /** Takes pages of a segment that has them, the oldest first: so the youngest become empty. Undefined without room. */
  take(pages: number): Place | undefined {
    for (const segment of this.#segments) {
      const place = segment.take(pages);
      if (place !== undefined) return place;
    }
    return undefined;
  }

  free(place: Place): void {
    if (this.#isClosed) return;
    place.segment.free(place);
    if (this.#reservedPages > this.#limitPages) this.trim();
  }

  /** Changes the limit. Memory past it is given back as soon as it is empty. */
  setLimit(limitBytes: number): void {
    this.#limitPages = limitBytes / PAGE_BYTES;
    this.trim(this.#limitPages);
  }

  /** What to reserve for this many pages, with room made for it. Undefined when the limit leaves no room. */
  plan(pages: number): Growth | undefined {
    const isForOne = pages * 2 > this.#arenaPages;
    const wanted = isForOne ? roundToClass(pages) : this.#arenaPages;
    const emptyPages = this.#segments.reduce((sum, segment) => sum + (segment.isEmpty ? segment.pages : 0), 0);
    if (this.#limitPages - this.#reservedPages + emptyPages < pages) return undefined;
    this.trim(this.#limitPages - Math.min(wanted, this.#limitPages));
    const sizePages = Math.min(wanted, this.#limitPages - this.#reservedPages);
    return { sizeBytes: sizePages * PAGE_BYTES, isForOne };
  }

  /** Reserves what was planned. Throws ResourceError where the machine has too little. */
  async grow({ sizeBytes, isForOne }: Growth): Promise<Arena | undefined> {
    const pages = sizeBytes / PAGE_BYTES;
    this.#reservedPages += pages;
    try {
      const arena = await this.#arenas.create(sizeBytes);
      if (this.#isClosed) {
        arena.close();
        return undefined;
      }
      this.#segments.push(new Segment(arena, isForOne));
      return arena;
    } catch (error) {
      this.#reservedPages -= pages;
      throw error;
    }
  }

  /** Gives back empty segments, the youngest first, until at most so many pages are reserved. */
  trim(pages = this.#limitPages): void {
    for (const segment of this.#segments.filter(({ isEmpty }) => isEmpty).reverse()) {
      if (this.#reservedPages <= pages) return;
      this.#segments.splice(this.#segments.indexOf(segment), 1);
      this.#reservedPages -= segment.pages;
      segment.arena.close();
    }
  }

  /** The segment that has this byte, and the place of the block there. */
  find(
    buffer: ArrayBufferLike,
    offset: number,
  ): { readonly segment?: Segment | undefined; readonly place?: Place | undefined } {
    const segment = this.#segments.find(({ arena }) => arena.buffer === buffer);
    return { segment, place: segment?.placeAt(offset) };
  }

  close(): void {
    this.#isClosed = true;
    this.#reservedPages = 0;
    for (const { arena } of this.#segments.splice(0)) arena.close();
  }
}
