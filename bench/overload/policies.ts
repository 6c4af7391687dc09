/** One ask that waits for the actor of the model. Times in ms. */
export interface WaitingAsk {
  readonly arrivedMs: number;
  readonly deadlineMs: number;
}

/** Takes the next ask to execute from those that wait, oldest first; removes it, and all that it refuses. */
export type Policy = (waiting: WaitingAsk[], nowMs: number) => WaitingAsk | undefined;

/** What became of the asks. */
export interface Outcome {
  answered: number;
  executedInVain: number;
  readonly latenciesMs: number[];
}

/** In the order of arrival. An ask is executed when its deadline has not passed. */
export function fifo(): Policy {
  return (waiting, nowMs) => nextInTime(() => waiting.shift(), nowMs);
}

/** The newest first. */
export function lifo(): Policy {
  return (waiting, nowMs) => nextInTime(() => waiting.pop(), nowMs);
}

/** In the order of arrival, except those whose remaining time is less than an execution takes. */
export function timeLeft(serviceMs: number): Policy {
  return (waiting, nowMs) => nextInTime(() => waiting.shift(), nowMs + serviceMs);
}

/**
 * CoDel: when every ask of an interval has waited longer than the target, asks are dropped at growing frequency until one has not.
 * https://www.rfc-editor.org/rfc/rfc8289
 */
export function codel(targetMs: number, intervalMs: number): Policy {
  let firstAboveMs = 0;
  let nextDropMs = 0;
  let drops = 0;
  let isDropping = false;
  const isAbove = (ask: WaitingAsk, isLast: boolean, nowMs: number): boolean => {
    if (nowMs - ask.arrivedMs < targetMs || isLast) {
      firstAboveMs = 0;
      return false;
    }
    if (firstAboveMs === 0) firstAboveMs = nowMs + intervalMs;
    return nowMs >= firstAboveMs;
  };
  return (waiting, nowMs) => {
    for (;;) {
      const ask = nextInTime(() => waiting.shift(), nowMs);
      if (ask === undefined) return undefined;
      const above = isAbove(ask, waiting.length === 0, nowMs);
      if (!above) isDropping = false;
      else if (!isDropping) {
        isDropping = true;
        drops = nowMs - nextDropMs < intervalMs ? Math.max(1, drops - 2) : 1;
        nextDropMs = nowMs + intervalMs / Math.sqrt(drops);
        continue;
      } else if (nowMs >= nextDropMs) {
        drops++;
        nextDropMs += intervalMs / Math.sqrt(drops);
        continue;
      }
      return ask;
    }
  };
}

/** Runs one actor, which handles one ask at a time, over these arrivals. */
export function model(
  policy: Policy,
  arrivalsMs: readonly number[],
  timeoutMs: number,
  service: () => number,
): Outcome {
  const outcome: Outcome = { answered: 0, executedInVain: 0, latenciesMs: [] };
  const waiting: WaitingAsk[] = [];
  let nowMs = 0;
  let arrived = 0;
  while (arrived < arrivalsMs.length || waiting.length > 0) {
    if (waiting.length === 0) nowMs = Math.max(nowMs, arrivalsMs[arrived] ?? nowMs);
    for (let atMs = arrivalsMs[arrived]; atMs !== undefined && atMs <= nowMs; atMs = arrivalsMs[++arrived]) {
      waiting.push({ arrivedMs: atMs, deadlineMs: atMs + timeoutMs });
    }
    const ask = policy(waiting, nowMs);
    if (ask === undefined) continue;
    nowMs += service();
    if (nowMs > ask.deadlineMs) outcome.executedInVain++;
    else {
      outcome.answered++;
      outcome.latenciesMs.push(nowMs - ask.arrivedMs);
    }
  }
  return outcome;
}

function nextInTime(take: () => WaitingAsk | undefined, nowMs: number): WaitingAsk | undefined {
  for (let ask = take(); ask !== undefined; ask = take()) if (ask.deadlineMs > nowMs) return ask;
  return undefined;
}
