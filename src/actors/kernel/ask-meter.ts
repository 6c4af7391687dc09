import type { MillraceError } from '../../errors.js';
import type { Scheduler } from '../../scheduler/index.js';

/** Upper bounds of the latency buckets, in seconds; the last bucket has none. */
const BOUNDS: readonly number[] = [
  0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
  1, 2.5, 5, 10,
];

/** Numbers of durations by bucket; each bucket counts those above the bound before it. */
export interface Histogram {
  readonly buckets: readonly { readonly upToSeconds: number; readonly count: number }[];
  readonly count: number;
  readonly sumSeconds: number;
}

export interface AskStatistics {
  /** Asks made, including those that failed at once. */
  readonly started: number;
  readonly pending: number;
  /** Asks that `retrying` has made again. */
  readonly retries: number;
  /** Asks that failed, by the `code` of their error. */
  readonly failed: Readonly<Partial<Record<string, number>>>;
  /** Time until the reply or the failure. A sample of the asks is measured: see AskMeter. */
  readonly latency: Histogram;
}

interface AskSample {
  readonly beganAtMs: number;
  /** Number of asks that it represents, including itself. */
  readonly weight: number;
}

/** Time after which the sampling rate is adjusted, in ms. */
const WINDOW_MS = 10;
/** Target number of samples in each window: more cost time, fewer are less precise. */
const SAMPLES = 16;

/**
 * Counts asks, and measures a sample of them. Up to 16 asks in 10 ms are all measured; of more, every second, third and so on, so that
 * the clock is rarely read more often. Each sample represents all asks since the one before it.
 */
export class AskMeter {
  readonly #samples = new Map<object, AskSample>();
  readonly #failedByCode = new Map<string, number>();
  /** Asks that were rejected before they were sent. */
  #refused = 0;
  #retries = 0;
  readonly #counts: number[] = Array.from({ length: BOUNDS.length + 1 }, () => 0);
  #measured = 0;
  #sumSeconds = 0;
  #stride = 1;
  #begunAtSample = 0;
  #begunAtWindow = 0;
  #windowEndMs = Number.NEGATIVE_INFINITY;
  readonly #scheduler: Scheduler;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  /** Starts to measure an ask, the last of `begun`; returns the number of asks until the next sample. */
  begin(ask: object, nowMs: number, begun: number): number {
    this.#samples.set(ask, { beganAtMs: nowMs, weight: begun - this.#begunAtSample });
    this.#begunAtSample = begun;
    return this.strideAt(nowMs, begun);
  }

  end(ask: object): void {
    const sample = this.#samples.get(ask);
    if (sample === undefined) return;
    this.#samples.delete(ask);
    const { beganAtMs, weight } = sample;
    const seconds = (this.#scheduler.now() - beganAtMs) / 1_000;
    const bound = BOUNDS.findIndex((upTo) => seconds <= upTo);
    const bucket = bound < 0 ? BOUNDS.length : bound;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + weight;
    this.#measured += weight;
    this.#sumSeconds += seconds * weight;
  }

  /** Number of asks between samples: the recent number of asks, divided by the target number of samples. */
  strideAt(nowMs: number, begun: number): number {
    if (nowMs >= this.#windowEndMs) {
      this.#stride = Math.max(1, Math.floor((begun - this.#begunAtWindow) / SAMPLES));
      this.#begunAtWindow = begun;
      this.#windowEndMs = nowMs + WINDOW_MS;
    }
    return this.#stride;
  }

  /** Rejects an ask that is not sent. */
  refuse(error: MillraceError): Promise<never> {
    this.failed(error.code, true);
    return Promise.reject(error);
  }

  /** The next ask repeats one that has failed. */
  retried(): void {
    this.#retries++;
  }

  failed(code: string, beforeItBegan: boolean): void {
    if (beforeItBegan) this.#refused++;
    this.#failedByCode.set(code, (this.#failedByCode.get(code) ?? 0) + 1);
  }

  statistics(begun: number, pending: number): AskStatistics {
    return {
      started: begun + this.#refused,
      pending,
      retries: this.#retries,
      failed: Object.fromEntries(this.#failedByCode),
      latency: {
        buckets: this.#counts.map((count, bucket) => ({
          upToSeconds: BOUNDS[bucket] ?? Number.POSITIVE_INFINITY,
          count,
        })),
        count: this.#measured,
        sumSeconds: this.#sumSeconds,
      },
    };
  }
}
