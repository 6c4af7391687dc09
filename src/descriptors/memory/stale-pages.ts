import { eachOwnRun } from './own-pages.js';
import { type Address, PAGE_BYTES, type SystemMemory } from './system-memory.js';

/**
 * Pages of a private mapping that a reader was done with, and that nobody has looked at since: the reader may have written to them by mistake. They are
 * looked at together, before one of them is read again, because each look at a page is a call of the system, and many pages cost little more.
 */
export class StalePages {
  readonly #system: SystemMemory;
  readonly #address: Address;
  /** 1 for each page that is stale. */
  readonly #marks: Uint8Array;
  /** All stale pages are from `first` to before `end`. */
  #first = 0;
  #end = 0;

  constructor(system: SystemMemory, address: Address, sizeBytes: number) {
    this.#system = system;
    this.#address = address;
    this.#marks = new Uint8Array(Math.ceil(sizeBytes / PAGE_BYTES));
  }

  add(offset: number, sizeBytes: number): void {
    if (sizeBytes === 0) return;
    const [first, end] = pagesOf(offset, sizeBytes);
    this.#marks.fill(1, first, end);
    const isFirst = this.#first === this.#end;
    this.#first = isFirst ? first : Math.min(this.#first, first);
    this.#end = isFirst ? end : Math.max(this.#end, end);
  }

  /** Where a page of these bytes is stale, drops what this process has written to any stale page. */
  refresh(offset: number, sizeBytes: number): void {
    if (sizeBytes === 0) return;
    const [first, end] = pagesOf(offset, sizeBytes);
    if (end <= this.#first || first >= this.#end || !this.#marks.subarray(first, end).includes(1)) return;
    const pages = this.#end - this.#first;
    const address = this.#address + BigInt(this.#first * PAGE_BYTES);
    const stale = this.#marks.subarray(this.#first, this.#end);
    eachOwnRun(address, pages, stale, (page, count) => {
      this.#system.refresh(address + BigInt(page * PAGE_BYTES), count * PAGE_BYTES);
    });
    stale.fill(0);
    this.#first = 0;
    this.#end = 0;
  }
}

function pagesOf(offset: number, sizeBytes: number): readonly [first: number, end: number] {
  return [Math.floor(offset / PAGE_BYTES), Math.ceil((offset + sizeBytes) / PAGE_BYTES)];
}
