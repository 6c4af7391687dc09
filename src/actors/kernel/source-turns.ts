import type { Logger } from '../../logging/index.js';
import type { AnyMethod } from '../../protocol/index.js';
import type { Scheduler } from '../../scheduler/index.js';
import type { AsyncContext, AsyncContexts } from './async-contexts.js';
import type { Counters } from './counters.js';
import type { Dispatcher, TurnTaker } from './dispatcher.js';
import { ServedStream, type StreamHost } from './served-stream.js';
import type { StreamOpening } from './stream.js';
import { type StepTaker, StreamTurn } from './stream-turn.js';

/** What it needs of its system. */
export interface SourceServices {
  readonly contexts: AsyncContexts;
  readonly counters: Counters;
  readonly dispatcher: Dispatcher;
  readonly logger: Logger;
  readonly scheduler: Scheduler;
}

export interface SourceOptions {
  /** Names its end of the stream in error messages. */
  readonly path: string;
  readonly source: AsyncIterable<unknown>;
  /** The element number `index`, with its defaults. Throws for what is no message. */
  messageOf(value: unknown, index: number): unknown;
  /** The source has thrown, or yielded what is no message. */
  failed(cause: unknown): void;
}

/**
 * Serves what a caller sends: pulls its source in turns of the dispatcher, in the context of the call. They are no turns of the calling
 * actor, whose handler may wait for the reply meanwhile.
 */
export class SourceTurns implements StreamHost, TurnTaker {
  #isQueued = false;
  readonly isOpen = true;
  /** A step of the source takes no turn of an actor, so its end need not wait for the step. */
  readonly closesAtOnce = true;
  readonly #kernel: SourceServices;
  readonly #options: SourceOptions;
  readonly #asyncContext: AsyncContext | undefined;
  #stream: ServedStream | undefined;

  /** `asyncContext` is that of the call. */
  constructor(kernel: SourceServices, options: SourceOptions, asyncContext: AsyncContext | undefined) {
    this.#kernel = kernel;
    this.#options = options;
    this.#asyncContext = asyncContext;
  }

  get isQueued(): boolean {
    return this.#isQueued;
  }

  queued(isQueued: boolean): void {
    this.#isQueued = isQueued;
  }

  get path(): string {
    return this.#options.path;
  }

  serve(method: AnyMethod, opening: StreamOpening): ServedStream {
    const stream = new ServedStream(this, method, opening);
    this.#stream = stream;
    this.#kernel.counters.streamServed(stream);
    stream.begin();
    return stream;
  }

  /** A source runs beside whoever waits: it never waits for its reader itself. */
  waitsIn(): boolean {
    return false;
  }

  messageOf(_method: AnyMethod, value: unknown, index: number): unknown {
    return this.#options.messageOf(value, index);
  }

  elementFailed(cause: unknown): void {
    this.#options.failed(cause);
  }

  queuePull(): void {
    if (!this.#isQueued) this.#kernel.dispatcher.add(this);
  }

  served(): void {
    if (this.#stream === undefined) return;
    this.#kernel.counters.streamClosed(this.#stream);
    this.#stream = undefined;
  }

  takeTurn(): number {
    const stream = this.#stream;
    if (stream === undefined) return 0;
    stream.taken();
    try {
      if (stream.isEnded) this.#close(stream);
      else this.#pull(stream);
    } catch (error) {
      this.#fail(stream, error);
    }
    this.#kernel.contexts.check();
    return 1;
  }

  #pull(stream: ServedStream): void {
    const { contexts, dispatcher, scheduler } = this.#kernel;
    const pull = (): Promise<unknown> => stream.pull(() => this.#options.source);
    const taker: StepTaker = {
      step: () => contexts.run(this.#asyncContext, pull),
      // What the source yields after its end is nobody's.
      holds: () => !stream.isEnded,
      mayGoOn: () => true,
      spent: (steps, isLong) => dispatcher.spent(steps - 1, isLong),
    };
    new StreamTurn(stream, taker, scheduler).over.catch((error: unknown) => this.#fail(stream, error));
  }

  #close(stream: ServedStream): void {
    const closed = this.#kernel.contexts.run(this.#asyncContext, () => stream.close());
    closed?.catch((error: unknown) => this.#reportEnd(error));
  }

  #fail(stream: ServedStream, error: unknown): void {
    if (stream.isEnded) this.#reportEnd(error);
    else this.#options.failed(error);
  }

  /** Nobody waits for a source that has been told to stop. */
  #reportEnd(error: unknown): void {
    this.#kernel.logger.debug('a source of requests failed at its end', { caller: this.path, error });
  }
}
