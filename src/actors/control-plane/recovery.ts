import { Deferred } from '../../deferred.js';
import { limits } from '../../limits.js';
import { type Context, type Later, later } from '../kernel/index.js';

/**
 * The time after a control plane has started anew, in which the processes of the cluster announce what they have. What depends on all of
 * them waits until it is over: otherwise a process that has not announced itself yet would be taken for one that has ended.
 */
export class Recovery {
  readonly #context: Context;
  readonly #over: () => void;
  #running: Deferred<void> | undefined;

  /** `over` is called when it is over, before what waits for that goes on. */
  constructor(context: Context, over: () => void) {
    this.#context = context;
    this.#over = over;
  }

  begin(): void {
    const running = new Deferred<void>();
    this.#running = running;
    this.#context.log.info('the control plane has started anew: the processes of the cluster announce what they have');
    this.#context.after(limits.recoveryMs, () => {
      this.#running = undefined;
      this.#over();
      running.resolve();
    });
  }

  /** Does the work when the recovery is over: now, where none is running. */
  after<T>(work: () => T): T | Later<T> {
    return this.#running === undefined ? work() : later(this.#running.promise.then(work));
  }

  /** As `after`, for work that waits. */
  async waited<T>(work: () => Promise<T>): Promise<T> {
    await this.#running?.promise;
    return work();
  }
}
