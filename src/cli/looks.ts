/** Commands that look at a cluster again and again, until they are told to end. */
import type { Peers } from '../actors/runtime/survey/index.js';
import { ClusterWatch, type ClusterView, type EventShown } from '../introspection/index.js';
import { ExitCode } from './exit-codes.js';
import type { Interrupts } from './interrupts.js';
import { print, printLine } from './output.js';

const EVENTS_MS = 1_000;

/** Looks until `isDone`, or until the signal: what is seen behind it is not given. Closes the watch. */
export async function eachLook(
  watch: ClusterWatch,
  intervalMs: number,
  signal: AbortSignal,
  isDone: (view: ClusterView) => boolean,
): Promise<void> {
  try {
    while (!signal.aborted) {
      const view = await watch.refresh();
      if (signal.aborted || isDone(view)) return;
      await passed(intervalMs, signal);
    }
  } finally {
    await watch[Symbol.asyncDispose]();
  }
}

/** A line for each event, until the signal. */
export function printEvents(peers: Peers, isJson: boolean, signal: AbortSignal): Promise<void> {
  let seen: readonly EventShown[] = [];
  return eachLook(new ClusterWatch(peers, { limit: 1 }), EVENTS_MS, signal, ({ events }) => {
    const known = new Set(seen);
    for (const event of events.filter((each) => !known.has(each)).toReversed()) {
      const { kind, partition, subject, detail } = event;
      if (isJson) print(JSON.stringify(event));
      else printLine(`${kind}  partition ${partition}  ${subject}${detail === '' ? '' : `  ${detail}`}`);
    }
    seen = events;
    return false;
  });
}

/** Resolves to the exit code. `work` ends at the signal, which is aborted at the first interrupt. */
export async function untilInterrupted(
  interrupts: Interrupts,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<number> {
  const leaving = new AbortController();
  interrupts.begin(() => {});
  interrupts.onFirst(() => leaving.abort());
  try {
    await work(leaving.signal);
    return interrupts.first?.exitCode ?? ExitCode.ok;
  } finally {
    interrupts.end();
  }
}

/** At the signal earlier. */
function passed(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}
