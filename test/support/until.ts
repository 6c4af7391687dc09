/** Below the time that a test may take, so that it is this which says what was waited for. */
const PATIENCE_MS = 45_000;
/** Other threads and processes may take so long, on a machine that is busy. */
const LONG_PATIENCE_MS = 50_000;
const PAUSE_MS = 3;

/** Resolves as soon as `isTrue` holds: it looks at each turn of the event loop. Rejects after 45 s. `what` names it in the error. */
export function until(isTrue: () => boolean): Promise<void>;
export function until(what: string, isTrue: () => boolean): Promise<void>;
export async function until(...[first, second]: [() => boolean] | [string, () => boolean]): Promise<void> {
  const isTrue = typeof first === 'string' ? second : first;
  if (isTrue === undefined) throw new TypeError('until needs a condition');
  const deadlineMs = performance.now() + PATIENCE_MS;
  while (!isTrue()) {
    if (performance.now() > deadlineMs) throw new Error(`this never became true: ${first.toString()}`);
    await turn();
  }
}

/**
 * As `until`, for what other threads and processes do: it looks every few milliseconds, and leaves the processor to them. Rejects after `patienceMs`.
 */
export async function eventually(
  isTrue: () => boolean | Promise<boolean>,
  patienceMs: number = LONG_PATIENCE_MS,
): Promise<void> {
  const deadlineMs = performance.now() + patienceMs;
  while (!(await isTrue())) {
    if (performance.now() > deadlineMs) throw new Error(`this never became true: ${isTrue.toString()}`);
    await new Promise((resolve) => void setTimeout(resolve, PAUSE_MS));
  }
}

/** One turn of the real event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Gives things that must not happen the time to happen. */
export async function someTurns(): Promise<void> {
  for (let turns = 0; turns < 50; turns += 1) await turn();
}
