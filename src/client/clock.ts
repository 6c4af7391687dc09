import type { Scheduler } from '../scheduler/index.js';

/** The part of a scheduler that clients need. */
export type Clock = Pick<Scheduler, 'now' | 'setTimer' | 'clearTimer' | 'random'>;

interface RealTimer {
  readonly atMs: number;
}

/** Time of a page, or of Node, that needs nothing else of either. */
export function realClock(): Clock {
  const handles = new WeakMap<RealTimer, ReturnType<typeof setTimeout>>();
  const now = (): number => performance.now();
  return {
    now,
    setTimer(delayMs, callback) {
      const timer = { atMs: now() + delayMs };
      handles.set(timer, setTimeout(callback, delayMs));
      return timer;
    },
    clearTimer(timer) {
      clearTimeout(handles.get(timer));
    },
    random: () => Math.random(),
  };
}
