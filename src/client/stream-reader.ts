import type { Abortable } from '../abort-listeners.js';
import {
  AskAbortedError,
  AskTimeoutError,
  ConsumedError,
  type MillraceError,
  ProtocolError,
  UnreachableError,
} from '../errors.js';
import { RingQueue } from '../ring-queue.js';
import type { Timer } from '../scheduler/index.js';
import { failureOf } from './call-failure.js';
import { checkStreamOptions, type ClientStreamOptions } from './call-options.js';
import type { Frame, PendingCall } from './calls-in-flight.js';
import type { Session } from './session.js';
import { creditOf, nextGrant, type StreamProgress } from './stream-credit.js';

/**
 * The elements of a streaming rpc, or the messages of a topic; iterate it once. Sends nothing before the first `next`. Leaving the loop cancels it. When
 * the connection is lost it throws UnreachableError: what was missed nobody knows, so it is not opened again by itself.
 */
export interface ClientStream<Element> extends AsyncIterable<Element> {
  /** Of a topic: messages that this client was too slow for, as of the last one that has arrived. */
  readonly missed: number;
  next(): Promise<IteratorResult<Element, undefined>>;
  return(): Promise<IteratorResult<Element, undefined>>;
  throw(error?: unknown): Promise<IteratorResult<Element, undefined>>;
  [Symbol.asyncIterator](): ClientStream<Element>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** What is streamed: the frame that opens it, and what its elements mean. */
export interface StreamSource<Element> {
  /** For errors. */
  readonly what: string;
  open(call: number, credit: number, timeoutMs: number): Frame;
  /** Throws ProtocolError when the element is malformed. */
  read(message: Uint8Array): Element;
}

interface Waiting<Element> {
  readonly resolve: (result: IteratorResult<Element, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };
/** Time in which a stream that waits for ever for its elements must be opened at its actor, in ms. */
const OPENING_MS = 30_000;

/** Buffers at most one window of elements, and grants credit in steps of a quarter of it. Throws ConfigError for a wrong option. */
export class StreamReader<Element> implements ClientStream<Element>, PendingCall, Abortable {
  call = 0;
  readonly #session: Session;
  readonly #source: StreamSource<Element>;
  readonly #timeoutMs: number;
  readonly #windowItems: number;
  readonly #signal: AbortSignal | undefined;
  readonly #elements = new RingQueue<{ readonly value: Element }>();
  readonly #waiting = new RingQueue<Waiting<Element>>();
  #timer: Timer | undefined;
  #asked = 0;
  #granted = 0;
  #received = 0;
  #missed = 0;
  #isOpened = false;
  #isOver = false;
  #error: MillraceError | undefined;

  constructor(session: Session, source: StreamSource<Element>, options?: ClientStreamOptions) {
    this.#session = session;
    this.#source = source;
    const { timeoutMs, windowItems } = checkStreamOptions(source.what, options);
    this.#timeoutMs = timeoutMs;
    this.#windowItems = windowItems;
    this.#signal = options?.signal;
  }

  get missed(): number {
    return this.#missed;
  }

  [Symbol.asyncIterator](): ClientStream<Element> {
    if (this.#isOver && this.#error === undefined && this.#elements.size === 0) {
      throw new ConsumedError(
        `The stream of ${this.#source.what} has ended or was left, and a stream can be read once: make the call again.`,
      );
    }
    return this;
  }

