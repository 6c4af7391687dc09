import type { PoolObservation, ScalingStrategy } from './strategy.js';

export interface ConcurrencyTargetOptions {
  /** Requests that one container should have on average, which handles one at a time. Default 0.7. */
  readonly target?: number;
  /** Time in ms over which requests are averaged. Default 60 000. */
  readonly stableMs?: number;
  /** Time in ms over which they are averaged to notice a burst. Default 6 000. */
  readonly panicMs?: number;
  /** A burst needs so many times the containers that there are. Default 2. */
  readonly panicFactor?: number;
}

interface Sample {
  readonly atMs: number;
  /** Requests that wait and that are handled. */
  readonly load: number;
}

export interface ConcurrencyTargetState {
  readonly samples: readonly Sample[];
  /** Scheduler time of the last burst; undefined where there is none. During one, and for `stableMs` after it, nothing shrinks. */
  readonly panicMs: number | undefined;
  /** The most containers that a burst has needed. */
  readonly most: number;
}

/** The rule of Knative: as many containers as keep the average number of requests in each at a target, over a long window and, in bursts, a short one. */
export function concurrencyTarget(options: ConcurrencyTargetOptions = {}): ScalingStrategy<ConcurrencyTargetState> {
  const { target = 0.7, stableMs = 60_000, panicMs = 6_000, panicFactor = 2 } = options;
  return {
    name: 'concurrency-target',
    initial: { samples: [], panicMs: undefined, most: 0 },
    decide: (state, { kind, pool }) => {
      // Without a container nothing could ever be averaged: Knative's activator asks for the first one.
      if (kind !== 'tick') {
        const needsFirst = pool.containers === 0 && pool.waiting > 0;
        return {
          state,
          containers: needsFirst ? 1 : pool.containers,
          because: needsFirst ? 'a request waits, and there is no container' : 'it waits for the next tick',
        };
      }
      const samples = [...state.samples, sampleOf(pool)].filter(({ atMs }) => atMs > pool.nowMs - stableMs);
      const stable = Math.ceil(averageSince(samples, pool.nowMs - stableMs) / target);
      const short = Math.ceil(averageSince(samples, pool.nowMs - panicMs) / target);
      const isBurst = short >= panicFactor * Math.max(1, pool.containers);
      const since = isBurst ? pool.nowMs : state.panicMs;
      if (since === undefined || pool.nowMs - since > stableMs) {
        const because = `${stable} containers have ${target} requests each, over ${stableMs} ms`;
        return { state: { samples, panicMs: undefined, most: 0 }, containers: stable, because };
      }
      const most = Math.max(state.most, short, pool.containers);
      const because = `a burst needed ${most} containers for ${target} requests each, over ${panicMs} ms`;
      return { state: { samples, panicMs: since, most }, containers: most, because };
    },
  };
}

function sampleOf({ nowMs, waiting, busy }: PoolObservation): Sample {
  return { atMs: nowMs, load: waiting + busy };
}

function averageSince(samples: readonly Sample[], sinceMs: number): number {
  const counted = samples.filter(({ atMs }) => atMs > sinceMs);
  return counted.reduce((sum, { load }) => sum + load, 0) / Math.max(1, counted.length);
}
