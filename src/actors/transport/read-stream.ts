import { type MillraceError, ProtocolError } from '../../errors.js';
import { messageOf } from '../../foreign.js';
import { limits } from '../../limits.js';
import type { AnyMethod, EnvelopeError } from '../../protocol/index.js';
import { type CallChain, chainIds, type StreamSink, type StreamSource } from '../kernel/index.js';
import type { Line } from './line.js';
import type { Perishable } from './waiting-frame.js';
import { fromWire } from './wire-errors.js';

/** How a stream that was opened over a link is known to it. */
export interface ReadStreamOptions {
  readonly correlation: number;
  readonly method: AnyMethod;
  /** Scheduler time after which it is of no use to open it. */
  readonly deadlineMs: number;
  readonly credit: number;
  readonly sink: StreamSink;
  /** Sends the OPEN, with what credit there is by now. */
  readonly open: () => void;
  /** It is read no more. */
  readonly left: (isKnownThere: boolean) => void;
}

/** The reader's end of a stream over a link: takes elements in order and once, asks again for those that were lost. */
export class ReadStream implements StreamSource, Perishable {
  readonly correlation: number;
  readonly method: AnyMethod;
  readonly deadlineMs: number;
  isSettled = false;
  readonly #line: Line;
  readonly #options: ReadStreamOptions;
  #credit: number;
  /** The credit that the other end was last told of. */
  #told: number;
  #received = 0;
  /** The other end has been heard. */
  #isConfirmed = false;
  /** The other end was told of a gap, and nothing has filled it since. */
  #isGapKnown = false;

  constructor(line: Line, options: ReadStreamOptions) {
    this.#line = line;
    this.#options = options;
    this.correlation = options.correlation;
    this.method = options.method;
    this.deadlineMs = options.deadlineMs;
    this.#credit = options.credit;
    this.#told = options.credit;
  }

  /** Something may be on its way that got lost. */
  get needsRepeat(): boolean {
    return !this.#isConfirmed || this.#received < this.#credit;
  }

  grant(credit: number, chain: CallChain | undefined): void {
    this.#credit = credit;
    // Where the OPEN may not have arrived yet the credit goes when something is heard, or with the next OPEN.
    if (this.#isConfirmed || this.#line.isReliable) {
      this.#tell(false, chain);
    }
    this.#line.repeatLater();
  }

  get credit(): number {
    return this.#credit;
  }

  open(): void {
    this.#told = this.#credit;
    this.#options.open();
  }

  cancel(): void {
    this.#leave(true);
  }

  /** The peer's bytes are decoded only when it is the element expected. */
  element(sequence: number, decode: () => unknown): void {
    this.#confirm();
    if (sequence < this.#received) {
      return;
    }
    if (sequence > this.#received) {
      this.#gap(`element ${sequence} came after ${this.#received}`);
      return;
    }
    const value = this.#decoded(decode);
    this.#received++;
    this.#isGapKnown = false;
    this.#options.sink.element(value);
  }

  /** True when it is at its end: all elements before it have come. */
  end(elements: number, error: EnvelopeError | undefined): boolean {
    this.#confirm();
    if (elements > this.#received) {
      this.#gap(`it ended after ${elements} elements, of which ${this.#received} came`);
      return false;
    }
    if (elements < this.#received) {
      this.#broken(`it ended after ${elements} elements, of which ${this.#received} came`);
    }
    this.#leave(false);
    if (error === undefined) {
      this.#options.sink.end();
    } else {
      this.#options.sink.fail(fromWire(error));
    }
    return true;
  }

  repeat(): void {
    if (!this.#isConfirmed) {
      this.open();
    } else if (this.#received < this.#credit) {
      this.#tell(true, undefined);
    }
  }

  fail(error: MillraceError): void {
    this.#options.sink.fail(error);
  }

  #leave(isKnownThere: boolean): void {
    this.isSettled = true;
    this.#options.left(isKnownThere);
  }

  #confirm(): void {
    if (!this.#isConfirmed) {
      this.#isConfirmed = true;
      if (this.#credit > this.#told) {
        this.#tell(false, undefined);
      }
    }
  }

  #decoded(decode: () => unknown): unknown {
    try {
      return decode();
    } catch (error) {
      this.#fail(error instanceof ProtocolError ? error : new ProtocolError(messageOf(error), { cause: error }));
      throw error;
    }
  }

  #gap(what: string): void {
    if (this.#line.isReliable) {
      this.#broken(what);
    }
    if (!this.#isGapKnown) {
      this.#isGapKnown = true;
      this.#tell(true, undefined);
    }
  }

  /** The peer says what cannot be: counted against the link. */
  #broken(what: string): never {
    const error = new ProtocolError(`${this.method.fullName} read from ${this.#line.address}: ${what}.`);
    this.#fail(error);
    throw error;
  }

  #fail(error: ProtocolError): void {
    this.#leave(true);
    this.#options.sink.fail(error);
  }

  #tell(hasGap: boolean, chain: CallChain | undefined): void {
    this.#told = this.#credit;
    const value = {
      stream: this.correlation,
      credit: this.#credit,
      received: this.#received,
      hasGap,
      chain: chainIds(chain).slice(0, limits.callChain),
    };
    this.#line.outgoing.say({ message: { case: 'streamCredit', value } }, this.method.lane);
    this.#line.written();
  }
}
