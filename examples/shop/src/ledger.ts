import { CapacityError, MillraceError } from 'millrace';

/** A request that is late by so many ms is lost: its caller should have got an error by then. */
const SLACK_MS = 1_000;

export interface Entry {
  readonly id: string;
  readonly beganMs: number;
  readonly deadlineMs: number;
  outcome: 'waits' | 'answered' | 'refused' | 'failed';
  endedMs: number;
  /** Why it has failed. */
  error: unknown;
}

export interface Verdict {
  readonly requests: number;
  readonly answered: number;
  /** There was no container in time, and none has handled them. */
  readonly refused: number;
  /** Their container ended, or their deadline passed. */
  readonly failed: number;
  /** What must not be: neither an answer nor a typed error by the deadline; answered, and never handled; handled twice; refused, and handled all the same. */
  readonly lost: readonly string[];
  readonly twice: readonly string[];
}

/** Counts every request: it is answered once, or fails with a typed error by its deadline. */
export class Ledger {
  readonly entries: Entry[] = [];
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Makes a request, and resolves to its answer; to undefined where it has failed. */
  async counted<T>(id: string, timeoutMs: number, request: () => Promise<T>): Promise<T | undefined> {
    const beganMs = this.#now();
    const entry: Entry = {
      id,
      beganMs,
      deadlineMs: beganMs + timeoutMs,
      outcome: 'waits',
      endedMs: Number.POSITIVE_INFINITY,
      error: undefined,
    };
    this.entries.push(entry);
    try {
      const answer = await request();
      entry.outcome = 'answered';
      return answer;
    } catch (error) {
      entry.outcome = error instanceof CapacityError ? 'refused' : 'failed';
      entry.error = error;
      return undefined;
    } finally {
      entry.endedMs = this.#now();
    }
  }

  /** `handlings` says how often containers have handled each request. */
  verdict(handlings: ReadonlyMap<string, number>): Verdict {
    const number = (outcome: Entry['outcome']): number =>
      this.entries.filter((entry) => entry.outcome === outcome).length;
    return {
      requests: this.entries.length,
      answered: number('answered'),
      refused: number('refused'),
      failed: number('failed'),
      lost: this.entries.filter((entry) => isLost(entry, handlings.get(entry.id) ?? 0)).map(({ id }) => id),
      twice: [...handlings].filter(([, count]) => count > 1).map(([id]) => id),
    };
  }
}

function isLost({ outcome, endedMs, deadlineMs, error }: Entry, handled: number): boolean {
  if (endedMs > deadlineMs + SLACK_MS) return true;
  if (outcome === 'answered') return handled === 0;
  return !(error instanceof MillraceError) || (outcome === 'refused' && handled > 0);
}
