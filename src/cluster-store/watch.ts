import { ResourceError, UnreachableError } from '../errors.js';
import type { Scheduler } from '../scheduler/index.js';
import { Alarm } from './alarm.js';
import type { StoreEntry } from './cluster-store.js';

export interface Watched {
  readonly scheduler: Scheduler;
  /** Time between two looks at the key in ms, when nothing says that it has changed. */
  readonly everyMs: number;
  /** Aborted when the store is closed. */
  readonly closed: AbortSignal;
  look(): Promise<StoreEntry | undefined>;
  /** Calls `changed` when the key may have changed, until `signal` aborts. A store that has no such news does without. */
  listen?(changed: () => void, signal: AbortSignal): void;
}

/**
 * Looks at a key again and again, and shows it when it has changed. News of a change only make it look earlier, so no change stays unseen when news are lost,
 * and none is shown that the store does not have.
 */
export async function* watch(watched: Watched, signal: AbortSignal): AsyncGenerator<StoreEntry | undefined, undefined> {
  const { scheduler, everyMs, closed } = watched;
  const alarm = new Alarm(scheduler);
  const ring = (): void => alarm.ring();
  const ended = AbortSignal.any([signal, closed]);
  const listening = new AbortController();
  ended.addEventListener('abort', ring, { once: true });
  try {
    watched.listen?.(ring, AbortSignal.any([listening.signal, closed]));
    let shown: { readonly revision: number | undefined } | undefined;
    while (!ended.aborted) {
      const found = await lookedAt(watched);
      if (ended.aborted) return undefined;
      if (found !== undefined && (shown === undefined || shown.revision !== found.entry?.revision)) {
        shown = { revision: found.entry?.revision };
        yield found.entry;
      }
      await alarm.at(scheduler.now() + everyMs);
    }
  } finally {
    listening.abort();
    ended.removeEventListener('abort', ring);
  }
  return undefined;
}

/** Undefined while the store cannot be reached. */
async function lookedAt(watched: Watched): Promise<{ readonly entry: StoreEntry | undefined } | undefined> {
  try {
    return { entry: await watched.look() };
  } catch (error) {
    if (watched.closed.aborted || error instanceof UnreachableError || error instanceof ResourceError) return undefined;
    throw error;
  }
}
