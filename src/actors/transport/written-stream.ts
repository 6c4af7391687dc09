import { type MillraceError, ProtocolError } from '../../errors.js';
import { limits } from '../../limits.js';
import type { AnyMethod, v1 } from '../../protocol/index.js';
import { chainFrom, type StreamSink, type StreamSource } from '../kernel/index.js';
import type { Line } from './line.js';
import { toWire } from './wire-errors.js';

/**
 * The actor's end of a stream over a link: numbers the elements. On a link that may lose frames it keeps those that have not arrived,
 * to send them again, and its end until the reader has heard of it.
 */
export class WrittenStream implements StreamSink {
  readonly id: number;
  readonly #method: AnyMethod;
  readonly #line: Line;
  /** It has ended; what it was is not needed any more where the link is reliable. */
  readonly #ended: (stream: WrittenStream) => void;
  #source: StreamSource | undefined;
  #sent = 0;
  #isEnded = false;
  #error: MillraceError | undefined;
  /** The last elements sent; the first of them is number `#sent - length`. */
  readonly #unacknowledged: unknown[] = [];

  constructor(line: Line, id: number, method: AnyMethod, ended: (stream: WrittenStream) => void) {
    this.#line = line;
    this.id = id;
    this.#method = method;
    this.#ended = ended;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  attach(source: StreamSource): void {
    this.#source = source;
  }

  // ---- what the actor says

  element(value: unknown): void {
    this.#line.outgoing.element(this.#method, value, this.id, this.#sent);
    this.#sent++;
    if (!this.#line.isReliable) {
      this.#unacknowledged.push(value);
    }
    this.#line.written();
  }

  end(): void {
    this.#finish(undefined);
  }

  fail(error: MillraceError): void {
    this.#finish(error);
  }

  room(): Promise<void> | undefined {
    return this.#line.room();
  }

  // ---- what the reader says

  /** ProtocolError when it says what cannot be. */
  credit({ credit, received, hasGap, chain }: Omit<v1.StreamCredit, 'stream'>): void {
    if (received > this.#sent) {
      const text = `${received} elements of ${this.#method.fullName} have arrived, says the peer, of ${this.#sent} that were sent`;
      throw new ProtocolError(`${text}.`);
    }
    if (chain.length > limits.callChain) {
      throw new ProtocolError(`The call chain of a reader has more than ${limits.callChain} actors.`);
    }
    // Nothing when it is an old word that comes late.
    this.#unacknowledged.splice(0, Math.max(0, this.#unacknowledged.length - (this.#sent - received)));
    if (hasGap) {
      this.#sendAgain();
    }
    // What is kept stays bounded, whatever the credit.
    const bounded = this.#line.isReliable ? credit : Math.min(credit, received + limits.streamItems);
    this.#source?.grant(bounded, chainFrom(chain));
  }

  cancel(): void {
    this.#source?.cancel();
  }

  sayEnd(): void {
    const error = this.#error === undefined ? undefined : toWire(this.#error);
    const value = { stream: this.id, elements: this.#sent, error };
    this.#line.outgoing.say({ message: { case: 'streamEnd', value } }, this.#method.lane);
    this.#line.written();
  }

  #finish(error: MillraceError | undefined): void {
    this.#isEnded = true;
    this.#error = error;
    this.sayEnd();
    this.#ended(this);
  }

  #sendAgain(): void {
    const first = this.#sent - this.#unacknowledged.length;
    for (const [index, value] of this.#unacknowledged.entries()) {
      this.#line.outgoing.element(this.#method, value, this.id, first + index);
    }
    this.#line.written();
    if (this.#isEnded) {
      this.sayEnd();
    }
  }
}
