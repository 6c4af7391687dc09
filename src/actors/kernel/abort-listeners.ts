/** What ends when a signal is aborted. */
export interface Abortable {
  /** The signal of the call was aborted. Must not throw. */
  aborted(): void;
}

/**
 * The calls that wait for signals. All calls that share a signal have one listener at it: Node warns of a leak at the eleventh. It is
 * taken off with the last of them.
 */
export class AbortListeners {
  readonly #waiting = new WeakMap<AbortSignal, SharedListener>();

  add(signal: AbortSignal, call: Abortable): void {
    let shared = this.#waiting.get(signal);
    if (shared === undefined) {
      shared = new SharedListener();
      this.#waiting.set(signal, shared);
      signal.addEventListener('abort', shared, { once: true });
    }
    shared.calls.add(call);
  }

  /** A call that does not wait for the signal is ignored. */
  remove(signal: AbortSignal, call: Abortable): void {
    const shared = this.#waiting.get(signal);
    if (shared === undefined || !shared.calls.delete(call) || shared.calls.size > 0) return;
    this.#waiting.delete(signal);
    signal.removeEventListener('abort', shared);
  }
}

class SharedListener {
  readonly calls = new Set<Abortable>();

  /** Called by the signal. Each call takes itself off. */
  handleEvent(): void {
    for (const call of this.calls) call.aborted();
  }
}
