import { type MillraceError, ProtocolError } from '../../errors.js';
import { messageOf } from '../../foreign.js';
import { limits } from '../../limits.js';
import type { AnyMethod, EnvelopeError, EnvelopeView } from '../../protocol/index.js';
import { type CallChain, chainIds, type StreamSink, type StreamSource } from '../kernel/index.js';
import type { ArrivingFields } from './arriving-fields.js';
import type { PeerLink } from './peer-link.js';
import type { Expirable } from './queued-frame.js';
import type { StreamWindow } from './stream-window.js';
import { fromWire } from './wire-errors.js';

/** A stream that is read over a link. */
export interface ReadStreamOptions {
  readonly correlation: number;
  readonly method: AnyMethod;
  /** Scheduler time after which the stream is not opened any more. */
  readonly deadlineMs: number;
  readonly credit: number;
  readonly window: StreamWindow;
  readonly sink: StreamSink;
  /** Sends the OPEN, with the current credit. */
  readonly open: () => void;
  /** Called when the stream is not read any more. */
  readonly closed: (isKnownToPeer: boolean) => void;
}

/** The reader's end of a stream over a link: accepts each element once and in order, and requests lost ones again. */
export class ReadStream implements StreamSource, Expirable {
  readonly correlation: number;
  readonly method: AnyMethod;
  readonly deadlineMs: number;
  isSettled = false;
  readonly #peer: PeerLink;
  readonly #options: ReadStreamOptions;
  #credit: number;
  /** The credit that was last sent to the peer. */
  #grantedCredit: number;
  #received = 0;
  /** Something of this stream has arrived from the peer. */
  #isConfirmed = false;
  /** The gap was reported to the peer, and nothing has filled it since. */
  #isGapKnown = false;

  constructor(peer: PeerLink, options: ReadStreamOptions) {
    this.#peer = peer;
    this.#options = options;
    this.correlation = options.correlation;
    this.method = options.method;
    this.deadlineMs = options.deadlineMs;
    this.#credit = options.credit;
    this.#grantedCredit = options.credit;
  }

  /** Something may have been lost on the way. */
  get needsRepeat(): boolean {
    return !this.#isConfirmed || this.#received < this.#credit;
  }

  consumed(elements: number): boolean {
    return !this.isSettled && this.#options.window.taken(elements);
  }

  grant(credit: number, chain: CallChain | undefined): void {
    this.#credit = credit;
    // Where the OPEN may not have arrived yet, the credit is sent when something arrives, or with the next OPEN.
    if (this.#isConfirmed || this.#peer.isReliable) {
      this.#sendCredit(false, chain);
    }
    this.#peer.repeatLater();
  }

  get credit(): number {
    return this.#credit;
  }

  get creditBytes(): number {
    return this.#options.window.granted;
  }

  open(): void {
    this.#grantedCredit = this.#credit;
    this.#options.open();
  }

  cancel(): void {
    this.#close(true);
  }

  /** The bytes are decoded only when this is the expected element. */
  element(sequence: number, sizeBytes: number, decode: () => unknown): void {
    this.#confirm();
    if (sequence < this.#received) {
      return;
    }
    if (sequence > this.#received) {
      this.#gap(`element ${sequence} arrived after ${this.#received}`);
      return;
    }
    if (!this.#options.window.received(sizeBytes)) {
      this.#failProtocol(`element ${sequence} was sent without credit for its bytes`);
    }
    const value = this.#decoded(decode);
    this.#received++;
    this.#isGapKnown = false;
    this.#options.sink.element(value);
  }

  /** An element whose large fields came beside it. They count as if they had come in it. */
  arriving({ sequence, valueBytes }: EnvelopeView, receive: () => ArrivingFields): void {
    const value = this.#decoded(receive);
    try {
      this.element(sequence, valueBytes + value.sizeBytes, () => value);
    } catch (error) {
      value.dispose();
      throw error;
    }
  }

  /** True when the stream has ended: all elements have arrived. */
  end(elements: number, error: EnvelopeError | undefined): boolean {
    this.#confirm();
    if (elements > this.#received) {
      this.#gap(`it ended after ${elements} elements, of which ${this.#received} arrived`);
      return false;
    }
    if (elements < this.#received) {
      this.#failProtocol(`it ended after ${elements} elements, but ${this.#received} arrived`);
    }
    this.#close(false);
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
      this.#sendCredit(true, undefined);
    }
  }

  /** The link has ended. */
  fail(error: MillraceError): void {
    this.isSettled = true;
    this.#options.window.close();
    this.#options.sink.fail(error);
  }

  #close(isKnownToPeer: boolean): void {
    this.isSettled = true;
    this.#options.window.close();
    this.#options.closed(isKnownToPeer);
  }

  #confirm(): void {
    if (!this.#isConfirmed) {
      this.#isConfirmed = true;
      if (this.#credit > this.#grantedCredit) {
        this.#sendCredit(false, undefined);
      }
    }
  }

  #decoded<T>(decode: () => T): T {
    try {
      return decode();
    } catch (error) {
      this.#fail(error instanceof ProtocolError ? error : new ProtocolError(messageOf(error), { cause: error }));
      throw error;
    }
  }

  #gap(what: string): void {
    if (this.#peer.isReliable) {
      this.#failProtocol(what);
    }
    if (!this.#isGapKnown) {
      this.#isGapKnown = true;
      this.#sendCredit(true, undefined);
    }
  }

  /** The peer violates the protocol: fails the stream, and throws, so that it counts against the link. */
  #failProtocol(what: string): never {
    const error = new ProtocolError(`${this.method.fullName} read from ${this.#peer.address}: ${what}.`);
    this.#fail(error);
    throw error;
  }

  #fail(error: ProtocolError): void {
    this.#close(true);
    this.#options.sink.fail(error);
  }

  #sendCredit(hasGap: boolean, chain: CallChain | undefined): void {
    this.#grantedCredit = this.#credit;
    this.#options.window.grant();
    const value = {
      stream: this.correlation,
      credit: this.#credit,
      creditBytes: this.#options.window.granted,
      received: this.#received,
      hasGap,
      chain: chainIds(chain).slice(0, limits.linkCallChain),
    };
    this.#peer.outgoing.sendControl({ message: { case: 'streamCredit', value } }, this.method.lane);
    this.#peer.written();
  }
}
