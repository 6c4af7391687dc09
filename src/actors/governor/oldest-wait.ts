import type { PoolObservation, ScalingStrategy } from './strategy.js';

export interface OldestWaitOptions {
  /** Age of the oldest waiting request in ms past which the pool grows. Default 50. */
  readonly withinMs?: number;
  /** Time in ms without growth after which one container is stopped, and then one each second, while any is idle. Default 30 000. */
  readonly shrinkAfterMs?: number;
  /** Idle containers that are kept. Default 0. */
  readonly spare?: number;
}

export interface OldestWaitState {
  /** Requests that arrive in a second, smoothed; and when it was measured last, with the total then. */
  readonly ratePerSecond: number;
  readonly measured: { readonly atMs: number; readonly arrived: number } | undefined;
  /** Scheduler times of the last growth, and of the last container that was stopped. */
  readonly grewMs: number;
  readonly shrankMs: number;
}

/** A start that was never measured is expected to take so long, in ms. */
const UNKNOWN_START_MS = 100;
const UNKNOWN_SERVICE_MS = 10;
/** Time in ms between two containers that are stopped. */
const SHRINK_MS = 1_000;
/** So many arrivals between two measurements are chance. */
const FEW = 5;
/** The rate of arrivals is measured over at least this time in ms. */
const RATE_MS = 100;

/**
 * Grows when the oldest request has waited too long, and would still wait when another container could have started. The total load counts: requests
 * that wait, that are handled, and that will have arrived by then. Grows at once, and shrinks one by one.
 */
export function oldestWait(options: OldestWaitOptions = {}): ScalingStrategy<OldestWaitState> {
  const { withinMs = 50, shrinkAfterMs = 30_000, spare = 0 } = options;
  return {
    name: 'oldest-wait',
    initial: { ratePerSecond: 0, measured: undefined, grewMs: 0, shrankMs: 0 },
    decide: (before, { kind, pool }) => {
      const state = measured(before, pool);
      const { containers, busy, nowMs, starting } = pool;
      const isLate = kind === 'overdue' || pool.oldestWaitMs > withinMs;
      if (isLate) {
        const needed = neededFor(pool, state.ratePerSecond, withinMs);
        if (needed > containers) {
          const because = `the oldest of ${pool.waiting} requests has waited ${Math.round(pool.oldestWaitMs)} ms`;
          return { state: { ...state, grewMs: nowMs }, containers: needed, because };
        }
        return { state, containers, because: `what waits will be served before another container could start` };
      }
      const idle = containers - busy - starting;
      if (idle < spare) {
        const because = `${spare} containers are to be idle`;
        return { state: { ...state, grewMs: nowMs }, containers: containers + spare - idle, because };
      }
      if (idle <= spare || nowMs - state.grewMs < shrinkAfterMs || nowMs - state.shrankMs < SHRINK_MS)
        return { state, containers, because: 'nothing waits' };
      const because = `${idle} containers are idle, and there was no growth for ${shrinkAfterMs} ms`;
      return { state: { ...state, shrankMs: nowMs }, containers: containers - 1, because };
    },
  };
}

function measured(state: OldestWaitState, { nowMs, arrived }: PoolObservation): OldestWaitState {
  const { measured: last, ratePerSecond } = state;
  if (last === undefined) return { ...state, measured: { atMs: nowMs, arrived }, grewMs: nowMs };
  const passedMs = nowMs - last.atMs;
  if (passedMs < RATE_MS) return state;
  const came = arrived - last.arrived;
  const now = (1_000 * came) / passedMs;
  // What grows is believed at once, but for a few requests that come together: those are no load that lasts.
  const rise = came > FEW ? 1 : 0.1;
  const share = now > ratePerSecond ? rise : 0.3;
  const smoothed = (1 - share) * ratePerSecond + share * now;
  return { ...state, ratePerSecond: smoothed, measured: { atMs: nowMs, arrived } };
}

/** Containers for which the queue that there will be when one could have started is served within the tolerance. */
function neededFor(pool: PoolObservation, ratePerSecond: number, withinMs: number): number {
  const { waiting, busy, containers, starting } = pool;
  const horizonMs = pool.startMs === 0 ? UNKNOWN_START_MS : pool.startMs;
  const serviceMs = pool.serviceMs === 0 ? UNKNOWN_SERVICE_MS : pool.serviceMs;
  const running = containers - starting;
  // Those that have a request now are free again after half of it, on average.
  const served = running * (horizonMs / serviceMs) - busy / 2;
  const backlog = waiting + (ratePerSecond * horizonMs) / 1_000 - Math.max(0, served) - starting;
  // Less than half of a request is a request that is served in time more often than not.
  if (backlog < 0.5) return containers;
  const offered = (ratePerSecond * serviceMs) / 1_000;
  const forBacklog = (backlog * serviceMs) / (horizonMs + withinMs);
  // More containers than requests that are there, or that are expected at a time, would be idle.
  const useful = busy + waiting + Math.floor(offered);
  return Math.max(containers, Math.min(useful, Math.max(containers + 1, Math.ceil(offered + forBacklog))));
}
