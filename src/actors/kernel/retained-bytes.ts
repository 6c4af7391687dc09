import { ConsumedError } from '../../errors.js';
import { callerIn } from '../../installation.js';
import type { Logger } from '../../logging/index.js';
import type { BorrowedBytes } from '../../protocol/index.js';

/** Memory that an actor has retained. */
export interface Retention {
  readonly isOver: boolean;
  /** Gives the memory back. Does nothing the second time. */
  end(): void;
}

interface Leak {
  readonly log: Logger;
  readonly sizeBytes: number;
  readonly origin: { readonly stack?: string };
}

/** The alarm for bytes that were retained and lost. */
const lost = new FinalizationRegistry<Leak>(({ log, sizeBytes, origin }) => {
  log.warn('retained bytes were lost without dispose: their memory is held until their actor stops', {
    sizeBytes,
    origin: callerIn(origin.stack),
  });
});

/**
 * Borrowed bytes that are kept after the handler that got them has settled. Made by `ctx.retain`. They are released by `dispose`, and when their
 * actor stops or restarts.
 *
 *     using kept = ctx.retain(frame.pixels);
 */
export class RetainedBytes implements Disposable {
  readonly sizeBytes: number;
  readonly #bytes: BorrowedBytes;
  readonly #retention: Retention;

  constructor(bytes: BorrowedBytes, retention: Retention, log: Logger) {
    this.#bytes = bytes;
    this.#retention = retention;
    this.sizeBytes = bytes.length;
    const origin: { readonly stack?: string } = {};
    // A trace refers to the objects in it, so this one must not be among them.
    Error.captureStackTrace(origin, RetainedBytes);
    lost.register(this, { log, sizeBytes: bytes.length, origin }, this);
  }

  get isDisposed(): boolean {
    return this.#retention.isOver;
  }

  /** Throws ConsumedError after `dispose`, and when the actor that has retained them has stopped or restarted. */
  get bytes(): BorrowedBytes {
    if (!this.isDisposed) return this.#bytes;
    throw new ConsumedError(
      `${this.sizeBytes} retained bytes were used after they had been disposed, or after their actor had stopped or restarted.`,
    );
  }

  /** Memory of its own. Throws ConsumedError as `bytes`. */
  copy(): Uint8Array {
    return this.bytes.slice();
  }

  /** Does nothing the second time. */
  dispose(): void {
    lost.unregister(this);
    this.#retention.end();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
