import { MillraceError } from '#src/errors.js';
import type { Scheduler } from '#src/scheduler/index.js';
import { eventually } from './until.js';

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

/**
 * Calls `ask` a thousand times at once, for an actor that cannot answer so many in 2 s, and again, until some were answered and some refused: at what
 * rate says something of the machine. Then it aborts the others. Returns the codes of all errors.
 */
export async function overwhelm(
  ask: (options: { readonly timeoutMs: number; readonly signal: AbortSignal }) => Promise<unknown>,
): Promise<ReadonlySet<string>> {
  const controller = new AbortController();
  const { signal } = controller;
  const codes = new Set<string>();
  let answered = 0;
  await eventually(async () => {
    const asked = Array.from({ length: 1_000 }, () =>
      ask({ timeoutMs: 2_000, signal }).then(
        () => void answered++,
        (error: unknown) => {
          if (!(error instanceof MillraceError)) throw error;
          codes.add(error.code);
        },
      ),
    );
    for (const each of asked) {
      await each;
      if (answered >= 10 && codes.has('BACKPRESSURE')) controller.abort();
    }
    return signal.aborted;
  });
  return codes;
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
