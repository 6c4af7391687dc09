import { AskTimeoutError } from '../../errors.js';
import type { Ref } from '../../protocol/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import { type ControlPlaneClient, isLate } from '../control-plane/index.js';

/**
 * Looks names up, and passes over actors of processes that have ended: this process may have noticed that before the control plane, whose link to
 * them may live up to `linkDeadMs` longer.
 */
export class LivingHolder {
  readonly #client: Pick<ControlPlaneClient, 'lookup' | 'followName'>;
  readonly #scheduler: Scheduler;
  readonly #hasEnded: (ref: Ref) => Promise<boolean>;

  constructor(
    client: Pick<ControlPlaneClient, 'lookup' | 'followName'>,
    scheduler: Scheduler,
    hasEnded: (ref: Ref) => Promise<boolean>,
  ) {
    this.#client = client;
    this.#scheduler = scheduler;
    this.#hasEnded = hasEnded;
  }

  /** Rejects with AskTimeoutError when there is no actor of a living process by the deadline. */
  async lookup(name: string, service: string, timeoutMs: number, signal?: AbortSignal): Promise<Ref> {
    const deadlineMs = this.#scheduler.now() + timeoutMs;
    let ref = await this.#client.lookup(name, service, timeoutMs, signal);
    while (await this.#endsBy(ref, deadlineMs)) {
      const leftMs = deadlineMs - this.#scheduler.now();
      await this.#replaced(name, ref, leftMs);
      ref = await this.#client.lookup(name, service, Math.max(1, deadlineMs - this.#scheduler.now()), signal);
    }
    return ref;
  }

  /** Whether the process has ended; false where that is not known by the deadline. */
  #endsBy(ref: Ref, deadlineMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = this.#scheduler.setTimer(Math.max(0, deadlineMs - this.#scheduler.now()), () => resolve(false));
      const settle = (hasEnded: boolean): void => {
        this.#scheduler.clearTimer(timer);
        resolve(hasEnded);
      };
      this.#hasEnded(ref).then(settle, () => settle(false));
    });
  }

  /** Resolves when the name has another holder, or none. */
  async #replaced(name: string, ended: Ref, timeoutMs: number): Promise<void> {
    const late = new AbortController();
    const error = new AskTimeoutError(
      `the name "${name}" is that of an actor whose process has ended, and no other has got it within the time of the lookup: look it up again`,
    );
    const timer = this.#scheduler.setTimer(Math.max(0, timeoutMs), () => late.abort(error));
    try {
      for (;;) {
        try {
          await this.#client.followName(name, { ref: ended }, late.signal);
          return;
        } catch (cause) {
          if (late.signal.aborted) throw error;
          if (!isLate(cause)) throw cause;
        }
      }
    } finally {
      this.#scheduler.clearTimer(timer);
    }
  }
}
