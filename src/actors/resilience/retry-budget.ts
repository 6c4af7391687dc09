import { ConfigError } from '../../errors.js';

export interface RetryBudgetOptions {
  /** Repeats that may follow one another without a success. Default 10. */
  readonly tokens?: number | undefined;
  /** What a success gives back, in tokens. Default 0.1: one repeat for ten successes. */
  readonly perSuccess?: number | undefined;
}

/**
 * How many repeats one reference may make: each takes a token, and each success gives back a part of one. So an actor that fails for all of its callers
 * gets few more asks than without repeats. A token bucket, as gRPC throttles its retries.
 */
export class RetryBudget {
  readonly #most: number;
  readonly #perSuccess: number;
  #tokens: number;

  constructor({ tokens = 10, perSuccess = 0.1 }: RetryBudgetOptions = {}) {
    if (!(tokens >= 1) || !(perSuccess >= 0)) {
      throw new ConfigError(
        `budget of retrying needs tokens of at least 1 and perSuccess of at least 0, not ${tokens} and ${perSuccess}.`,
      );
    }
    this.#most = tokens;
    this.#perSuccess = perSuccess;
    this.#tokens = tokens;
  }

  succeeded(): void {
    this.#tokens = Math.min(this.#most, this.#tokens + this.#perSuccess);
  }

  /** False, and nothing is taken, when no whole token is left. */
  take(): boolean {
    // Tenths add up to a little less than one.
    if (this.#tokens < 1 - 1e-9) return false;
    this.#tokens = Math.max(0, this.#tokens - 1);
    return true;
  }
}
