import { AskAbortedError, AskTimeoutError, type MillraceError, ProtocolError, StoppedError } from '../../errors.js';
import { errorOf } from '../../foreign.js';
import type { AnyMethod } from '../../protocol/index.js';
import { ArrivingMessage, dropMessage } from './arriving-message.js';
import type { Reader } from './call.js';
import { CallChain } from './call-chain.js';
import { Deadline } from './deadlines.js';
import type { Kernel } from './kernel.js';
import type { Requests } from './requests.js';
import type { Stream, StreamSink, StreamSource } from './stream.js';
import type { StreamCall } from './stream-call.js';

/** Opens the stream at the actor. An error that it throws fails the stream. */
export type OpenStream = (
  sink: StreamSink,
  call: StreamCall,
  start: { readonly deadlineMs: number; readonly credit: number },
) => StreamSource;

interface Waiting {
  readonly resolve: (result: IteratorResult<unknown, undefined> | Promise<IteratorResult<unknown, undefined>>) => void;
  readonly reject: (error: Error) => void;
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** The wait for one element. */
class ElementWait extends Deadline {
  private readonly onExpire: () => void;

  constructor(onExpire: () => void) {
    super(Number.POSITIVE_INFINITY);
    this.onExpire = onExpire;
  }

  override expire(): void {
    this.onExpire();
  }
}

/**
 * The reader's end of a stream, within the partition or over a link. Buffers the elements that have arrived, at most one window; grants
 * credit in steps of a quarter of the window.
 */
export class StreamReader implements Stream<unknown>, StreamSink, Reader {
  readonly method: AnyMethod;
  private readonly kernel: Kernel;
  private readonly call: StreamCall;
  private readonly open: OpenStream;
  /** The actor that serves it, for error messages. */
  private readonly target: { readonly path: string };
  /** The requests of its call. */
  private readonly requests: Requests | undefined;
  private source: StreamSource | undefined = undefined;
  private readonly elements: unknown[] = [];
  private readonly waiting: Waiting[] = [];
  private readonly wait = new ElementWait(() => this.expire());
  /** Calls of `next` that have got an element or wait for one. */
  private asked = 0;
  private granted = 0;
  private received = 0;
  private isOpened = false;
  /** The stream has ended. */
  private isOver = false;
  private error: Error | undefined = undefined;

  constructor(
    kernel: Kernel,
    method: AnyMethod,
    call: StreamCall,
    target: { readonly path: string },
    open: OpenStream,
    requests?: Requests,
  ) {
    this.kernel = kernel;
    this.method = method;
    this.call = call;
    this.target = target;
    this.open = open;
    this.requests = requests;
    requests?.onFailed((cause) => this.leave(errorOf(cause)));
  }

  /** The next read has its result already. */
  get isReady(): boolean {
    return this.elements.length > 0 || this.isOver;
  }

  /** The error with which the stream has ended. */
  get failure(): Error | undefined {
    return this.error;
  }

  [Symbol.asyncIterator](): Stream<unknown> {
    return this;
  }

