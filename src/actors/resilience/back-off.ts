import { ConfigError } from '../../errors.js';

export interface BackOffOptions {
  /** Bound of the first pause in ms. Default 100. */
  readonly minMs?: number | undefined;
  /** Bound of all pauses in ms. Default 5 000. */
  readonly maxMs?: number | undefined;
  /** By which the bound grows each time. Default 2. */
  readonly factor?: number | undefined;
}

/** Pauses between attempts: a random part of a bound that grows ("full jitter"), so that callers who failed together do not return together. */
export class BackOff {
  readonly #minMs: number;
  readonly #maxMs: number;
  readonly #factor: number;

  constructor({ minMs = 100, maxMs = 5_000, factor = 2 }: BackOffOptions = {}) {
    const isValid = minMs > 0 && maxMs >= minMs && maxMs < Number.POSITIVE_INFINITY && factor >= 1;
    if (!isValid) {
      throw new ConfigError(
        `backOff of retrying needs 0 < minMs <= maxMs and factor >= 1, not minMs ${minMs}, maxMs ${maxMs}, factor ${factor}.`,
      );
    }
    this.#minMs = minMs;
    this.#maxMs = maxMs;
    this.#factor = factor;
  }

  /** The pause after attempt number `attempt`, from 1. `jitter` is in [0, 1). What the actor has asked for (`retryAfterMs`) is waited for first. */
  afterMs(attempt: number, jitter: number, retryAfterMs = 0): number {
    const boundMs = Math.min(this.#maxMs, this.#minMs * this.#factor ** (attempt - 1));
    return retryAfterMs + jitter * boundMs;
  }
}
