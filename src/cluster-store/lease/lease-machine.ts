import { limits } from '../../limits.js';
import type { LeaseEnd } from '../cluster-store.js';
import type { LeaseRecord } from './lease-record.js';

/**
 * One wait for a lease, and the lease that it gets, as a state machine without clock, store or timer: the caller says what time it is and what the
 * store has answered, and the machine says what to do next.
 *
 *     candidate --(the write of its record succeeds)--> holder --(no renewal in time, or another's record)--> ended
 *         |                                                |
 *         +----------------------(release)-----------------+
 *
 * Clocks are never compared. A candidate may write its record when it has seen the same revision for the `ttlMs` of that record, by its own clock. The holder
 * counts its time from the moment before it wrote. That moment is earlier than any at which the candidate can have seen the record, so the
 * holder's time is over first. Its last tenth it does not use, because two clocks do not run equally fast.
 *
 * A record that vanishes, because the store was deleted, is no lease that was given up: its holder writes it again, and a candidate that has seen it waits
 * as if it were still there. Epochs go on from the highest that this process has seen.
 */
export type LeaseStep =
  | { readonly do: 'look'; readonly timeoutMs: number }
  | LeaseWrite
  | { readonly do: 'wait'; readonly untilMs: number }
  | { readonly do: 'end'; readonly why: LeaseEnd };

export interface LeaseWrite {
  readonly do: 'write';
  readonly record: LeaseRecord;
  readonly expected: number | undefined;
  /** An answer that comes later is of no use. */
  readonly timeoutMs: number;
}

export interface LeaseTerms {
  readonly holder: Uint8Array;
  readonly ttlMs: number;
  readonly token: string;
  readonly owner: string;
  /** The lease gets a larger epoch than this. */
  readonly after: bigint;
}

/** What the key held at the last look. */
interface SeenRecord {
  readonly revision: number | undefined;
  /** Where it held nothing: the record that had been seen before, and has vanished. */
  readonly record: LeaseRecord | undefined;
  /** When this revision was seen first. */
  readonly sinceMs: number;
}

interface HeldLease {
  readonly epoch: bigint;
  /** Undefined where the record has vanished, and has to be written again. */
  readonly revision: number | undefined;
  /** When the write began that the time of the lease counts from. */
  readonly writtenMs: number;
}

/**
 * Parts of `ttlMs`. A holder whose event loop or store stands still keeps its lease for as long as lies between the time of a renewal and the end of
 * what it uses: 65 %. A candidate looks by itself less often than the holder renews, so that it only does where the news of a renewal are lost.
 */
const RENEWED_AFTER = 1 / 4;
const USED = 9 / 10;
const LOOKED_EVERY = 1 / 3;
const RETRIED_AFTER = 1 / 20;
const CALL = 1 / 3;

/** Longest time between two looks whether the process that holds a lease has ended, in ms. */
const PROCESS_LOOK_MS = 1_000;

export class LeaseMachine {
  readonly #terms: LeaseTerms;
  readonly #isGone: (owner: string) => boolean;
  #seen: SeenRecord | undefined;
  #held: HeldLease | undefined;
  /** The highest epoch that was seen. */
  #highest: bigint;
  #ended: 'released' | 'taken' | undefined;
  /** When the next look is due, or the next renewal. */
  #dueMs = 0;
  /** The store has just failed: nothing is asked of it before. */
  #retryMs = Number.NEGATIVE_INFINITY;

  /** `isGone` says of the `owner` of a record whether that process has certainly ended. */
  constructor(terms: LeaseTerms, isGone: (owner: string) => boolean) {
    this.#terms = terms;
    this.#highest = terms.after;
    this.#isGone = isGone;
  }

  /** Undefined until this candidate has got the lease. It stays when the lease has ended. */
  get epoch(): bigint | undefined {
    return this.#held?.epoch;
  }

  isHeld(nowMs: number): boolean {
    return this.#ended === undefined && this.#held !== undefined && nowMs < this.#endsMs(this.#held);
  }

