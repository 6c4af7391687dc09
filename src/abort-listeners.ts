/** A call that ends when its signal is aborted. */
export interface Abortable {
  /** The signal of the call was aborted. Must not throw. */
  aborted(): void;
}

/**
 * The calls that listen to abort signals. All calls with the same signal share one listener, because Node warns of a leak at the eleventh.
 * The listener is removed with the last call.
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

  /** Called by the signal. Each call removes itself. */
  handleEvent(): void {
    for (const call of this.calls) call.aborted();
  }
}
