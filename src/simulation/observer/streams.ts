import { isError, messageOf } from '../../foreign.js';
import type { AnyMethod } from '../../protocol/index.js';
import type { Invariant, Violations } from '../violation.js';
import { checksumOf, EPSILON_MS } from './reckoning.js';
import type { Party } from './messages.js';

/** One stream, from when it is asked for to its end at both ends. */
export interface ObservedStream {
  readonly id: number;
  readonly reader: Party;
  readonly receiver: bigint;
  readonly method: AnyMethod;
  readonly requestChecksum: number;
  /** Elements that the actor may be ahead of the reader, the one asked for included. */
  readonly windowItems: number;
  /** The longest wait for one element. */
  readonly timeoutMs: number;
  /** Checksums of the elements that were made. */
  readonly made: number[];
  /** Elements that the reader has asked for. */
  asked: number;
  /** Calls of the reader that wait for their outcome. */
  waiting: number;
  /** Elements that the reader has had. */
  read: number;
  timesServed: number;
  /** The generator that serves it: not begun, at work, or ended, by itself or because nobody reads any more. */
  server: 'none' | 'open' | 'complete' | 'failed' | 'cancelled';
  isOver: boolean;
}

export interface StreamsOptions {
  readonly now: () => number;
  readonly violations: Violations;
  readonly record: (line: string) => void;
}

/** Every stream that observed references open, followed to the generator that serves it and back. */
export class Streams {
  readonly #options: StreamsOptions;
  readonly #all: ObservedStream[] = [];

  constructor(options: StreamsOptions) {
    this.#options = options;
  }

  /** Streams whose reader waits for an element; those of processes that have ended apart. */
  get unsettled(): readonly ObservedStream[] {
    return this.#all.filter(({ waiting, reader }) => waiting > 0 && !reader.isGone);
  }

  opened(
    given: Pick<ObservedStream, 'reader' | 'receiver' | 'method' | 'windowItems' | 'timeoutMs'>,
    request: unknown,
  ): ObservedStream {
    const stream: ObservedStream = {
      ...given,
      id: this.#all.length,
      requestChecksum: checksumOf(given.method.request, request),
      made: [],
      asked: 0,
      waiting: 0,
      read: 0,
      timesServed: 0,
      server: 'none',
      isOver: false,
    };
    this.#all.push(stream);
    this.#options.record(`open ${describe(stream)}`);
    return stream;
  }

  /** A handler begins to serve it. Returns the stream, or undefined where nobody has opened it. */
  served(id: string, receiver: bigint, method: AnyMethod, request: unknown): ObservedStream | undefined {
    const stream = this.#all[Number(id)];
    if (stream?.receiver !== receiver || stream.method.fullName !== method.fullName) {
      this.#violation(
        'invented',
        `${method.fullName}, stream ${id}, was opened at an actor to which nobody has opened it`,
      );
      return undefined;
    }
    this.#options.record(`serve ${describe(stream)}`);
    stream.timesServed++;
    stream.server = 'open';
    if (checksumOf(method.request, request) !== stream.requestChecksum) {
      this.#violation('invented', `${describe(stream)} was opened with another request than it was asked for with`);
    }
    if (stream.timesServed > 1) this.#violation('once', `${describe(stream)} is served ${stream.timesServed} times`);
    return stream;
  }

  made(stream: ObservedStream, value: unknown): void {
    stream.made.push(checksumOf(stream.method.response, stream.method.response.create(value)));
    this.#options.record(`make ${stream.made.length} of ${describe(stream)}`);
    const ahead = stream.made.length - stream.asked + 1;
    if (ahead > stream.windowItems) {
      this.#violation(
        'credit',
        `${describe(stream)} is ${ahead} elements ahead of its reader, who takes ${stream.windowItems}`,
      );
    }
  }

  serverEnded(stream: ObservedStream, how: 'complete' | 'failed' | 'cancelled'): void {
    this.#options.record(`${how} ${describe(stream)}`);
    stream.server = how;
  }

  /** The reader asks for an element. Returns when. */
  asked(stream: ObservedStream): number {
    stream.asked++;
    stream.waiting++;
    return this.#options.now();
  }

  read(stream: ObservedStream, value: unknown, waitedFromMs: number): void {
    this.#waited(stream, waitedFromMs);
    this.#options.record(`read ${stream.read} of ${describe(stream)}`);
    if (stream.isOver) this.#violation('once', `${describe(stream)} goes on behind its end`);
    if (stream.made[stream.read] !== checksumOf(stream.method.response, value)) {
      this.#violation('invented', `element ${stream.read} of ${describe(stream)} is not what was made`);
    }
    stream.read++;
  }

  /** Its reader was told that it is complete. */
  completed(stream: ObservedStream, waitedFromMs: number): void {
    this.#waited(stream, waitedFromMs);
    // Whoever asks on behind an end is told so, whatever the end was.
    if (stream.isOver) return;
    this.#over(stream, 'complete');
    if (stream.server !== 'complete' || stream.read !== stream.made.length) {
      this.#violation(
        'lost',
        `${describe(stream)} ended as complete behind ${stream.read} elements, but ${stream.made.length} were made, and its server is ${stream.server}`,
      );
    }
  }

  failed(stream: ObservedStream, error: unknown, waitedFromMs: number): void {
    this.#waited(stream, waitedFromMs);
    this.#over(stream, `failed ${isError(error) ? error.name : messageOf(error)}`);
  }

  /** Its reader wants no more of it. */
  left(stream: ObservedStream): void {
    this.#over(stream, 'left');
  }

  /** At the end: what nobody reads any more is not served any more. `isOpen`: the actor that serves still runs. */
  check(isLasting: (cUid: bigint) => boolean): void {
    for (const stream of this.#all) {
      if ((stream.isOver || stream.reader.isGone) && stream.server === 'open' && isLasting(stream.receiver)) {
        this.#violation('leak', `${describe(stream)} is served still, though nobody reads it any more`);
      }
    }
  }

  #waited(stream: ObservedStream, fromMs: number): void {
    stream.waiting--;
    const lateMs = this.#options.now() - fromMs - stream.timeoutMs;
    if (lateMs > EPSILON_MS) {
      this.#violation('deadline', `${describe(stream)} had its reader wait ${lateMs.toFixed(3)} ms longer than it may`);
    }
  }

  #over(stream: ObservedStream, how: string): void {
    if (!stream.isOver) this.#options.record(`over ${how} ${describe(stream)}`);
    stream.isOver = true;
  }

  #violation(invariant: Invariant, message: string): void {
    this.#options.violations.add(invariant, message);
  }
}

function describe({ id, reader, method }: ObservedStream): string {
  return `stream ${id} ${method.fullName} of ${reader.name}`;
}
