import type { Scheduler } from '../../scheduler/index.js';

/** A channel with open frames. */
interface Flushed {
  readonly closed: Error | undefined;
  flush(): void;
  /** The flush has thrown. */
  flushFailed(cause: unknown): void;
}

/**
 * Hands the open frames of all channels to their links, and flushes all links to the network together. The first writes of a turn of the
 * event loop are sent at once; later writes of that turn wait for its end. Otherwise each element of a stream, which one promise after
 * another produces, would have a frame of its own.
 */
export class FlushTurns<Channel extends Flushed> {
  readonly #scheduler: Scheduler;
  readonly #flushNetwork: () => void;
  #channels = new Set<Channel>();
  #isPlanned = false;
  /** A flush has run in this turn of the event loop. */
  #hasFlushed = false;
  readonly #turnEnded = (): void => {
    this.#hasFlushed = false;
    if (this.#isPlanned) this.flush();
  };

  constructor(scheduler: Scheduler, flushNetwork: () => void) {
    this.#scheduler = scheduler;
    this.#flushNetwork = flushNetwork;
  }

  /** The channel has open frames. */
  plan(channel: Channel): void {
    this.#channels.add(channel);
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    if (!this.#hasFlushed) this.#scheduler.schedule(() => this.flush());
  }

  forget(channel: Channel): void {
    this.#channels.delete(channel);
  }

  flush(): void {
    this.#isPlanned = false;
    if (!this.#hasFlushed) {
      this.#hasFlushed = true;
      this.#scheduler.scheduleYield(this.#turnEnded);
    }
    const channels = this.#channels;
    // What a channel writes while it is flushed is sent by the next flush.
    this.#channels = new Set();
    for (const channel of channels) if (channel.closed === undefined) flush(channel);
    this.#flushNetwork();
  }
}

/** A channel that fails keeps no other from its flush. */
function flush(channel: Flushed): void {
  try {
    channel.flush();
  } catch (cause) {
    channel.flushFailed(cause);
  }
}
