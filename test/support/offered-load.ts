import { MillraceError } from '#src/errors.js';
import type { Scheduler } from '#src/scheduler/index.js';

interface Offer {
  readonly perSecond: number;
  readonly forMs: number;
  readonly isRandom?: boolean;
}

/** Each offer has random arrivals of its own. */
let offers = 0;

/** Resolves after `durationMs` of the scheduler's time. */
export function pass(scheduler: Scheduler, durationMs: number): Promise<void> {
  return new Promise((resolve) => void scheduler.setTimer(durationMs, resolve));
}

/** Calls `ask` at a rate, evenly or at random, and counts what becomes of it: `ok`, or the code of the error. */
export async function offer(
  scheduler: Scheduler,
  { perSecond, forMs, isRandom = false }: Offer,
  ask: () => Promise<unknown>,
): Promise<Record<string, number>> {
  const outcomes: Record<string, number> = { ok: 0 };
  const asked: Promise<void>[] = [];
  const random = scheduler.fork(`arrivals ${offers++}`);
  const gapMs = 1_000 / perSecond;
  for (let atMs = 0; atMs < forMs; atMs += isRandom ? -Math.log(1 - random()) * gapMs : gapMs) {
    const outcome = pass(scheduler, atMs)
      .then(ask)
      .then(
        () => 'ok',
        (error: unknown) => {
          if (error instanceof MillraceError) return error.code;
          throw error;
        },
      );
    asked.push(outcome.then((code) => void (outcomes[code] = (outcomes[code] ?? 0) + 1)));
  }
  await Promise.all(asked);
  return outcomes;
}
