import { loadShim, type ShimFiles } from './library.js';

/**
 * Silences the rings of a thread. Call it right before `worker.terminate()` of a thread that hangs: an event of the rings during the
 * termination would abort the process. Returns false if the rings were asleep on the event fd. Then the event loop of the thread may
 * already have polled an event, which cannot be withdrawn: ask such a thread to stop instead.
 */
export function silenceThread(threadId: number, files?: ShimFiles): boolean {
  return loadShim(files).quiet(threadId) === 1;
}

/** Closes the rings that a worker thread left open. Call it on the `exit` event of the thread. Returns the number of rings. */
export function reapThread(threadId: number, files?: ShimFiles): number {
  return loadShim(files).reap(threadId);
}
