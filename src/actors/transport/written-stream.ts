import { type MillraceError, ProtocolError } from '../../errors.js';
import { limits } from '../../limits.js';
import type { AnyMethod, v1 } from '../../protocol/index.js';
import { CreditTotals, SentElements } from '../flow/index.js';
import { chainFrom, type StreamSink, type StreamSource } from '../kernel/index.js';
import type { PeerLink } from './peer-link.js';
import { toWire } from '../../protocol/errors/index.js';

/**
 * The actor's end of a stream over a link: numbers the elements. On a link that may lose frames it keeps unacknowledged elements, to
 * send them again, and repeats its end until the reader confirms it.
 */
export class WrittenStream implements StreamSink {
  readonly id: number;
  readonly isReadHere: boolean;
  readonly #method: AnyMethod;
  readonly #peer: PeerLink;
  /** Called when the stream has ended. On a reliable link it can be dropped then. */
  readonly #ended: (stream: WrittenStream) => void;
  #source: StreamSource | undefined;
  #sent = 0;
  /** Encoded bytes of those elements. */
  #sentBytes = 0;
  readonly #credit: CreditTotals;
  #roomWaiter: (() => void) | undefined;
  #isEnded = false;
  #error: MillraceError | undefined;
  readonly #unacknowledged = new SentElements<unknown>();

  constructor(
    peer: PeerLink,
    id: number,
    method: AnyMethod,
    creditBytes: number,
    ended: (stream: WrittenStream) => void,
    isReadHere: boolean,
  ) {
    this.#peer = peer;
    this.isReadHere = isReadHere;
    this.id = id;
    this.#method = method;
    this.#credit = new CreditTotals({ items: 0, bytes: creditBytes });
    this.#ended = ended;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  attach(source: StreamSource): void {
    this.#source = source;
  }

  // ---- from the actor

  element(value: unknown): void {
    const sizeBytes = this.#send(value, this.#sent);
    this.#sent++;
    this.#sentBytes += sizeBytes;
    if (!this.#peer.isReliable) this.#unacknowledged.keep(value, sizeBytes);
    this.#peer.written();
  }

  end(): void {
    this.#finish(undefined);
  }

  fail(error: MillraceError): void {
    this.#finish(error);
  }

  room(): Promise<void> | undefined {
    if (this.#hasBytes) return this.#peer.room(this.id);
    return new Promise((resolve) => {
      this.#roomWaiter = resolve;
    });
  }

  /** The reader has bytes left. What is kept to be sent again is bounded, whatever the credit. */
  get #hasBytes(): boolean {
    return this.#credit.hasBytes(this.#sentBytes) && this.#unacknowledged.bytes < limits.streamBytes;
  }

  // ---- from the reader

  /** Throws ProtocolError for a credit that violates the protocol. */
  credit({ credit, creditBytes, received, hasGap, chain }: Omit<v1.StreamCredit, 'stream'>): void {
    if (received > this.#sent) {
      const text = `The peer acknowledges ${received} elements of ${this.#method.fullName}, but ${this.#sent} were sent.`;
      throw new ProtocolError(text);
    }
    if (chain.length > limits.linkCallChain) {
      throw new ProtocolError(`The call chain of a reader has more than ${limits.linkCallChain} actors.`);
    }
    if (!this.#peer.isReliable) this.#unacknowledged.arrived(received);
    this.#credit.grant({ items: credit, bytes: creditBytes });
    if (hasGap) {
      this.#sendAgain();
    }
    // Bounds the elements that are kept, whatever the credit.
    const bounded = this.#peer.isReliable ? credit : Math.min(credit, received + limits.streamItems);
    this.#source?.grant(bounded, chainFrom(chain));
    if (this.#hasBytes) {
      this.#continue();
    }
  }

  /** The generator waited for bytes, and goes on, or learns that the stream has ended. */
  #continue(): void {
    const resolve = this.#roomWaiter;
    this.#roomWaiter = undefined;
    resolve?.();
  }

  cancel(): void {
    this.#source?.cancel();
    this.#unacknowledged.forget();
    this.#continue();
  }

  sendEnd(): void {
    const error = this.#error === undefined ? undefined : toWire(this.#error);
    const value = { stream: this.id, elements: this.#sent, error };
    this.#peer.outgoing.endStream(value, this.#method.lane);
    this.#peer.written();
  }

  #send(value: unknown, sequence: number): number {
    const { outgoing } = this.#peer;
    return outgoing.element(this.#method, value, this.id, sequence, (error, unsent) => this.#cutOff(error, unsent));
  }

  /** There was no memory for an element: the stream ends before it. */
  #cutOff(error: MillraceError, unsent: number): void {
    this.#sent -= unsent;
    this.#finish(error);
    this.cancel();
  }

  #finish(error: MillraceError | undefined): void {
    this.#isEnded = true;
    this.#error = error;
    this.sendEnd();
    this.#ended(this);
  }

  #sendAgain(): void {
    for (const [sequence, value] of this.#unacknowledged) {
      this.#send(value, sequence);
    }
    this.#peer.written();
    if (this.#isEnded) {
      this.sendEnd();
    }
  }
}
