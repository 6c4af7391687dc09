import { ResourceError } from '../../../errors.js';
import { reapThread, silenceThread } from '../../../transport/ucx/index.js';

/** Called before a thread is terminated: no event of its UCX rings may reach it while it ends. */
export function silenceRings(threadId: number): void {
  whereUcxIs(() => silenceThread(threadId));
}

/** Closes the UCX rings of a thread that has ended without closing them. */
export function reapRings(threadId: number): void {
  whereUcxIs(() => reapThread(threadId));
}

function whereUcxIs(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    // Without UCX the thread had no rings.
    if (!(error instanceof ResourceError)) throw error;
  }
}
