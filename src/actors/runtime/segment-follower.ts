import { UnreachableError } from '../../errors.js';
import { namedMessageOf } from '../../foreign.js';
import { limits } from '../../limits.js';
import type { Logger } from '../../logging/index.js';
import type { Empty, v1 } from '../../protocol/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import { isLate, retryAsk, State } from '../control-plane/index.js';
import { type ActorRef, Pauses } from '../kernel/index.js';

/** Time in ms before a request that did not reach its partition is sent again. */
const AGAIN_MS = 100;

type Manager = ActorRef<typeof v1.SegmentsManager>;

export interface FollowerOptions {
  readonly scheduler: Scheduler;
  readonly log: Logger;
  /** The runtime is ending: what cannot be sent is not sent again. */
  readonly isEnding: () => boolean;
  /** Told of segments that are to stop, so that a partition that hangs holds up no run. */
  readonly partitions: {
    stopping(ordinal: number, segment: number): void;
    gone(segment: number): void;
  };
}

interface Followed {
  readonly partition: number;
  /** The last that its partition was asked for. */
  state: State;
}

/**
 * Translates the requested states of segments into messages to the segments manager of their partition: for each partition one step after
 * the other, so that a partition that hangs holds up no other. Each message is repeated until it is answered.
 */
export class SegmentFollower {
  readonly #options: FollowerOptions;
  readonly #followed = new Map<number, Followed>();
  /** The last step of each partition that has steps to take. */
  readonly #steps = new Map<number, Promise<void>>();
  readonly #pauses: Pauses;

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.#pauses = new Pauses(options.scheduler);
  }

  follow(manager: Manager, { id, requested }: v1.Resource, segment: v1.Segment): void {
    const { partition } = segment;
    const followed = this.#followed.get(id) ?? { partition, state: State.INITIALIZED };
    const { state } = followed;
    if (requested <= state) {
      return;
    }
    followed.state = requested;
    this.#followed.set(id, followed);
    if (state < State.CREATED && requested < State.STOPPED) {
      this.#step(id, partition, (options) => manager.register({ id, segment }, options));
    }
    if (state < State.COMPLETED && requested === State.COMPLETED) {
      this.#step(id, partition, (options) => manager.activate({ id }, options));
    }
    if (state < State.STOPPED && requested >= State.STOPPED) {
      this.#options.partitions.stopping(partition, id);
    }
    if (state < State.STOPPED && requested === State.STOPPED) {
      this.#step(id, partition, (options) => manager.stop({ id }, options));
    }
    if (requested === State.DESTROYED) {
      this.#step(id, partition, (options) => manager.unregister({ id }, options));
    }
  }

  /** The partition of a segment that was not told to end; undefined for any other. */
  partitionOf(id: number): number | undefined {
    const followed = this.#followed.get(id);
    return followed === undefined || followed.state >= State.DESTROYED ? undefined : followed.partition;
  }

  /** Ends a segment that nobody requests anything of any more. */
  end(id: number, manager: Manager): void {
    const followed = this.#followed.get(id);
    if (followed === undefined) return;
    const { scheduler, log } = this.#options;
    retryAsk(scheduler, limits.controlPlaneTimeoutMs, (options) => manager.unregister({ id }, options)).catch(
      (error: unknown) => log.debug('a segment was not ended', { segment: id, error: namedMessageOf(error) }),
    );
  }

  forget(id: number): void {
    this.#followed.delete(id);
    this.#options.partitions.gone(id);
  }

  /** Nothing is sent again any more. */
  close(): void {
    this.#pauses.end();
  }

  /** False where its partition could not be reached: unless that is gone, the request must reach it, or its pipeline waits for ever. */
  async #isSent(id: number, send: Parameters<typeof retryAsk<Empty>>[2]): Promise<boolean> {
    const { scheduler, log, isEnding } = this.#options;
    try {
      await retryAsk(scheduler, limits.controlPlaneTimeoutMs, send);
      return true;
    } catch (error) {
      if (isEnding() || !(isLate(error) || error instanceof UnreachableError)) throw error;
      log.debug('a request to a segments manager is sent again', { segment: id, error: namedMessageOf(error) });
      return false;
    }
  }

  #step(id: number, partition: number, send: Parameters<typeof retryAsk<Empty>>[2]): void {
    const { log } = this.#options;
    const before = this.#steps.get(partition) ?? Promise.resolve();
    const step = before
      .then(async () => {
        for (;;) {
          // Its partition is gone.
          if (!this.#followed.has(id) || this.#pauses.haveEnded) return;
          if (await this.#isSent(id, send)) return;
          await this.#pauses.pause(AGAIN_MS);
        }
      })
      .catch((error: unknown) => {
        if (!this.#followed.has(id)) return;
        log.warn('a request to a segments manager failed', { segment: id, error: namedMessageOf(error) });
      })
      .finally(() => {
        if (this.#steps.get(partition) === step) this.#steps.delete(partition);
      });
    this.#steps.set(partition, step);
  }
}
