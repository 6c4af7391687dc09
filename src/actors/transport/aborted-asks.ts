import { AskAbortedError, type MillraceError } from '../../errors.js';
import { limits } from '../../limits.js';

/** Is told that nobody waits for an ask any more. */
export interface AskEnd {
  end(cause: MillraceError | undefined): void;
}

/**
 * Asks of one peer whose callers have aborted them. An ask whose handler has not started is not executed; the reply of any other is
 * not sent. An abort arrives after its ask, and often after the reply was sent; therefore the oldest entries are dropped: half of them
 * at once, so that an abort costs the same however many there are.
 */
export class AbortedAsks {
  /** Asks whose receivers have to know when they end. */
  readonly #listeners = new Map<number, AskEnd>();
  #newer = new Set<number>();
  #older = new Set<number>();

  add(correlation: number): void {
    if (this.#newer.size >= limits.linkAsks / 2) {
      this.#older = this.#newer;
      this.#newer = new Set();
    }
    this.#newer.add(correlation);
    if (this.#listeners.has(correlation))
      this.#ended(correlation, new AskAbortedError('the ask was aborted by its caller'));
  }

  /** The ask waits for its answer: `end` is called when it is aborted, or its link ends. */
  listen(correlation: number, end: AskEnd): void {
    this.#listeners.set(correlation, end);
  }

  /** The link has ended. */
  close(error: MillraceError): void {
    for (const correlation of this.#listeners.keys()) this.#ended(correlation, error);
  }

  #ended(correlation: number, cause: MillraceError): void {
    const end = this.#listeners.get(correlation);
    this.#listeners.delete(correlation);
    end?.end(cause);
  }

  has(correlation: number): boolean {
    return this.#isUsed && (this.#newer.has(correlation) || this.#older.has(correlation));
  }

  /** The ask was answered, or the peer uses its correlation number for a new ask. */
  delete(correlation: number): void {
    if (this.#listeners.size > 0) this.#listeners.delete(correlation);
    if (!this.#isUsed) return;
    this.#newer.delete(correlation);
    this.#older.delete(correlation);
  }

  get #isUsed(): boolean {
    return this.#newer.size > 0 || this.#older.size > 0;
  }
}
