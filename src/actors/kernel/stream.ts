import type { MillraceError } from '../../errors.js';
import type { Meta, Ref } from '../../protocol/index.js';
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

/**
 * What a streaming rpc returns: iterate it, once. Nothing is sent before the first `next`. It ends complete, or throws a typed error.
 * Leaving the loop, `return`, `throw` and the end of the actor that reads cancel it.
 */
export interface Stream<Element> extends AsyncIterable<Element> {
  next(): Promise<IteratorResult<Element, undefined>>;
  return(): Promise<IteratorResult<Element, undefined>>;
  throw(error?: unknown): Promise<IteratorResult<Element, undefined>>;
  [Symbol.asyncIterator](): Stream<Element>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** The actor's end, as its reader reaches it. */
export interface StreamSource {
  /**
   * The reader takes up to `credit` elements, counted from the first. `chain` says who waits for the next one, where that is known:
   * an actor that is itself waiting in it fails the stream instead of being waited for.
   */
  grant(credit: number, chain: CallChain | undefined): void;
  /** The reader is gone. */
  cancel(): void;
}

/** The reader's end, as the actor reaches it. After `end` or `fail` nothing more comes. */
export interface StreamSink {
  /** Takes one element, filled. Throws ProtocolError for one that cannot be sent. */
  element(value: unknown): void;
  end(): void;
  fail(error: MillraceError): void;
  /** A wait for room on the way to the reader; undefined when there is room. */
  room?(): Promise<void> | undefined;
}

/** What the actor is told of a stream besides the request. */
export interface StreamOpening {
  /** Scheduler time after which the request is not executed any more. */
  readonly deadlineMs: number;
  readonly chain: CallChain | undefined;
  readonly meta: Meta | undefined;
  /** The actor that reads, where it is one. */
  readonly sender: () => Ref | undefined;
  /** Encoded bytes of the request that count while it waits in the mailbox: of one from a link. */
  readonly sizeBytes: number;
  readonly trace?: TraceContext | undefined;
  /** Elements that the reader takes for a start. */
  readonly credit: number;
  readonly sink: StreamSink;
}

/** A stream that failed before it began. */
export class FailedStream implements Stream<never> {
  private readonly error: Error;

  constructor(error: Error) {
    this.error = error;
  }

  next(): Promise<IteratorResult<never, undefined>> {
    return Promise.reject(this.error);
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
