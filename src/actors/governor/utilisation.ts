import type { ScalingStrategy } from './strategy.js';

export interface UtilisationOptions {
  /** Utilisation past which one container is added. Default 0.8. */
  readonly up?: number;
  /** Utilisation below which one is stopped. Default 0.2. */
  readonly down?: number;
  /** Time in ms over which it is averaged. Default 5 000. */
  readonly windowMs?: number;
  /** Time in ms between two changes. Default 1 000. */
  readonly coolDownMs?: number;
}

export interface UtilisationState {
  readonly samples: readonly { readonly atMs: number; readonly busy: number }[];
  readonly changedMs: number;
}

/**
 * The rule of Watt: one container more when the event loops are busy, one fewer when they are not. It is for components that compute: one that waits for others leaves its
 * event loop idle.
 */
export function utilisation(options: UtilisationOptions = {}): ScalingStrategy<UtilisationState> {
  const { up = 0.8, down = 0.2, windowMs = 5_000, coolDownMs = 1_000 } = options;
  return {
    name: 'utilisation',
    initial: { samples: [], changedMs: Number.NEGATIVE_INFINITY },
    decide: (state, { kind, pool }) => {
      const { nowMs, containers, busy, waiting } = pool;
      if (containers === 0 && waiting > 0) {
        return {
          state: { ...state, changedMs: nowMs },
          containers: 1,
          because: 'a request waits, and there is no container',
        };
      }
      if (kind !== 'tick') return { state, containers, because: 'it waits for the next tick' };
      // Without containers there is no loop.
      const utilization = containers === 0 ? 0 : pool.utilization;
      if (utilization === undefined) return { state, containers, because: 'the event loops are not measured yet' };
      const sample = { atMs: nowMs, busy: utilization };
      const samples = [...state.samples, sample].filter(({ atMs }) => atMs > nowMs - windowMs);
      const average = samples.reduce((sum, each) => sum + each.busy, 0) / samples.length;
      const shown = `the utilisation is ${Math.round(100 * average)} %`;
      const step = average > up ? 1 : average < down ? -1 : 0;
      if (step === 0 || nowMs - state.changedMs < coolDownMs)
        return { state: { ...state, samples }, containers, because: shown };
      // A request that waits for others leaves the loop idle, and needs its container all the same.
      const least = busy + waiting > 0 ? 1 : 0;
      return { state: { samples, changedMs: nowMs }, containers: Math.max(least, containers + step), because: shown };
    },
  };
}
