import { type MillraceError, ProtocolError } from '../../errors.js';
import { messageOf } from '../../foreign.js';
import { limits } from '../../limits.js';
import type { AnyMethod, EnvelopeError, EnvelopeView } from '../../protocol/index.js';
import { ElementOrder } from '../flow/index.js';
import { type CallChain, chainIds, type StreamSink, type StreamSource } from '../kernel/index.js';
import type { ArrivingFields } from './arriving-fields.js';
import type { PeerLink } from './peer-link.js';
import type { Expirable } from './queued-frame.js';
import type { StreamWindow } from './stream-window.js';
import { fromWire } from '../../protocol/errors/index.js';

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
  /** It has credit to send: calls `sendOwed` before the next flush of the link. */
  readonly owes: (stream: ReadStream) => void;
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
  readonly #order = new ElementOrder();
  /** Something of this stream has arrived from the peer. */
  #isConfirmed = false;
  /** Its credit will be sent before the next flush. */
  #isOwed = false;
  /** The actors that wait for an element, of which the peer was not told. */
  #owedChain: readonly bigint[] = [];

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
    return !this.#isConfirmed || this.#order.received < this.#credit;
  }

  get opening(): string | undefined {
    return this.#peer.opening;
  }

  consumed(elements: number): boolean {
    return !this.isSettled && this.#options.window.taken(elements);
  }

  grant(credit: number, chain: CallChain | undefined): void {
    this.#credit = credit;
    // Where the OPEN may not have arrived yet, the credit is sent when something arrives, or with the next OPEN.
    if (this.#isConfirmed || this.#peer.isReliable) this.#owe(chainIds(chain));
    this.#peer.repeatLater();
  }

  /** Credit beyond what the peer can use now is sent once for all elements of a turn. */
  #owe(chain: readonly bigint[]): void {
    this.#owedChain = this.#owedChain.length === 0 ? chain : [...new Set([...this.#owedChain, ...chain])];
    if (this.#order.received >= this.#grantedCredit) this.#sendCredit(false);
    else if (!this.#isOwed) {
      this.#isOwed = true;
      this.#options.owes(this);
    }
  }

  sendOwed(): void {
    if (this.#isOwed && !this.isSettled) this.#sendCredit(false);
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
    const place = this.#order.placeOf(sequence);
    if (place === 'gap') this.#gap(`element ${sequence} arrived after ${this.#order.received}`);
    if (place !== 'next') return;
    if (!this.#options.window.received(sizeBytes)) {
      this.#failProtocol(`element ${sequence} was sent without credit for its bytes`);
    }
    const value = this.#decoded(decode);
    this.#order.accept();
    this.#options.sink.element(value);
  }

  /** An element whose large fields came beside it. They count as if they had come in it. */
  arriving({ sequence, valueBytes }: EnvelopeView, receive: () => ArrivingFields): void {
    const value = this.#decoded(receive);
    let isAccepted = false;
    const accept = (): ArrivingFields => {
      isAccepted = true;
      return value;
    };
    try {
      this.element(sequence, valueBytes + value.sizeBytes, accept);
    } finally {
      if (!isAccepted) value.dispose();
    }
  }

  /** True when the stream has ended: all elements have arrived. */
  end(elements: number, error: EnvelopeError | undefined): boolean {
    this.#confirm();
    const { received } = this.#order;
    switch (this.#order.placeOf(elements)) {
      case 'gap':
        this.#gap(`it ended after ${elements} elements, of which ${received} arrived`);
        return false;
      case 'repeat':
        return this.#failProtocol(`it ended after ${elements} elements, but ${received} arrived`);
      case 'next':
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
    } else if (this.#order.received < this.#credit) {
      this.#sendCredit(true);
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
        this.#sendCredit(false);
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
    if (this.#order.noteGap()) this.#sendCredit(true);
  }

  /** The peer violates the protocol: fails the stream, and throws, so that it counts against the link. */
  #failProtocol(what: string): never {
    const error = new ProtocolError(`${this.method.fullName} read from ${this.#peer.name.text}: ${what}.`);
    this.#fail(error);
    throw error;
  }

  #fail(error: ProtocolError): void {
    this.#close(true);
    this.#options.sink.fail(error);
  }

  #sendCredit(hasGap: boolean): void {
    const chain = this.#owedChain;
    this.#isOwed = false;
    this.#owedChain = [];
    this.#grantedCredit = this.#credit;
    this.#options.window.grant();
    const value = {
      stream: this.correlation,
      credit: this.#credit,
      creditBytes: this.#options.window.granted,
      received: this.#order.received,
      hasGap,
      chain: chain.slice(0, limits.linkCallChain),
    };
    this.#peer.outgoing.sendControl({ message: { case: 'streamCredit', value } }, this.method.lane);
    this.#peer.written();
  }
}
