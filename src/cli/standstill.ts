import { MillraceError, type PipelineRun } from '../index.js';
import type { Scheduler, Timer } from '../scheduler/index.js';

const LOOK_MS = 30_000;
const PATIENCE_MS = 600_000;

/**
 * Virtual time goes on for ever while nothing moves, and nobody would know. Rejects when no segment has moved for ten minutes of it;
 * never resolves. `clear` ends the watch.
 */
export function watchForStandstill(
  run: PipelineRun,
  scheduler: Scheduler,
): { readonly standstill: Promise<never>; readonly clear: () => void } {
  let timer: Timer | undefined;
  const standstill = new Promise<never>((_, reject) => {
    let seen = '';
    let sinceMs = scheduler.now();
    const look = (): void => {
      const now = JSON.stringify([run.restarts, run.progress()]);
      if (now !== seen) [seen, sinceMs] = [now, scheduler.now()];
      if (scheduler.now() - sinceMs < PATIENCE_MS) timer = scheduler.setTimer(LOOK_MS, look);
      else reject(new MillraceError(STUCK));
    };
    look();
  });
  standstill.catch(() => {});
  return { standstill, clear: () => timer && scheduler.clearTimer(timer) };
}

const STUCK = `No segment has moved for ${PATIENCE_MS / 60_000} minutes of virtual time. Does a segment wait for real I/O without context.outside(...), or for something that never comes?`;
