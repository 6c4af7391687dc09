import { ConsumedError, type MillraceError } from '../../errors.js';
import type { AnyMethod, Meta, Ref } from '../../protocol/index.js';
import type { AsyncContext } from './async-contexts.js';
import type { CallChain } from './call-chain.js';
import type { TraceContext } from './trace-context.js';

// A streaming rpc has two ends, joined inside a partition or over a link:
//
//     reader (StreamReader)                          actor (ServedStream)
//     first next()  -- open: request, credit -->     mailbox, then the handler's generator
//                   <-- element, element ... --      one for each pull, never more than the credit
//     next()        -- grant: a larger credit -->
//                   <-- end, or fail --              once
//     return()      -- cancel -->                    the generator's `finally` runs
//
// The requests of a call that streams them are one more such stream, with the roles swapped: the handler of the call reads them
// (RequestReader, which has a StreamReader), and the caller serves them (SourceTurns, which has a ServedStream).

/**
 * The result of a streaming rpc; iterate it once: a loop over one that has ended throws ConsumedError. Sends nothing before the first `next`. It ends when it is complete, or throws a typed
 * error. Leaving the loop, `return`, `throw`, and the end of the reading actor cancel it.
 */
export interface Stream<Element> extends AsyncIterable<Element> {
  next(): Promise<IteratorResult<Element, undefined>>;
  return(): Promise<IteratorResult<Element, undefined>>;
  throw(error?: unknown): Promise<IteratorResult<Element, undefined>>;
  [Symbol.asyncIterator](): Stream<Element>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** The actor's end, as the reader calls it. */
export interface StreamSource {
  /**
   * The reader accepts up to `credit` elements, counted from the first. `chain` is the chain of callers that wait for the next element,
   * where it is known: if the actor itself waits in it, the stream fails, which prevents a deadlock.
   */
  grant(credit: number, chain: CallChain | undefined): void;
  /** The reader has consumed so many elements in total. True when it should grant its credit again. Only a link needs to know. */
  consumed?(elements: number): boolean;
  /** Why the stream was not opened at its actor yet, for the error at the deadline. Undefined when it was. */
  readonly opening?: string | undefined;
  /** The reader has left. */
  cancel(): void;
}

/** The reader's end, as the actor calls it. Nothing is called after `end` or `fail`. */
export interface StreamSink {
  /** Its reader belongs to this process, which counts the stream where it is read. */
  readonly isReadHere: boolean;
  /** Sends one element, with its defaults filled in. Throws ProtocolError for an element that cannot be sent. */
  element(value: unknown): void;
  end(): void;
  fail(error: MillraceError): void;
  /** Resolves when the link to the reader has room again, and the reader has granted bytes; undefined when there is room now. */
  room?(): Promise<void> | undefined;
}

/** The data of a stream's opening besides its request. */
export interface StreamOpening {
  /** Scheduler time after which the request is not executed any more. */
  readonly deadlineMs: number;
  readonly chain: CallChain | undefined;
  readonly meta: Meta | undefined;
  /** The actor that reads, if the reader is an actor. */
  readonly sender: () => Ref | undefined;
  /** Bytes of a request from a link, which count while it waits in the mailbox; 0 for a local one. */
  readonly sizeBytes: number;
  readonly trace?: TraceContext | undefined;
  readonly asyncContext?: AsyncContext | undefined;
  /** The reader's first credit. */
  readonly credit: number;
  readonly sink: StreamSink;
}

/** The error of who iterates a stream again that has been read to its end, or left. */
export function alreadyRead({ fullName }: AnyMethod): ConsumedError {
  return new ConsumedError(
    `The stream of ${fullName} has ended or was left, and a stream can be read once: call the method again for another one, or keep the elements.`,
  );
}

/** A stream that failed before it was opened. */
export class FailedStream implements Stream<never> {
  readonly #error: Error;

  constructor(error: Error) {
    this.#error = error;
  }

  next(): Promise<IteratorResult<never, undefined>> {
    return Promise.reject(this.#error);
  }

  return(): Promise<IteratorResult<never, undefined>> {
    return Promise.resolve({ done: true, value: undefined });
  }

  async throw(error?: unknown): Promise<IteratorResult<never, undefined>> {
    throw error;
  }

  [Symbol.asyncIterator](): Stream<never> {
    return this;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}
