/** What a run has shown lately, for `millrace logs`, and what it shows from now on. */
import { CapacityError } from '../index.js';
import { limits } from '../limits.js';
import { v1 } from '../protocol/index.js';
import { RingQueue } from '../ring-queue.js';

/** Lines of one message to a reader. */
const BATCH = 200;

/** Lines in their order, as many as the limits allow: the oldest are dropped, and counted. */
class BoundedLines {
  readonly #lines = new RingQueue<v1.ShownLine>();
  #characters = 0;
  #dropped = 0;

  add(line: v1.ShownLine): void {
    this.#lines.push(line);
    this.#characters += line.text.length;
    while (this.#lines.size > limits.shownLines || this.#characters > limits.shownCharacters) {
      this.#take();
      this.#dropped += 1;
    }
  }

  /** The oldest lines, and how many were dropped before them. */
  take(): v1.ShownLinesInit {
    const lines: v1.ShownLine[] = [];
    while (lines.length < BATCH && this.#lines.size > 0) lines.push(...this.#take());
    const dropped = this.#dropped;
    this.#dropped = 0;
    return { lines, dropped };
  }

  get isEmpty(): boolean {
    return this.#lines.size === 0 && this.#dropped === 0;
  }

  all(): readonly v1.ShownLine[] {
    return [...this.#lines];
  }

  #take(): readonly v1.ShownLine[] {
    const line = this.#lines.shift();
    if (line === undefined) return [];
    this.#characters -= line.text.length;
    return [line];
  }
}

/** One reader: the lines that it wants and has not taken. */
export class LogReader {
  readonly #wanted: v1.LinesToShow;
  readonly #lines = new BoundedLines();
  readonly #closed: () => void;
  #isComplete = false;
  #wake: (() => void) | undefined;

  constructor(wanted: v1.LinesToShow, closed: () => void) {
    this.#wanted = wanted;
    this.#closed = closed;
  }

  add(line: v1.ShownLine): void {
    const { node, process } = this.#wanted;
    if ((node !== '' && node !== line.node) || (process !== '' && process !== line.process)) return;
    this.#lines.add(line);
    this.#wake?.();
  }

  /** No more will be added. */
  complete(): void {
    this.#isComplete = true;
    this.#wake?.();
  }

  /** The next lines, when there are some. `isLast` is true where none will follow. */
  async next(): Promise<v1.ShownLinesInit> {
    if (this.#lines.isEmpty && !this.#isComplete) await new Promise<void>((resolve) => (this.#wake = resolve));
    const taken = this.#lines.take();
    const isLast = this.#isComplete && this.#lines.isEmpty;
    if (isLast) this.#closed();
    return { ...taken, isLast };
  }

  close(): void {
    this.complete();
    this.#closed();
  }
}

/**
 * Keeps the last lines of a run, for those who ask later. A reader that is slow loses the oldest lines, and is told how many: it never holds
 * up the run.
 */
export class RunLog {
  readonly #kept = new BoundedLines();
  readonly #readers = new Set<LogReader>();
  #isEnded = false;
  #left: (() => void) | undefined;

  add(line: v1.ShownLineInit): void {
    const shown = v1.ShownLine.create(line);
    this.#kept.add(shown);
    for (const reader of this.#readers) reader.add(shown);
  }

  /** Reads what was kept, and what follows. Throws CapacityError past the limit `logReaders`. */
  read(wanted: v1.LinesToShow): LogReader {
    if (this.#readers.size >= limits.logReaders) {
      throw new CapacityError(
        `${limits.logReaders} readers follow this run (limit logReaders): end one of them first.`,
      );
    }
    const reader = new LogReader(wanted, () => this.#leave(reader));
    for (const line of this.#kept.all()) reader.add(line);
    if (wanted.isFollowing && !this.#isEnded) this.#readers.add(reader);
    else reader.complete();
    return reader;
  }

  /** The run has ended. Resolves when the readers have taken the last lines, at the latest after the patience. */
  async end(patienceMs: number): Promise<void> {
    this.#isEnded = true;
    const left = new Promise<void>((resolve) => (this.#left = resolve));
    for (const reader of this.#readers) reader.complete();
    if (this.#readers.size === 0) return;
    const timer = setTimeout(() => this.#left?.(), patienceMs);
    await left;
    clearTimeout(timer);
  }

  #leave(reader: LogReader): void {
    this.#readers.delete(reader);
    if (this.#readers.size === 0) this.#left?.();
  }
}
