import { MillraceError, ProtocolError } from '../../errors.js';
import { messageOf } from '../../foreign.js';
import type { AnyMethod } from '../../protocol/index.js';
import { type AskOptions, type Deadlines, PendingAsk } from '../kernel/index.js';
import type { Line } from './line.js';
import type { Numbered } from './numbered.js';

/** An ask that waits for its reply over a link. */
export class RemoteAsk extends PendingAsk {
  readonly correlation: number;
  readonly #asks: Numbered<RemoteAsk>;
  readonly #line: Line;
  readonly #cUid: bigint;
  #aborted: (() => void) | undefined;

  constructor(
    asks: Numbered<RemoteAsk>,
    line: Line,
    cUid: bigint,
    deadlines: Deadlines,
    method: AnyMethod,
    deadlineMs: number,
    options: AskOptions | undefined,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
  ) {
    super(deadlines, method, deadlineMs, options, resolve, reject);
    this.correlation = asks.nextNumber();
    this.#asks = asks;
    this.#line = line;
    this.#cUid = cUid;
    asks.add(this);
  }

  override target(): string {
    return this.#line.pathOf(this.#cUid);
  }

  override reply(value: unknown): void {
    this.#asks.delete(this.correlation);
    super.reply(value);
  }

  override fail(error: MillraceError): void {
    this.#asks.delete(this.correlation);
    super.fail(error);
  }

  /** It is on its way: `aborted` is called when its caller gives it up. */
  sent(aborted: () => void): void {
    this.#aborted = aborted;
  }

  override aborted(): void {
    const wasWaiting = !this.isSettled;
    super.aborted();
    if (wasWaiting) {
      this.#aborted?.();
    }
  }

  /** It could not be sent. */
  cancel(error: unknown): void {
    this.fail(error instanceof MillraceError ? error : new ProtocolError(messageOf(error), { cause: error }));
  }
}
