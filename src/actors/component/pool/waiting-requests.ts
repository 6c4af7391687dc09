import type { Scheduler, Timer } from '../../../scheduler/index.js';

/** A request for a container. */
export interface PoolRequest {
  /** Tells it apart from those of all callers. */
  readonly key: string;
  /** Time in ms that it may wait for a container that runs already. Undefined: as long as `timeoutMs`. */
  readonly withinMs: number | undefined;
  /** Time in ms after which nobody waits for the answer any more. */
  readonly timeoutMs: number;
  /** Time in ms that it has waited before, here or at other pools. */
  readonly waitedMs: number;
  /** Time in ms after which a request that got a container must have ended. */
  readonly leaseMs: number;
}

export interface WaitingRequest {
  readonly request: PoolRequest;
  readonly sinceMs: number;
  /** It has waited for as long as it may for a container that runs: only one that starts can still serve it. */
  readonly isOverdue: boolean;
}

interface Entry<Answer> extends WaitingRequest {
  isOverdue: boolean;
  timer: Timer | undefined;
  readonly resolve: (answer: Answer) => void;
}

export interface WaitingRequestsOptions {
  readonly scheduler: Scheduler;
  /** A request is overdue now. */
  readonly overdue: () => void;
}

/** The requests that wait for a container of a pool: the oldest first. */
export class WaitingRequests<Answer> {
  readonly #options: WaitingRequestsOptions;
  /** By their keys, the oldest first. */
  readonly #entries = new Map<string, Entry<Answer>>();

  constructor(options: WaitingRequestsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** In ms; 0 when none waits. */
  get oldestMs(): number {
    const [oldest] = this.#entries.values();
    return oldest === undefined ? 0 : this.#options.scheduler.now() - oldest.sinceMs;
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  /** As they are now, the oldest first. */
  all(): readonly WaitingRequest[] {
    return [...this.#entries.values()];
  }

  /** Resolves with what `answer` is given for it; with `late` when its time has passed. */
  wait(request: PoolRequest, late: () => Answer): Promise<Answer> {
    const { scheduler, overdue } = this.#options;
    const { key, withinMs, timeoutMs } = request;
    return new Promise((resolve) => {
      const entry: Entry<Answer> = {
        request,
        sinceMs: scheduler.now() - request.waitedMs,
        isOverdue: false,
        timer: undefined,
        resolve,
      };
      this.#enter(entry);
      const untilLate = (delayMs: number): void => {
        entry.timer = scheduler.setTimer(delayMs, () => this.answer(key, late()));
      };
      if (withinMs === undefined || withinMs >= timeoutMs) {
        untilLate(timeoutMs);
        return;
      }
      const becomesOverdue = (): void => {
        entry.isOverdue = true;
        untilLate(timeoutMs - withinMs);
        overdue();
      };
      if (withinMs > 0) entry.timer = scheduler.setTimer(withinMs, becomesOverdue);
      else becomesOverdue();
    });
  }

  /** Removes the oldest request, for the caller of this to answer. */
  take():
    | { readonly request: PoolRequest; readonly sinceMs: number; readonly answer: (answer: Answer) => void }
    | undefined {
    const [oldest] = this.#entries.values();
    if (oldest === undefined) return undefined;
    this.#remove(oldest);
    return { request: oldest.request, sinceMs: oldest.sinceMs, answer: oldest.resolve };
  }

  /** Answers a request that waits. False where none has this key. */
  answer(key: string, answer: Answer): boolean {
    const entry = this.#entries.get(key);
    if (entry === undefined) return false;
    this.#remove(entry);
    entry.resolve(answer);
    return true;
  }

  /** Behind those that are older. */
  #enter(entry: Entry<Answer>): void {
    const younger =
      entry.request.waitedMs === 0 ? [] : [...this.#entries].filter(([, { sinceMs }]) => sinceMs > entry.sinceMs);
    this.#entries.set(entry.request.key, entry);
    for (const [key, each] of younger) {
      this.#entries.delete(key);
      this.#entries.set(key, each);
    }
  }

  #remove(entry: Entry<Answer>): void {
    this.#entries.delete(entry.request.key);
    if (entry.timer !== undefined) this.#options.scheduler.clearTimer(entry.timer);
  }
}