  next(): Promise<IteratorResult<unknown, undefined>> {
    if (this.call.signal?.aborted === true) this.aborted();
    if (this.elements.length > 0) {
      const value = this.elements.shift();
      this.asked++;
      this.grant(undefined);
      return Promise.resolve(this.read(value));
    }
    if (this.isOver) return this.error === undefined ? Promise.resolve(DONE) : Promise.reject(this.error);
    this.asked++;
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      if (!this.isOpened) this.start();
      else {
        if (this.waiting.length === 1) this.waitFrom(this.kernel.scheduler.now(), Number.POSITIVE_INFINITY);
        const { running } = this.kernel;
        this.grant(running === undefined ? undefined : new CallChain(running, running.current?.chain));
      }
    });
  }

  return(): Promise<IteratorResult<unknown, undefined>> {
    this.leave(undefined);
    return Promise.resolve(DONE);
  }

  async throw(error?: unknown): Promise<IteratorResult<unknown, undefined>> {
    this.leave(undefined);
    throw error;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.leave(undefined);
  }

  /** The actor that reads the stream stops or restarts. */
  abandon(path: string): void {
    this.leave(new StoppedError(`${this.method.fullName}: ${path}, which reads the stream, has stopped or restarted`));
  }

  // ---- from the actor

  element(value: unknown): void {
    if (this.isOver) return dropMessage(value);
    if (this.received >= this.granted) {
      dropMessage(value);
      this.leave(new ProtocolError(`${this.method.fullName}: ${this.target.path} sent an element without credit`));
      return;
    }
    this.received++;
    const first = this.waiting.shift();
    if (first === undefined) {
      this.elements.push(value);
      return;
    }
    this.kernel.deadlines.remove(this.wait);
    if (this.waiting.length > 0) this.waitFrom(this.kernel.scheduler.now(), Number.POSITIVE_INFINITY);
    first.resolve(this.read(value));
    if (this.source?.consumed?.(this.received) === true) this.source.grant(this.granted, undefined);
  }

  /** What the reader gets of an element. One with large fields is read first: a stream fails where that is not possible. */
  private read(value: unknown): IteratorResult<unknown, undefined> | Promise<IteratorResult<unknown, undefined>> {
    if (!(value instanceof ArrivingMessage)) return { done: false, value };
    const opened = value.open().then(
      (message) => ({ done: false, value: message }) as const,
      (error: unknown) => {
        this.leave(errorOf(error));
        throw error;
      },
    );
    return opened.finally(() => value.dispose());
  }

  end(): void {
    this.finish(undefined);
  }

  /** Buffered elements are read first. */
  fail(error: MillraceError): void {
    this.finish(error);
  }

  // ---- ends that the reader causes

  private expire(): void {
    const { timeoutMs, untilMs } = this.call;
    const wait =
      untilMs <= this.kernel.scheduler.now()
        ? 'by the deadline of the call'
        : `within timeoutMs (${timeoutMs}); Infinity waits as long as the actor is alive`;
    this.leave(new AskTimeoutError(`${this.method.fullName}: no element arrived from ${this.target.path} ${wait}`));
  }

  /** The caller's signal was aborted. */
  aborted(): void {
    const cause: unknown = this.call.signal?.reason;
    this.leave(new AskAbortedError(`${this.method.fullName}: its reader has aborted the stream`, { cause }));
  }

  /** Stops reading: drops buffered elements, cancels the stream, and settles waiting calls with `error`. */
  private leave(error: Error | undefined): void {
    for (const element of this.elements.splice(0)) dropMessage(element);
    if (this.isOver) return;
    const { source } = this;
    this.finish(error);
    source?.cancel();
  }

  private start(): void {
    const { kernel, call } = this;
    const nowMs = kernel.scheduler.now();
    const deadlineMs = Math.min(nowMs + call.timeoutMs, call.openByMs, call.untilMs);
    if (deadlineMs <= nowMs) {
      this.expire();
      return;
    }
    this.isOpened = true;
    this.granted = call.windowItems;
    kernel.openStreams++;
    if (call.signal !== undefined) kernel.deadlines.signals.add(call.signal, this);
    this.waitFrom(nowMs, call.openByMs);
    try {
      call.caller?.reading(this);
      this.source = this.open(this, call, { deadlineMs, credit: this.granted });
    } catch (error) {
      this.finish(errorOf(error));
    }
  }

  private waitFrom(nowMs: number, openByMs: number): void {
    this.wait.deadlineMs = Math.min(nowMs + this.call.timeoutMs, openByMs, this.call.untilMs);
    if (this.wait.deadlineMs < Number.POSITIVE_INFINITY) this.kernel.deadlines.addWait(this.wait, nowMs);
  }

  /** `chain` is the chain of callers that wait for the next element, where it is known. */
  private grant(chain: CallChain | undefined): void {
    if (this.isOver) return;
    const { windowItems } = this.call;
    const credit = this.asked + windowItems - 1;
    // The credit held back is less than the window, so there is credit for every waiting `next`.
    const isDue = credit - this.granted >= Math.max(1, windowItems >> 2);
    if (isDue) this.granted = credit;
    const isWanted = this.source?.consumed?.(this.received - this.elements.length) === true;
    if (isDue || isWanted || chain !== undefined) this.source?.grant(this.granted, chain);
  }

  private finish(error: Error | undefined): void {
    if (this.isOver) return;
    this.isOver = true;
    this.error = error;
    if (this.isOpened) {
      this.kernel.openStreams--;
      this.kernel.deadlines.remove(this.wait);
      if (this.call.signal !== undefined) this.kernel.deadlines.signals.remove(this.call.signal, this);
      this.call.caller?.readNoMore(this);
    }
    this.requests?.close(error);
    for (const { resolve, reject } of this.waiting.splice(0)) {
      if (error === undefined) resolve(DONE);
      else reject(error);
    }
  }
}
