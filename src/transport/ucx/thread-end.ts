import { loadShim, type ShimFiles } from './library.js';

/** Our listener among those of `exit`: one for a thread, whatever it opens, with what it stops. */
interface ExitListener {
  (): void;
  readonly [STOPS]: Set<() => void>;
}

const STOPS = Symbol.for('millrace.ucx.stops');

/**
 * A callback of libuv that comes while its thread ends calls into JavaScript that no longer runs, and aborts the whole process. So when
 * this thread ends by itself, `stop` is called before. Gives what undoes that.
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