  next(): Promise<IteratorResult<Element, undefined>> {
    if (this.#signal?.aborted === true) this.aborted();
    const first = this.#elements.shift();
    if (first !== undefined) {
      this.#asked++;
      this.#grant();
      return Promise.resolve({ done: false, value: first.value });
    }
    if (this.#isOver) return this.#error === undefined ? Promise.resolve(DONE) : Promise.reject(this.#error);
    this.#asked++;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      if (this.#waiting.size === 1) this.#startTimer();
      if (this.#isOpened) this.#grant();
      else this.#start();
    });
  }

  return(): Promise<IteratorResult<Element, undefined>> {
    this.#leave(undefined);
    return Promise.resolve(DONE);
  }

  async throw(error?: unknown): Promise<IteratorResult<Element, undefined>> {
    this.#leave(undefined);
    throw error;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#leave(undefined);
  }

  // ---- from the session

  open(call: number): Frame {
    this.#granted = creditOf(this.#progress);
    return this.#source.open(call, this.#granted, Math.ceil(Math.min(this.#timeoutMs, OPENING_MS)));
  }

  element(message: Uint8Array, missed: number): void {
    if (this.#received >= this.#granted) {
      this.#leave(new ProtocolError(`${this.#source.what}: the gateway sent an element without credit.`));
      return;
    }
    this.#received++;
    this.#missed = missed;
    let value: Element;
    try {
      value = this.#source.read(message);
    } catch (error) {
      this.#leave(failureOf(this.#source.what, error));
      return;
    }
    const first = this.#waiting.shift();
    if (first === undefined) {
      this.#elements.push({ value });
      return;
    }
    this.#stopTimer();
    if (this.#waiting.size > 0) this.#startTimer();
    this.#grant();
    first.resolve({ done: false, value });
  }

  reply(): void {
    this.fail(new ProtocolError(`${this.#source.what}: the gateway sent a reply where elements were expected.`));
  }

  end(): void {
    this.#finish(undefined);
  }

  fail(error: MillraceError): void {
    this.#finish(error);
  }

  // ---- ends that the reader causes

  aborted(): void {
    const cause: unknown = this.#signal?.reason;
    this.#leave(new AskAbortedError(`${this.#source.what}: its reader has aborted the stream.`, { cause }));
  }

  #start(): void {
    this.#isOpened = true;
    try {
      this.#session.call(this);
      if (this.#signal !== undefined) this.#session.signals.add(this.#signal, this);
    } catch (error) {
      this.#finish(failureOf(this.#source.what, error));
    }
  }

  get #progress(): StreamProgress {
    return {
      asked: this.#asked,
      received: this.#received,
      granted: this.#granted,
      windowItems: this.#windowItems,
    };
  }

  /** Before the call is sent, it has the credit of all that was asked for by then. */
  #grant(): void {
    if (this.#isOver || this.call === 0) return;
    const credit = nextGrant(this.#progress);
    if (credit === undefined) return;
    this.#granted = credit;
    this.#session.grant(this, credit);
  }

  #startTimer(): void {
    if (this.#timeoutMs === Number.POSITIVE_INFINITY) return;
    this.#timer = this.#session.clock.setTimer(this.#timeoutMs, () => this.#expire());
  }

  #stopTimer(): void {
    if (this.#timer !== undefined) this.#session.clock.clearTimer(this.#timer);
    this.#timer = undefined;
  }

  #expire(): void {
    const within = `within timeoutMs (${this.#timeoutMs})`;
    const { what } = this.#source;
    if (this.call === 0) {
      const why = `${what} was not opened ${within}: ${this.#session.whyUnsent()}`;
      this.#leave(new UnreachableError(why, { isUnsent: true }));
    } else {
      this.#leave(new AskTimeoutError(`${what}: no element arrived ${within}; Infinity waits as long as it takes.`));
    }
  }

  /** Buffered elements are dropped, and the actor is told. */
  #leave(error: MillraceError | undefined): void {
    this.#elements.clear();
    if (this.#isOver) return;
    this.#session.forget(this);
    this.#finish(error);
  }

  #finish(error: MillraceError | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#error = error;
    this.#stopTimer();
    if (this.#signal !== undefined) this.#session.signals.remove(this.#signal, this);
    for (const { resolve, reject } of this.#waiting.drain()) {
      if (error === undefined) resolve(DONE);
      else reject(error);
    }
  }
}
