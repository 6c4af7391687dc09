/** Our listener among those of `exit`: one for a thread, whatever it opens, with what it calls. */
interface ExitListener {
  (): void;
  readonly [CALLS]: Set<() => void>;
}

const CALLS = Symbol.for('millrace.at-exit');

/**
 * Calls `run` right before this thread or process ends by itself, `process.exit` included. `run` must not wait: nothing asynchronous
 * happens after it. Returns what undoes that.
 */
export function atExit(run: () => void): () => void {
  const listener = process.listeners('exit').find(isOurs) ?? listen();
  const calls = listener[CALLS];
  calls.add(run);
  return () => {
    calls.delete(run);
    if (calls.size === 0) process.off('exit', listener);
  };
}

function isOurs(listener: object): listener is ExitListener {
  return CALLS in listener;
}

function listen(): ExitListener {
  const calls = new Set<() => void>();
  const listener = Object.assign(() => calls.forEach((call) => call()), { [CALLS]: calls } as const);
  process.on('exit', listener);
  return listener;
}