  /** A machine that has ended does nothing more, whether it held the lease or waited for it. */
  next(nowMs: number): LeaseStep {
    if (this.#ended !== undefined) return { do: 'end', why: this.#ended };
    return this.#held === undefined ? this.#nextOfCandidate(nowMs) : this.#nextOfHolder(this.#held, nowMs);
  }

  /** The key was read, and held this. */
  saw(revision: number | undefined, found: LeaseRecord | undefined, nowMs: number): void {
    const isSame = this.#seen?.revision === revision;
    const record = found ?? this.#seen?.record;
    if (record !== undefined && record.epoch > this.#highest) this.#highest = record.epoch;
    this.#seen = { revision, record, sinceMs: (isSame ? this.#seen?.sinceMs : undefined) ?? nowMs };
    const pauseMs = (record?.ttlMs ?? this.#terms.ttlMs) * LOOKED_EVERY;
    // Nobody tells of the end of a process.
    this.#dueMs = nowMs + (record !== undefined && record.owner !== '' ? Math.min(pauseMs, PROCESS_LOOK_MS) : pauseMs);
  }

  /** The key may have changed: a candidate looks at once. */
  changed(nowMs: number): void {
    if (this.#held === undefined) this.#dueMs = nowMs;
  }

  /** The store has written the record. `beganMs` is when the write began. */
  wrote(record: LeaseRecord, revision: number, beganMs: number): void {
    this.#held = { epoch: record.epoch, revision, writtenMs: beganMs };
    this.#dueMs = beganMs + this.#terms.ttlMs * RENEWED_AFTER;
  }

  /** The store has refused to write: the key holds this instead. */
  refused(revision: number | undefined, record: LeaseRecord | undefined, nowMs: number): void {
    const held = this.#held;
    if (held === undefined) return this.saw(revision, record, nowMs);
    if (record === undefined) {
      this.#held = { ...held, revision: undefined };
      this.#dueMs = nowMs;
      return;
    }
    const isOwn = record.token === this.#terms.token && record.epoch === held.epoch;
    if (!isOwn || revision === undefined) {
      this.#ended ??= 'taken';
      return;
    }
    // A renewal arrived, and its answer did not. When it arrived is not known, so it prolongs nothing.
    this.#held = { ...held, revision };
    this.#dueMs = nowMs;
  }

  /** The store could not be reached. Whether it has written is not known. */
  failed(nowMs: number): void {
    this.#retryMs = nowMs + this.#terms.ttlMs * RETRIED_AFTER;
  }

  /** From now on nothing is held, and nothing is waited for. */
  release(): void {
    this.#ended ??= 'released';
  }

  /** The write by which a released lease is given up; undefined where nothing was held. */
  giveUp(): LeaseWrite | undefined {
    if (this.#held === undefined || this.#ended !== 'released') return undefined;
    const { epoch, revision } = this.#held;
    return { do: 'write', record: this.#record(epoch, false), expected: revision, timeoutMs: this.#callMs };
  }

  /** A lease whose time was over before its first write was answered: it is a candidate again. */
  startAgain(): void {
    this.#held = undefined;
    this.#seen = undefined;
  }

  #nextOfCandidate(nowMs: number): LeaseStep {
    const seen = this.#seen;
    if (nowMs < this.#retryMs) return wait(this.#retryMs);
    const look = { do: 'look', timeoutMs: this.#callMs } as const;
    if (seen === undefined) return look;
    const freeMs = this.#freeMs(seen);
    if (nowMs >= freeMs) {
      const record = this.#record(this.#highest + 1n, true);
      return { do: 'write', record, expected: seen.revision, timeoutMs: this.#callMs };
    }
    return nowMs >= this.#dueMs ? look : wait(Math.min(this.#dueMs, freeMs));
  }

  #nextOfHolder(held: HeldLease, nowMs: number): LeaseStep {
    const endsMs = this.#endsMs(held);
    if (nowMs >= endsMs) return { do: 'end', why: 'lapsed' };
    const dueMs = Math.max(this.#dueMs, this.#retryMs);
    if (nowMs < dueMs) return wait(Math.min(dueMs, endsMs));
    const timeoutMs = Math.min(this.#callMs, endsMs - nowMs);
    return { do: 'write', record: this.#record(held.epoch, true), expected: held.revision, timeoutMs };
  }

  /** From when on this candidate may write. */
  #freeMs({ record, sinceMs }: SeenRecord): number {
    if (record === undefined || !record.isTaken) return Number.NEGATIVE_INFINITY;
    // It has written this itself, and has had no answer. It has not served since.
    if (record.token === this.#terms.token) return Number.NEGATIVE_INFINITY;
    if (record.owner !== '' && this.#isGone(record.owner)) return Number.NEGATIVE_INFINITY;
    return sinceMs + record.ttlMs;
  }

  #endsMs({ writtenMs }: HeldLease): number {
    return writtenMs + this.#terms.ttlMs * USED;
  }

  get #callMs(): number {
    return Math.min(this.#terms.ttlMs * CALL, limits.storeTimeoutMs);
  }

  #record(epoch: bigint, isTaken: boolean): LeaseRecord {
    const { holder, ttlMs, token, owner } = this.#terms;
    return { holder, ttlMs, token, owner, epoch, isTaken };
  }
}

function wait(untilMs: number): LeaseStep {
  return { do: 'wait', untilMs };
}
