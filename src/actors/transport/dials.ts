import { limits } from '../../limits.js';
import type { Scheduler } from '../../scheduler/index.js';
import type { Link, Transport } from '../../transport/index.js';

/** A dial that takes longer has lost what it has sent, in ms: TCP sends it again after this time first, and after ever longer ones. */
const SLOW_MS = 1_000;

interface Dial {
  readonly sinceMs: number;
  readonly abort: AbortController;
}

/**
 * The dials that go on. What one has sent into a cut is lost, and is sent again with growing pauses, also when the cut has healed meanwhile. So a
 * dial that takes long is made anew when its peer shows, by another link, that it can be reached.
 */
export class Dials<Channel extends object> {
  readonly #transport: Pick<Transport, 'connect'>;
  readonly #scheduler: Pick<Scheduler, 'now'>;
  readonly #running = new Map<Channel, Dial>();

  constructor(transport: Pick<Transport, 'connect'>, scheduler: Pick<Scheduler, 'now'>) {
    this.#transport = transport;
    this.#scheduler = scheduler;
  }

  /** Rejects as `Transport.connect` does. */
  async connect(channel: Channel, address: string): Promise<Link> {
    for (;;) {
      const dial = { sinceMs: this.#scheduler.now(), abort: new AbortController() };
      this.#running.set(channel, dial);
      try {
        const { signal } = dial.abort;
        return await this.#transport.connect(address, { timeoutMs: limits.connectTimeoutMs, signal });
      } catch (error) {
        if (!dial.abort.signal.aborted) throw error;
      } finally {
        this.#running.delete(channel);
      }
    }
  }

  /** The peer of this channel has opened another link. Does nothing where the channel does not dial, or has only begun to. */
  reached(channel: Channel): void {
    const dial = this.#running.get(channel);
    if (dial !== undefined && this.#scheduler.now() - dial.sinceMs >= SLOW_MS) dial.abort.abort();
  }
}
