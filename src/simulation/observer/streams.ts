import { isError, messageOf } from '../../foreign.js';
import type { AnyMethod } from '../../protocol/index.js';
import type { Invariant, Violations } from '../violation.js';
import { checksumOf, EPSILON_MS, replyChecksum, requestChecksumOf } from './comparison.js';
import type { Party } from './message.js';

/** One stream, from its opening until both its ends have ended. */
export interface ObservedStream {
  readonly id: number;
  readonly reader: Party;
  readonly receiver: bigint;
  /** The caller that serves it, where it has the requests of a call. Otherwise the receiver serves it. */
  readonly sender?: Party | undefined;
  /** The requests of its call. */
  readonly requests?: ObservedStream | undefined;
  readonly method: AnyMethod;
  readonly requestChecksum: number;
  /** Most elements that the actor may be ahead of the reader, including the requested one. */
  readonly windowItems: number;
  /** Longest wait for one element. */
  readonly timeoutMs: number;
  /** Checksums of the produced elements. */
  readonly produced: number[];
  /** Elements that the reader has requested. */
  asked: number;
  /** Pending calls of the reader. */
  waiting: number;
  /** Elements that the reader has received. */
  read: number;
  timesServed: number;
  /** State of the generator that serves it. */
  server: 'none' | 'open' | 'complete' | 'failed' | 'cancelled';
  isOver: boolean;
  /** It has the requests of a call, which has ended. */
  isCallOver: boolean;
  /** Elements that were made since then. */
  late: number;
}

export interface StreamsOptions {
  readonly now: () => number;
  readonly violations: Violations;
  readonly record: (line: string) => void;
}

/** Every stream that observed references open, from the reader to the generator and back. */
export class Streams {
  readonly #options: StreamsOptions;
  readonly #all: ObservedStream[] = [];

  constructor(options: StreamsOptions) {
    this.#options = options;
  }

  /** Streams whose reader waits for an element, except in processes that have ended. */
  get unsettled(): readonly ObservedStream[] {
    return this.#all.filter(({ waiting, reader }) => waiting > 0 && reader.endedMs === undefined);
  }

  opened(
    given: Pick<ObservedStream, 'reader' | 'receiver' | 'sender' | 'requests' | 'method' | 'windowItems' | 'timeoutMs'>,
    request: unknown,
  ): ObservedStream {
    const stream: ObservedStream = {
      ...given,
      id: this.#all.length,
      requestChecksum: requestChecksumOf(given.method, request),
      produced: [],
      asked: 0,
      waiting: 0,
      read: 0,
      timesServed: 0,
      server: 'none',
      isOver: false,
      isCallOver: false,
      late: 0,
    };
    this.#all.push(stream);
    this.#options.record(`open ${describe(stream)}`);
    return stream;
  }

