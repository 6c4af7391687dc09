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

  override isAskedOf(_path: string, cUid: bigint): boolean {
    return this.#cUid === cUid;
  }

  /** An ask whose link was not open by its deadline was never sent. */
  protected override lateError(): MillraceError {
    const { opening } = this.#peer;
    if (opening === undefined) return super.lateError();
    const what = `${this.method.fullName} asked of ${this.target()} was not sent by its deadline`;
    return new UnreachableError(`${what}: ${opening}.`, { isUnsent: true });
  }

  protected override whyLate(): string {
    const { waitingBytes } = this.#peer.lanes;
    return waitingBytes === 0
      ? 'it was sent: it may wait in the mailbox, or its handler may be slower than timeoutMs, or may have stashed it. millrace explain says what the actor does'
      : `it may not have been sent: ${waitingBytes} bytes wait on the link, because its other end does not take them`;
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
