import { namedMessageOf } from '../../../foreign.js';
import { limits } from '../../../limits.js';
import type { Logger } from '../../../logging/index.js';
import type { Ref, v1 } from '../../../protocol/index.js';
import type { Scheduler } from '../../../scheduler/index.js';
import { retryAsk } from '../../control-plane/index.js';
import type { ActorRef } from '../../kernel/index.js';

export interface HeldByHostOptions {
  readonly host: ActorRef<typeof v1.SpawnerHost>;
  readonly scheduler: Scheduler;
  readonly log: Logger;
  readonly ordinal: number;
  /** Of this process. */
  readonly incarnation: bigint;
}

/**
 * Tells the host of this partition which actors of other processes run here and end with their placers. What this process itself has placed, its
 * host knows.
 */
export class HeldByHost {
  readonly #options: HeldByHostOptions;

  constructor(options: HeldByHostOptions) {
    this.#options = options;
  }

  /**
   * Resolves when the host knows of the actor: only then may the actor, which could block this event loop, be started. Its result ends that.
   * Rejects when the host does not answer.
   */
  async hold(placer: Ref, id: number): Promise<() => void> {
    const { host, ordinal, incarnation, log } = this.#options;
    if (placer.incarnation === incarnation) return () => {};
    const held = { ordinal, placer, id };
    const release = (): void =>
      void this.#ask((ask) => host.release(held, ask)).catch((error: unknown) =>
        // The link to the host has ended: so does this partition.
        log.debug('the host was not told that a placed actor has ended', { id, error: namedMessageOf(error) }),
      );
    try {
      await this.#ask((ask) => host.hold(held, ask));
    } catch (error) {
      release();
      throw error;
    }
    return release;
  }

  #ask<Reply>(send: Parameters<typeof retryAsk<Reply>>[2]): Promise<Reply> {
    return retryAsk(this.#options.scheduler, limits.controlPlaneTimeoutMs, send);
  }
}
