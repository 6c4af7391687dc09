import { MillraceError } from '../../errors.js';
import { limits } from '../../limits.js';
import { type AnyMethod, requestStreamOf } from '../../protocol/index.js';
import type { Handler } from './behavior.js';
import type { Actor } from './actor.js';
import type { Caller } from './call.js';
import type { Delivery } from './delivery.js';
import type { Kernel } from './kernel.js';
import { type ReleasedWork, releaseWork } from './released-work.js';
import type { Stream } from './stream.js';
import type { OpenStream } from './stream-call.js';
import { StreamReader } from './stream-reader.js';

/**
 * The requests of a call, as its handler reads them. While the handler waits for the next one, its actor handles other messages; it also
 * does so between two requests where messages wait.
 */
export class RequestReader implements Stream<unknown> {
  readonly #reader: StreamReader;
  /** The actor and the message whose handler reads. */
  #handled: { readonly cell: Actor; readonly call: Delivery } | undefined = undefined;
  #released: ReleasedWork | undefined = undefined;

  constructor(reader: StreamReader) {
    this.#reader = reader;
  }

  /** The handler of `call` reads from now on. */
  handledBy(cell: Actor, call: Delivery): void {
    this.#handled = { cell, call };
    cell.coldState().streams.calls.requests.set(call, this);
  }

  /** The error with which they have ended. */
  get failure(): Error | undefined {
    return this.#reader.failure;
  }

  next(): Promise<IteratorResult<unknown, undefined>> {
    const handled = this.#handled;
    const isReady = this.#reader.isReady;
    const step = this.#reader.next();
    if (handled === undefined || (isReady && !handled.cell.hasMessages)) return step;
    return this.#readAside(step, handled.cell, handled.call);
  }

  return(): Promise<IteratorResult<unknown, undefined>> {
    return this.#reader.return();
  }

  throw(error?: unknown): Promise<IteratorResult<unknown, undefined>> {
    return this.#reader.throw(error);
  }

  [Symbol.asyncIterator](): Stream<unknown> {
    this.#reader[Symbol.asyncIterator]();
    return this;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#reader[Symbol.asyncDispose]();
  }

  async #readAside(
    step: Promise<IteratorResult<unknown, undefined>>,
    cell: Actor,
    call: Delivery,
  ): Promise<IteratorResult<unknown, undefined>> {
    // The handler may have called this before its first `await`. From the next microtask on, its promise holds the mailbox.
    await Promise.resolve();
    if (this.#released?.isReleased !== true) this.#released = releaseWork(cell, this.#reader.method, call);
    try {
      return await step;
    } finally {
      await this.#released?.turn();
    }
  }
}

/** The requests of `method` for the handlers of `cell`. They are opened by the first read, and no read lasts past `deadlineMs`. */
export function readRequests(
  cell: Caller & { readonly kernel: Kernel },
  method: AnyMethod,
  open: OpenStream,
  deadlineMs: number,
): RequestReader {
  const call = {
    timeoutMs: Number.POSITIVE_INFINITY,
    windowItems: limits.rpcStreamItems,
    windowBytes: limits.rpcStreamBytes,
    openByMs: Number.POSITIVE_INFINITY,
    untilMs: deadlineMs,
    signal: undefined,
    chain: undefined,
    meta: undefined,
    caller: cell,
    trace: undefined,
  };
  const caller = { path: `the caller of ${method.fullName}` };
  return new RequestReader(new StreamReader(cell.kernel, requestStreamOf(method), call, caller, open));
}

/** A handler that reads its requests as that of the message being handled. */
export function readingHandler(cell: Actor, handler: Handler): Handler {
  return (state, requests, ctx) => {
    if (requests instanceof RequestReader && cell.current !== undefined) requests.handledBy(cell, cell.current);
    return handler(state, requests, ctx);
  };
}

/** The error with which the requests of `call` have ended, where a handler threw that: no failure of its actor. */
export function endOfRequests(cell: Actor, call: Delivery | undefined, cause: unknown): MillraceError | undefined {
  if (call === undefined) return undefined;
  const failure = cell.cold?.streams.reading?.requests.get(call)?.failure;
  return failure === cause && failure instanceof MillraceError ? failure : undefined;
}