  /** A handler starts to serve the stream. Returns the stream, or undefined if nobody has opened it. */
  served(id: string, receiver: bigint, method: AnyMethod, request: unknown): ObservedStream | undefined {
    const stream = this.#all[Number(id)];
    if (stream?.receiver !== receiver || stream.method.fullName !== method.fullName) {
      this.#violation(
        'invented',
        `${method.fullName}, stream ${id}, arrived at an actor, but nobody has opened it there`,
      );
      return undefined;
    }
    this.#options.record(`serve ${describe(stream)}`);
    stream.timesServed++;
    stream.server = 'open';
    if (requestChecksumOf(method, request) !== stream.requestChecksum) {
      this.#violation('invented', `${describe(stream)} arrived with a different request than was sent`);
    }
    if (stream.timesServed > 1) this.#violation('once', `${describe(stream)} is served ${stream.timesServed} times`);
    return stream;
  }

  produced(stream: ObservedStream, value: unknown): void {
    const element = replyChecksum(stream.method, value);
    if (element === undefined) return;
    stream.produced.push(element);
    this.#options.record(`make ${stream.produced.length} of ${describe(stream)}`);
    // One may have been under way.
    if (stream.isCallOver && ++stream.late > 1) {
      this.#violation('leak', `${describe(stream)} has the requests of a call that has ended, and still makes some`);
    }
    const ahead = stream.produced.length - stream.asked + 1;
    if (ahead > stream.windowItems) {
      this.#violation(
        'credit',
        `${describe(stream)} is ${ahead} elements ahead of its reader; the window is ${stream.windowItems}`,
      );
    }
  }

  serverEnded(stream: ObservedStream, how: 'complete' | 'failed' | 'cancelled'): void {
    this.#options.record(`${how} ${describe(stream)}`);
    stream.server = how;
  }

  /** The reader requests an element. Returns the time of the request. */
  asked(stream: ObservedStream): number {
    stream.asked++;
    stream.waiting++;
    return this.#options.now();
  }

  read(stream: ObservedStream, value: unknown, waitedFromMs: number): void {
    this.#waited(stream, waitedFromMs);
    this.#options.record(`read ${stream.read} of ${describe(stream)}`);
    if (stream.isOver) this.#violation('once', `${describe(stream)} has an element after its end`);
    if (stream.produced[stream.read] !== checksumOf(stream.method.response, value)) {
      this.#violation('invented', `element ${stream.read} of ${describe(stream)} differs from the produced one`);
    }
    stream.read++;
  }

  /** The reader was told that the stream is complete. */
  completed(stream: ObservedStream, waitedFromMs: number): void {
    this.#waited(stream, waitedFromMs);
    // After any end, further reads report completion.
    if (stream.isOver) return;
    this.#over(stream, 'complete');
    if (stream.server !== 'complete' || stream.read !== stream.produced.length) {
      this.#violation(
        'lost',
        `${describe(stream)} ended as complete after ${stream.read} elements, but ${stream.produced.length} were produced, and its server is ${stream.server}`,
      );
    }
  }

  failed(stream: ObservedStream, error: unknown, waitedFromMs: number): void {
    this.#waited(stream, waitedFromMs);
    this.#over(stream, `failed ${isError(error) ? error.name : messageOf(error)}`);
  }

  /** The reader has left the stream. */
  left(stream: ObservedStream): void {
    this.#over(stream, 'left');
  }

  /** The call has ended that the requests belong to. */
  callEnded(requests: ObservedStream): void {
    requests.isCallOver = true;
  }

  /** The stream of a call's requests, by the id in the meta of the call. */
  requestsOf(id: string): ObservedStream | undefined {
    return this.#all[Number(id)];
  }

  /** Checks that a stream without a reader is no longer served. `isLasting`: true if the serving actor still runs. */
  check(isLasting: (cUid: bigint) => boolean): void {
    for (const stream of this.#all) {
      if (
        (stream.isOver || stream.isCallOver || stream.reader.endedMs !== undefined) &&
        stream.server === 'open' &&
        (stream.sender === undefined ? isLasting(stream.receiver) : stream.sender.endedMs === undefined)
      ) {
        this.#violation('leak', `${describe(stream)} is still served, but has no reader`);
      }
    }
  }

  #waited(stream: ObservedStream, fromMs: number): void {
    stream.waiting--;
    // The timers of a process that was killed stand still until its memory is given back.
    if (stream.reader.endedMs !== undefined) return;
    const lateMs = this.#options.now() - fromMs - stream.timeoutMs;
    if (lateMs > EPSILON_MS) {
      this.#violation('deadline', `${describe(stream)} exceeded the timeout of its reader by ${lateMs.toFixed(3)} ms`);
    }
  }

  #over(stream: ObservedStream, how: string): void {
    if (!stream.isOver) this.#options.record(`over ${how} ${describe(stream)}`);
    stream.isOver = true;
    if (stream.requests !== undefined) this.callEnded(stream.requests);
  }

  #violation(invariant: Invariant, message: string): void {
    this.#options.violations.add(invariant, message);
  }
}

function describe({ id, reader, method }: ObservedStream): string {
  return `stream ${id} ${method.fullName} of ${reader.name}`;
}
