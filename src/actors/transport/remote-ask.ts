import { MillraceError, ProtocolError, UnreachableError } from '../../errors.js';
import { messageOf } from '../../foreign.js';
import type { AnyMethod } from '../../protocol/index.js';
import { type AskOptions, type Deadlines, PendingAsk } from '../kernel/index.js';
import type { PeerLink } from './peer-link.js';
import type { CorrelationTable } from './correlation-table.js';

/** An ask that waits for its reply over a link. */
export class RemoteAsk extends PendingAsk {
  readonly correlation: number;
  readonly #asks: CorrelationTable<RemoteAsk>;
  readonly #peer: PeerLink;
  readonly #cUid: bigint;
  #aborted: (() => void) | undefined;

  constructor(
    asks: CorrelationTable<RemoteAsk>,
    peer: PeerLink,
    cUid: bigint,
    deadlines: Deadlines,
    method: AnyMethod,
    deadlineMs: number,
    options: AskOptions | undefined,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
  ) {
    super(deadlines, method, deadlineMs, options, resolve, reject);
    this.correlation = asks.nextCorrelation();
    this.#asks = asks;
    this.#peer = peer;
    this.#cUid = cUid;
    asks.add(this);
  }

  override target(): string {
    return this.#peer.pathOf(this.#cUid);
  }

  /** An ask whose link was not open by its deadline was never sent. */
  override expire(): void {
    const { opening } = this.#peer;
    if (opening === undefined) return super.expire();
    const what = `${this.method.fullName} asked of ${this.target()} was not sent by its deadline`;
    this.fail(new UnreachableError(`${what}: ${opening}.`, { isUnsent: true }));
  }

  /** Resolves with the decoded message. */
  reply(response: unknown): void {
    this.#asks.delete(this.correlation);
    this.resolve(response);
  }

  override fail(error: MillraceError): void {
    this.#asks.delete(this.correlation);
    super.fail(error);
  }

  /** The ask was sent: `aborted` is called when its caller aborts it. */
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

  /** The ask could not be sent, or its link has ended. */
  cancel(error: unknown): void {
    this.fail(error instanceof MillraceError ? error : new ProtocolError(messageOf(error), { cause: error }));
  }
}
