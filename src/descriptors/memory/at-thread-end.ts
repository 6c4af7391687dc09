import { atExit } from '../../at-exit.js';

/**
 * Calls `run` before this worker thread ends by itself: what it had mapped and opened belongs to the process, and would stay. Nothing is called when
 * the process ends, because the kernel takes all back then. Returns a function that cancels the call.
 */
export function atThreadEnd(run: () => void): () => void {
  const { isMainThread } = process.getBuiltinModule('node:worker_threads');
  return isMainThread ? () => {} : atExit(run);
}
