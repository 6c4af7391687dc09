import { loadShim, type ShimFiles } from './library.js';

/** Our `exit` listener: one per thread, with all the callbacks that it runs. */
interface ExitListener {
  (): void;
  readonly [STOPS]: Set<() => void>;
}

const STOPS = Symbol.for('millrace.ucx.stops');

/**
 * Calls `stop` before this thread ends by itself. A libuv callback during the end of its thread would call JavaScript that no longer
 * runs, and abort the whole process. Returns a function that removes the callback.
 */
export function beforeThreadEnds(stop: () => void): () => void {
  const listener = process.listeners('exit').find(isOurs) ?? listen();
  const stops = listener[STOPS];
  stops.add(stop);
  return () => {
    stops.delete(stop);
    if (stops.size === 0) process.off('exit', listener);
  };
}

function isOurs(listener: object): listener is ExitListener {
  return STOPS in listener;
}

function listen(): ExitListener {
  const stops = new Set<() => void>();
  const listener = Object.assign(() => stops.forEach((stop) => stop()), { [STOPS]: stops } as const);
  process.on('exit', listener);
  return listener;
}

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
