import {
  AskAbortedError,
  AskTimeoutError,
  type MillraceError,
  ProtocolError,
  StoppedError,
  UnreachableError,
} from '../../errors.js';
import { errorOf } from '../../foreign.js';
import { RingQueue } from '../../ring-queue.js';
import type { AnyMethod } from '../../protocol/index.js';
import { ArrivingMessage, dropMessage } from './arriving-message.js';
import type { Reader } from './call.js';
import { CallChain } from './call-chain.js';
import { Deadline, type Deadlines, type LateWait } from './deadlines.js';
import type { Kernel } from './kernel.js';
import { lentMessage } from './lent-message.js';
import type { Requests } from './requests.js';
import { alreadyRead, type Stream, type StreamSink, type StreamSource } from './stream.js';
import type { OpenStream, StreamCall } from './stream-call.js';

interface Waiting {
  readonly resolve: (result: IteratorResult<unknown, undefined> | Promise<IteratorResult<unknown, undefined>>) => void;
  readonly reject: (error: Error) => void;
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** The wait for one element, and then for the next. */
class ElementWait extends Deadline implements LateWait {
  readonly #deadlines: Deadlines;
  readonly #call: StreamCall;
  readonly #onExpire: () => void;
  #isWaiting = false;
  #isLate = false;

  constructor(deadlines: Deadlines, call: StreamCall, onExpire: () => void) {
    super(Number.POSITIVE_INFINITY);
    this.#deadlines = deadlines;
    this.#call = call;
    this.#onExpire = onExpire;
  }

