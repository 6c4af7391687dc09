import type { TextInit } from '../gen/flights.js';
import { RowScanner, skipSpace } from './row-scanner.js';

/**
 * Text of one piece, in bytes: large enough that a message costs little for each row, small enough to be one of many. On a machine with
 * two cores the sample took 1.3 s with a message for each row, 0.40 s with 1 KiB, 0.32 s with 8 KiB, 0.25 s with 32 KiB.
 */
const PIECE_BYTES = 8 * 1024;
/** A row beyond it is no row: a brace or a quote was never closed. */
const MAX_ROW_BYTES = 1024 * 1024;

const COMMA = 0x2c;
const OPEN = 0x5b;
const CLOSE = 0x5d;

/**
 * Cuts a JSON array that arrives in parts of any size into pieces of whole rows, and holds no more than one piece and one part
 * of it at a time. Throws when it is no array, is cut off, or goes on after its end: then no row after that place can be trusted.
 */
export async function* splitArray(parts: AsyncIterable<Uint8Array>): AsyncGenerator<TextInit> {
  const splitter = new ArraySplitter();
  for await (const part of parts) yield* splitter.push(part);
  splitter.finish();
}

class ArraySplitter {
  #where: 'before' | 'inside' | 'after' = 'before';
  readonly #scanner = new RowScanner();
  /** Bytes not yet given away; `#start` is the position of the first of them in the file, `#scanned` how many were looked at, the present
   *  row begins at `#rowStart` of them. */
  #held: Uint8Array = new Uint8Array(0);
  #start = 0;
  #scanned = 0;
  #rowStart = 0;
  /** Rows given away, and complete rows in `#held`. */
  #rows = 0;
  #complete = 0;

  *push(part: Uint8Array): Generator<TextInit> {
    this.#held = this.#held.length === 0 ? part : Buffer.concat([this.#held, part]);
    if (this.#where === 'before') this.#enter();
    if (this.#where === 'inside') yield* this.#pieces();
    if (this.#where === 'after') this.#leave();
  }

  finish(): void {
    if (this.#where === 'before') throw new Error('The input is empty: it should be a JSON array of flights.');
    if (this.#where === 'inside') {
      throw new Error(
        `The input ends at byte ${this.#start + this.#held.length}, within its array, in row ${this.#rows + this.#complete}: it was cut off.`,
      );
    }
  }

  #enter(): void {
    const index = skipSpace(this.#held, 0);
    if (index === this.#held.length) return;
    if (this.#held[index] !== OPEN) {
      throw new Error(
        `The input is no JSON array of flights: its first byte is not "[" (byte ${this.#start + index}).`,
      );
    }
    this.#where = 'inside';
    this.#drop(index + 1);
  }

  *#pieces(): Generator<TextInit> {
    for (;;) {
      const end = this.#scanner.findEnd(this.#held, this.#scanned);
      this.#scanned = end;
      if (end === this.#held.length) {
        this.#checkLength();
        return;
      }
      const isLast = this.#held[end] !== COMMA;
      if (isLast && this.#held[end] !== CLOSE) {
        throw new Error(
          `The input has a brace too many at byte ${this.#start + end}, after row ${this.#rows + this.#complete}.`,
        );
      }
      this.#complete++;
      this.#scanned = end + 1;
      this.#rowStart = end + 1;
      if (isLast || end >= PIECE_BYTES) {
        const piece = this.#take(end);
        if (piece !== undefined) yield piece;
      }
      if (isLast) {
        this.#where = 'after';
        return;
      }
    }
  }

  /** The complete rows, which end at `end`. None in an array without rows. */
  #take(end: number): TextInit | undefined {
    const rows = this.#held.subarray(0, end);
    const piece = { rows, count: this.#complete, firstRow: this.#rows, firstByte: this.#start };
    const isEmpty = this.#rows === 0 && this.#complete === 1 && skipSpace(rows, 0) === end;
    this.#rows += this.#complete;
    this.#complete = 0;
    this.#drop(end + 1);
    return isEmpty ? undefined : piece;
  }

  #leave(): void {
    const index = skipSpace(this.#held, 0);
    if (index < this.#held.length) {
      throw new Error(`The input goes on after the end of its array, at byte ${this.#start + index}.`);
    }
    this.#drop(index);
  }

  /** The first `count` bytes are done with. What was given away is never written to again: it may still be on its way. */
  #drop(count: number): void {
    this.#held = this.#held.subarray(count);
    this.#start += count;
    this.#scanned = 0;
    this.#rowStart = 0;
  }

  #checkLength(): void {
    if (this.#held.length - this.#rowStart > MAX_ROW_BYTES) {
      throw new Error(
        `Row ${this.#rows + this.#complete} of the input, at byte ${this.#start + this.#rowStart}, does not end within ${MAX_ROW_BYTES} bytes: a brace or a quote is never closed.`,
      );
    }
  }
}
