/** Below the time that a test may take, so that it is this which says what was waited for. */
const PATIENCE_MS = 45_000;
/** Other threads and processes may take so long, on a machine that is busy. */
const LONG_PATIENCE_MS = 50_000;
/** So many turns of the event loop pass before a wait leaves the processor to others: what this process does by itself takes fewer. */
const TURNS = 200;
/** Who has waited for long looks less often, a tenth of the time later: each look costs, here and in the process that is asked. */
const [LEAST_PAUSE_MS, LARGEST_PAUSE_MS] = [1, 20];

/**
 * Resolves as soon as `isTrue` holds: it looks at each turn of the event loop, and after many turns every few milliseconds while that is idle. Rejects after 45 s.
 * `what` names it in the error.
 */
export function until(isTrue: () => boolean): Promise<void>;
export function until(what: string, isTrue: () => boolean): Promise<void>;
export async function until(...[first, second]: [() => boolean] | [string, () => boolean]): Promise<void> {
  const isTrue = typeof first === 'string' ? second : first;
  if (isTrue === undefined) throw new TypeError('until needs a condition');
  const beganMs = performance.now();
  for (let turns = 0; !isTrue(); turns++) {
    if (performance.now() > beganMs + PATIENCE_MS) throw new Error(`this never became true: ${first.toString()}`);
    if (turns < TURNS || isAtWork()) await turn();
    else await pauseSince(beganMs);
  }
}

/**
 * As `until`, for what other threads and processes do: it looks every few milliseconds, and leaves the processor to them. Rejects after `patienceMs`.
 */
export async function eventually(
  isTrue: () => boolean | Promise<boolean>,
  patienceMs: number = LONG_PATIENCE_MS,
): Promise<void> {
  const beganMs = performance.now();
  while (!(await isTrue())) {
    if (performance.now() > beganMs + patienceMs) throw new Error(`this never became true: ${isTrue.toString()}`);
    await pauseSince(beganMs);
  }
}

function pauseSince(beganMs: number): Promise<void> {
  const pauseMs = Math.min(LARGEST_PAUSE_MS, LEAST_PAUSE_MS + (performance.now() - beganMs) / 10);
  return new Promise((resolve) => void setTimeout(resolve, pauseMs));
}

/** The next turn of the event loop has something to do. So it always is with virtual time, which would pass by itself during a pause. */
function isAtWork(): boolean {
  return process.getActiveResourcesInfo().includes('Immediate');
}

/** One turn of the real event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Gives things that must not happen the time to happen. */
export async function someTurns(): Promise<void> {
  for (let turns = 0; turns < 50; turns += 1) await turn();
}
