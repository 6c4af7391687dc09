import { loadShim, type ShimFiles } from './library.js';

/**
 * To be called right before `worker.terminate()` of a thread that hangs: its rings are silenced, so that no event can reach it while it
 * ends, which would abort the process. False when they were asleep, as they are where it hangs in something else, such as a timer: then
 * an event that its loop had taken up together with what hangs could not be taken back. One that may only be asleep is asked to end.
 */
export function silenceThread(threadId: number, files?: ShimFiles): boolean {
  return loadShim(files).quiet(threadId) === 1;
}

/** Closes the rings of a worker thread that has ended without closing them. Call it on the `exit` of the thread; gives their number. */
export function reapThread(threadId: number, files?: ShimFiles): number {
  return loadShim(files).reap(threadId);
}
