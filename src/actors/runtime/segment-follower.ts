import { namedMessageOf } from '../../foreign.js';
import { limits } from '../../limits.js';
import type { Logger } from '../../logging/index.js';
import type { Empty, v1 } from '../../protocol/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import { retryAsk, State } from '../control-plane/index.js';
import type { ActorRef } from '../kernel/index.js';

type Manager = ActorRef<typeof v1.SegmentsManager>;

/**
 * Translates the requested states of segments into messages to the segments manager of their partition, one step after the other. Each
 * message is repeated until it is answered.
 */
export class SegmentFollower {
  readonly #scheduler: Scheduler;
  readonly #log: Logger;
  readonly #passed = new Map<number, State>();
  #steps: Promise<void> = Promise.resolve();

  constructor(scheduler: Scheduler, log: Logger) {
    this.#scheduler = scheduler;
    this.#log = log;
  }

  follow(manager: Manager, { id, requested }: v1.Resource, segment: v1.Segment): void {
    const passed = this.#passed.get(id) ?? State.INITIALIZED;
    if (requested <= passed) {
      return;
    }
    this.#passed.set(id, requested);
    if (passed < State.CREATED && requested < State.STOPPED) {
      this.#step(id, (options) => manager.register({ id, segment }, options));
    }
    if (passed < State.COMPLETED && requested === State.COMPLETED) {
      this.#step(id, (options) => manager.activate({ id }, options));
    }
    if (passed < State.STOPPED && requested === State.STOPPED) {
      this.#step(id, (options) => manager.stop({ id }, options));
    }
    if (requested === State.DESTROYED) {
      this.#step(id, (options) => manager.unregister({ id }, options));
    }
  }

  forget(id: number): void {
    this.#passed.delete(id);
  }

  #step(id: number, send: Parameters<typeof retryAsk<Empty>>[2]): void {
    this.#steps = this.#steps
      .then(async () => {
        await retryAsk(this.#scheduler, limits.controlPlaneTimeoutMs, send);
      })
      .catch((error: unknown) =>
        this.#log.warn('a request to a segments manager failed', { segment: id, error: namedMessageOf(error) }),
      );
  }
}