  /** An element is waited for from now on. */
  start(): void {
    this.#isWaiting = true;
    if (this.#isLate) return;
    this.#isLate = true;
    this.#deadlines.addLate(this);
  }

  stop(): void {
    this.#isWaiting = false;
    this.#deadlines.remove(this);
  }

  begin(nowMs: number): void {
    this.#isLate = false;
    if (this.#isWaiting) this.until(nowMs, Number.POSITIVE_INFINITY);
  }

  /** Waits from `nowMs` on, until `mostMs` at latest. */
  until(nowMs: number, mostMs: number): void {
    this.#isWaiting = true;
    this.deadlineMs = Math.min(nowMs + this.#call.timeoutMs, mostMs, this.#call.untilMs);
    if (this.deadlineMs < Number.POSITIVE_INFINITY) this.#deadlines.addWait(this, nowMs);
  }

  override expire(): void {
    this.#onExpire();
  }
}

/**
 * The reader's end of a stream, within the partition or over a link. Buffers the elements that have arrived, at most one window; grants
 * credit in steps of a quarter of the window.
 */
export class StreamReader implements Stream<unknown>, StreamSink, Reader {
  readonly method: AnyMethod;
  readonly isReadHere = true;
  readonly #kernel: Kernel;
  readonly #call: StreamCall;
  readonly #open: OpenStream;
  /** The actor that serves it, for error messages. */
  readonly #target: { readonly path: string };
  /** The requests of its call. */
  readonly #requests: Requests | undefined;
  #source: StreamSource | undefined = undefined;
  readonly #elements = new RingQueue<unknown>();
  readonly #waiting = new RingQueue<Waiting>();
  readonly #wait: ElementWait;
  /** Calls of `next` that have got an element or wait for one. */
  #asked = 0;
  #granted = 0;
  #received = 0;
  #isOpened = false;
  /** The stream has ended. */
  #isOver = false;
  /** The reader has left the stream: it uses no element any more. */
  #hasLeft = false;
  /** Elements whose fields are lent to the reader, until it asks for the next one. */
  readonly #lent: ArrivingMessage[] = [];
  #error: Error | undefined = undefined;

  constructor(
    kernel: Kernel,
    method: AnyMethod,
    call: StreamCall,
    target: { readonly path: string },
    open: OpenStream,
    requests?: Requests,
  ) {
    this.#kernel = kernel;
    this.method = method;
    this.#call = call;
    this.#wait = new ElementWait(kernel.deadlines, call, () => this.#expire());
    this.#target = target;
    this.#open = open;
    this.#requests = requests;
    requests?.onFailed((cause) => this.#leave(errorOf(cause)));
  }

  /** The next read has its result already. */
  get isReady(): boolean {
    return this.#elements.size > 0 || this.#isOver;
  }

  /** The error with which the stream has ended. */
  get failure(): Error | undefined {
    return this.#error;
  }

  [Symbol.asyncIterator](): Stream<unknown> {
    if (this.#isOver && this.#error === undefined && this.#elements.size === 0) throw alreadyRead(this.method);
    return this;
  }

  next(): Promise<IteratorResult<unknown, undefined>> {
    if (this.#call.signal?.aborted === true) this.aborted();
    if (this.#lent.length > 0) this.#giveBack();
    if (this.#elements.size > 0) {
      const value = this.#elements.shift();
      this.#asked++;
      this.#grant(undefined);
      return Promise.resolve(this.#read(value));
    }
    if (this.#isOver) return this.#error === undefined ? Promise.resolve(DONE) : Promise.reject(this.#error);
    this.#asked++;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      if (!this.#isOpened) this.#start();
      else {
        if (this.#waiting.size === 1) this.#wait.start();
        const { actor } = this.#kernel.turn;
        this.#grant(actor === undefined ? undefined : new CallChain(actor, actor.current?.chain));
      }
    });
  }

  return(): Promise<IteratorResult<unknown, undefined>> {
    this.#leave(undefined);
    return Promise.resolve(DONE);
  }

  async throw(error?: unknown): Promise<IteratorResult<unknown, undefined>> {
    this.#leave(undefined);
    throw error;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#leave(undefined);
  }

  /** The actor that reads the stream stops or restarts. */
  abandon(path: string): void {
    this.#leave(new StoppedError(`${this.method.fullName}: ${path}, which reads the stream, has stopped or restarted`));
  }

  // ---- from the actor

  element(given: unknown): void {
    if (this.#isOver) return dropMessage(given);
    const value = lentMessage(this.method.response, given, this.#kernel.holdBytes);
    if (this.#received >= this.#granted) {
      dropMessage(value);
      this.#leave(new ProtocolError(`${this.method.fullName}: ${this.#target.path} sent an element without credit`));
      return;
    }
    this.#received++;
    const first = this.#waiting.shift();
    if (first === undefined) {
      this.#elements.push(value);
      return;
    }
    this.#wait.stop();
    if (this.#waiting.size > 0) this.#wait.start();
    first.resolve(this.#read(value));
    if (this.#source?.consumed?.(this.#received) === true) this.#source.grant(this.#granted, undefined);
  }

  /** What the reader gets of an element. One with large fields is read first: a stream fails where that is not possible. */
  #read(value: unknown): IteratorResult<unknown, undefined> | Promise<IteratorResult<unknown, undefined>> {
    if (!(value instanceof ArrivingMessage)) return { done: false, value };
    return value.open(true).then(
      (message) => {
        // The stream has been left meanwhile: nobody would give it back.
        if (this.#hasLeft) value.dispose();
        else this.#lent.push(value);
        return { done: false, value: message } as const;
      },
      (error: unknown) => {
        value.dispose();
        this.#leave(errorOf(error));
        throw error;
      },
    );
  }

  /** The reader is done with the elements that it has. */
  #giveBack(): void {
    for (const element of this.#lent.splice(0)) element.dispose();
    if (this.#isOver && this.#isOpened) this.#call.caller?.readNoMore(this);
  }

  end(): void {
    this.#finish(undefined);
  }

  /** Buffered elements are read first. */
  fail(error: MillraceError): void {
    this.#finish(error);
  }

  // ---- ends that the reader causes

  #expire(): void {
    const { timeoutMs, untilMs } = this.#call;
    const what = `${this.method.fullName}: no element arrived from ${this.#target.path}`;
    const opening = this.#source?.opening;
    if (opening !== undefined) {
      this.#leave(new UnreachableError(`${what}, for the stream was not opened by its deadline: ${opening}.`));
      return;
    }
    const wait =
      untilMs <= this.#kernel.scheduler.now()
        ? 'by the deadline of the call'
        : `within timeoutMs (${timeoutMs}); Infinity waits as long as the actor is alive`;
    this.#leave(new AskTimeoutError(`${what} ${wait}`));
  }

  /** The caller's signal was aborted. */
  aborted(): void {
    const cause: unknown = this.#call.signal?.reason;
    this.#leave(new AskAbortedError(`${this.method.fullName}: its reader has aborted the stream`, { cause }));
  }

  /** Stops reading: drops buffered elements, cancels the stream, and settles waiting calls with `error`. */
  #leave(error: Error | undefined): void {
    for (const element of this.#elements.drain()) dropMessage(element);
    this.#hasLeft = true;
    this.#giveBack();
    if (this.#isOver) return;
    const source = this.#source;
    this.#finish(error);
    source?.cancel();
  }

  #start(): void {
    const kernel = this.#kernel;
    const call = this.#call;
    const nowMs = kernel.scheduler.now();
    const deadlineMs = Math.min(nowMs + call.timeoutMs, call.openByMs, call.untilMs);
    if (deadlineMs <= nowMs) {
      this.#expire();
      return;
    }
    this.#isOpened = true;
    this.#granted = call.windowItems;
    kernel.counters.streamOpened();
    if (call.signal !== undefined) kernel.deadlines.signals.add(call.signal, this);
    this.#wait.until(nowMs, call.openByMs);
    try {
      call.caller?.reading(this);
      this.#source = this.#open(this, call, { deadlineMs, credit: this.#granted });
    } catch (error) {
      this.#finish(errorOf(error));
    }
  }

  /** `chain` is the chain of callers that wait for the next element, where it is known. */
  #grant(chain: CallChain | undefined): void {
    if (this.#isOver) return;
    const { windowItems } = this.#call;
    const credit = this.#asked + windowItems - 1;
    // The credit held back is less than the window, so there is credit for every waiting `next`.
    const isDue = credit - this.#granted >= Math.max(1, windowItems >> 2);
    if (isDue) this.#granted = credit;
    const isWanted = this.#source?.consumed?.(this.#received - this.#elements.size) === true;
    if (isDue || isWanted || chain !== undefined) this.#source?.grant(this.#granted, chain);
  }

  #finish(error: Error | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#error = error;
    if (this.#isOpened) {
      this.#kernel.counters.streamEnded();
      this.#wait.stop();
      if (this.#call.signal !== undefined) this.#kernel.deadlines.signals.remove(this.#call.signal, this);
      if (this.#lent.length === 0) this.#call.caller?.readNoMore(this);
    }
    this.#requests?.close(error);
    for (const { resolve, reject } of this.#waiting.drain()) {
      if (error === undefined) resolve(DONE);
      else reject(error);
    }
  }
}
