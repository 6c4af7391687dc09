import type { v1 } from '../../protocol/index.js';
import type { Scheduler } from '../../scheduler/index.js';

/** The clocks of two hosts run apart by less than this part: 0.1 ms a second. */
const DRIFT = 1e-4;
/** A frame that was on its way for longer makes the estimate doubtful, in ms. */
const DOUBT_MS = 20;
/** Shortest time between two pings, in ms. */
const PING_MS = 1_000;
/** Shortest time between two pongs, in ms: a flood of pings is answered as one. */
const PONG_MS = 1;

/**
 * An estimate of the peer's clock, which tells how long frames were on their way: in buffers, in a network that was cut, in a process
 * that was stopped. `offset` is this clock minus the peer's. It is not known exactly, but each frame that says when it was sent bounds it:
 *
 *     received - sent  =  offset + time on the way  >=  offset
 *
 * The smallest difference so far is the bound. A frame was on its way for at least as long as its own difference exceeds the bound, and
 * for at most the least time that any frame takes in addition. So a message is never taken for later than it is. The bound grows by
 * `DRIFT`, and follows a peer whose clock runs fast at once.
 *
 * When the peer's host was suspended, its clock falls back, and all its frames seem late. So a frame that seems late is checked with a
 * ping: the pong's time was read after the ping had left, which bounds the offset from below. A bound that contradicts it is dropped.
 */
export class PeerClock {
  readonly #scheduler: Pick<Scheduler, 'now'>;
  readonly #send: (message: v1.LinkMessageInit) => void;
  #boundMs = Number.POSITIVE_INFINITY;
  /** When the bound was found. */
  #boundAtMs = 0;
  #pingMs = Number.NEGATIVE_INFINITY;
  #pongMs = Number.NEGATIVE_INFINITY;

  constructor(scheduler: Pick<Scheduler, 'now'>, send: (message: v1.LinkMessageInit) => void) {
    this.#scheduler = scheduler;
    this.#send = send;
  }

  /** The least time that a frame was on its way, in ms. 0 for a `sentMs` that is no time. */
  onWayMs(sentMs: number, receivedMs: number): number {
    const wayMs = this.#learn(sentMs, receivedMs);
    if (wayMs > DOUBT_MS && receivedMs - this.#pingMs >= PING_MS) {
      this.#pingMs = receivedMs;
      this.#send({ message: { case: 'clockPing', value: { sentMs: receivedMs } } });
    }
    return wayMs;
  }

  onPing({ sentMs: pingMs }: v1.ClockPing): void {
    const sentMs = this.#scheduler.now();
    if (sentMs - this.#pongMs < PONG_MS) return;
    this.#pongMs = sentMs;
    this.#send({ message: { case: 'clockPong', value: { pingMs, sentMs } } });
  }

  /** A pong that answers no ping of this end is ignored. */
  onPong({ pingMs, sentMs }: v1.ClockPong): void {
    if (pingMs !== this.#pingMs || !Number.isFinite(sentMs)) return;
    const nowMs = this.#scheduler.now();
    if (this.#boundAt(nowMs) < pingMs - sentMs) this.#boundMs = Number.POSITIVE_INFINITY;
    this.#learn(sentMs, nowMs);
  }

  #boundAt(nowMs: number): number {
    return this.#boundMs + (nowMs - this.#boundAtMs) * DRIFT;
  }

  #learn(sentMs: number, receivedMs: number): number {
    if (!Number.isFinite(sentMs)) return 0;
    const differenceMs = receivedMs - sentMs;
    const wayMs = differenceMs - this.#boundAt(receivedMs);
    if (wayMs > 0) return wayMs;
    this.#boundMs = differenceMs;
    this.#boundAtMs = receivedMs;
    return 0;
  }
}
