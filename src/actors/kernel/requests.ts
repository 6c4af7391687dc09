import { MillraceError, ProtocolError, SourceError, StoppedError } from '../../errors.js';
import { anyCodeOf, errorOf, isAsyncIterable, isError, shownValue } from '../../foreign.js';
import { type AnyMethod, requestStreamOf } from '../../protocol/index.js';
import type { AsyncContext } from './async-contexts.js';
import type { Caller, Reader } from './call.js';
import { requestOf } from './message-values.js';
import type { ServedStream } from './served-stream.js';
import { type SourceServices, SourceTurns } from './source-turns.js';
import type { StreamOpening, StreamSource } from './stream.js';

/** Where a call was made from. */
interface Origin {
  readonly kernel: SourceServices;
  readonly caller: Caller | undefined;
  readonly asyncContext: AsyncContext | undefined;
  /** No actor can open the requests any more. */
  readonly withdrawn: () => void;
}

/**
 * The caller's end of the requests of one call. It is what the call carries in place of a message; the handler gets a RequestReader.
 *
 *     new --> offered --> opened --> closed        (closed from anywhere: the call has ended)
 *              a route    the handler reads
 */
export class Requests implements AsyncIterable<unknown>, Reader {
  readonly method: AnyMethod;
  readonly #source: AsyncIterable<unknown>;
  #origin: Origin | undefined = undefined;
  #stream: ServedStream | undefined = undefined;
  /** Iterates them without an actor. */
  #direct: AsyncIterator<unknown> | undefined = undefined;
  /** Why they are closed. */
  #end: MillraceError | undefined = undefined;
  #failed: (cause: unknown) => void = () => {};

  /** Throws ProtocolError for a source that is no iterable. */
  constructor(method: AnyMethod, source: unknown) {
    this.method = method;
    this.#source = asyncIterable(method, source);
  }

  /** The requests with their defaults, without an actor that reads them. Throws ProtocolError for one that is no message of its type. */
  [Symbol.asyncIterator](): AsyncIterableIterator<unknown> {
    const direct = this.checked();
    this.#direct = direct;
    return direct;
  }

  /** As by iteration, but the end of the call does not end them. */
  checked(): AsyncIterableIterator<unknown> {
    const iterator = this.#source[Symbol.asyncIterator]();
    return new CheckedRequests(iterator, (value, index) => this.#messageOf(value, index));
  }

  /** Returns the promise of the caller: as `reply`, but it rejects with the error of a source that throws. The requests end with it. */
  replyOf(reply: Promise<unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.onFailed(reject);
      reply.then(
        (value) => {
          this.close(undefined);
          resolve(value);
        },
        (error: Error) => {
          this.close(error);
          reject(error);
        },
      );
    });
  }

  /** `failed` is called with what the source throws. */
  onFailed(failed: (cause: unknown) => void): void {
    this.#failed = failed;
  }

  /** The call goes out from here: its actor may open the requests. They end when `caller` stops or restarts. */
  offer(kernel: SourceServices, caller: Caller | undefined, withdrawn: () => void = () => {}): void {
    if (this.#end !== undefined) throw this.#end;
    this.#origin = { kernel, caller, asyncContext: kernel.contexts.capture(), withdrawn };
    caller?.reading(this);
  }

  /** The actor reads them. Throws the error with which the call has ended, ProtocolError when it has opened them before. */
  open(opening: StreamOpening): StreamSource {
    const { method } = this;
    if (this.#end !== undefined) throw this.#end;
    if (this.#origin === undefined || this.#stream !== undefined) {
      throw new ProtocolError(`${requestStreamOf(method).fullName} can be opened once, while its call is under way`);
    }
    const { kernel, asyncContext } = this.#origin;
    const options = {
      path: `the caller of ${method.fullName}`,
      source: this.#source,
      messageOf: (value: unknown, index: number) => this.#messageOf(value, index),
      failed: (cause: unknown) => this.#sourceFailed(cause),
    };
    const turns = new SourceTurns(kernel, options, asyncContext);
    this.#stream = turns.serve(requestStreamOf(method), opening);
    return this.#stream;
  }

  /** The call has ended: the source is told to stop, and an actor that reads on gets the error. */
  close(error: Error | undefined): void {
    if (this.#end !== undefined) return;
    const { fullName } = this.method;
    const end =
      error instanceof MillraceError
        ? error
        : new StoppedError(`${fullName}: the call has ended, and with it its requests`);
    this.#end = end;
    this.#origin?.caller?.readNoMore(this);
    this.#origin?.withdrawn();
    this.#stream?.abort(end);
    // What the source throws at its end is nobody's error.
    this.#direct?.return?.().catch(() => {});
  }

  /** The actor at `path`, which made the call, stops or restarts. */
  abandon(path: string): void {
    this.close(
      new StoppedError(`${this.method.fullName}: ${path}, which sends the requests, has stopped or restarted`),
    );
  }

  #sourceFailed(cause: unknown): void {
    if (this.#end !== undefined) return;
    const { message, name } = errorOf(cause);
    const error = new SourceError(message, {
      sourceName: isError(cause) ? name : undefined,
      sourceCode: anyCodeOf(cause),
      cause,
    });
    this.#stream?.fail(error);
    this.#failed(cause);
    this.close(error);
  }

  #messageOf(value: unknown, index: number): unknown {
    return requestOf(this.method, value, index);
  }
}

/** Iterates a source, and checks what it yields. */
class CheckedRequests implements AsyncIterableIterator<unknown> {
  readonly #inner: AsyncIterator<unknown>;
  readonly #messageOf: (value: unknown, index: number) => unknown;
  #index = 0;

  constructor(inner: AsyncIterator<unknown>, messageOf: (value: unknown, index: number) => unknown) {
    this.#inner = inner;
    this.#messageOf = messageOf;
  }

  async next(): Promise<IteratorResult<unknown>> {
    const step: IteratorResult<unknown, unknown> = await this.#inner.next();
    if (step.done === true) return { done: true, value: undefined };
    try {
      return { done: false, value: this.#messageOf(step.value, this.#index++) };
    } catch (error) {
      this.return().catch(() => {});
      throw error;
    }
  }

  async return(): Promise<IteratorResult<unknown>> {
    await this.#inner.return?.();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** The requests that a call carries in place of a message. */
export function requestsIn(message: unknown): Requests | undefined {
  return message instanceof Requests ? message : undefined;
}

function asyncIterable({ fullName, request }: AnyMethod, source: unknown): AsyncIterable<unknown> {
  if (isAsyncIterable(source)) return source;
  if (isIterable(source)) return eachOf(source);
  throw new ProtocolError(
    `${fullName} needs an iterable or async iterable of ${request.typeName}, such as an array or an async generator, not ${shownValue(source)}`,
  );
}

async function* eachOf(source: Iterable<unknown>): AsyncGenerator<unknown, void, void> {
  yield* source;
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}
