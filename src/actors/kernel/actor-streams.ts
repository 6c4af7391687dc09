import { StoppedError } from '../../errors.js';
import type { Logger } from '../../logging/index.js';
import type { AsyncContexts } from './async-contexts.js';
import type { Caller, Reader } from './call.js';
import type { CurrentTurn } from './current-turn.js';
import type { Delivery } from './delivery.js';
import type { ServedStream } from './served-stream.js';

/** The requests of a call, as its handler reads them. */
interface ReadRequests {
  /** The error with which they have ended. */
  readonly failure: Error | undefined;
}

/** A handler that waits for its next request, and does not hold the mailbox. */
interface WaitingHandler {
  /** The message that it handles. */
  readonly call: Delivery;
  /** It goes on now. */
  resume(): void;
  /** Its promise has settled: `finish` handles the result in its turn. */
  settled(finish: () => void): void;
}

/** An actor that serves streams. */
interface ServingActor extends Caller {
  readonly cold: { readonly streams: ActorStreams } | undefined;
  readonly kernel: { readonly logger: Logger; readonly contexts: AsyncContexts; readonly turn: CurrentTurn };
  suspend(work: Promise<unknown>, what: string, answer: (value: unknown) => void): void;
}

/** The calls of one actor whose requests its handlers read. */
export class CallsRead {
  /** By call. */
  readonly requests = new WeakMap<Delivery, ReadRequests>();
  /** Handlers that wait for their next request, by their promise. */
  readonly released = new Map<Promise<unknown>, WaitingHandler>();
  #isAwaited = false;

  /** The actor stops or restarts, and waits for them. */
  get isAwaited(): boolean {
    return this.#isAwaited;
  }

  awaits(isAwaited: boolean): void {
    this.#isAwaited = isAwaited;
  }
}

/** The streams of one actor. */
export class ActorStreams {
  #reading: CallsRead | undefined = undefined;
  #queued = 0;
  #served: Set<ServedStream> | undefined = undefined;
  #read: Set<Reader> | undefined = undefined;

  /** Calls whose requests its handlers read; undefined before the first. */
  get reading(): CallsRead | undefined {
    return this.#reading;
  }

  /** As `reading`; created where there is none. */
  get calls(): CallsRead {
    this.#reading ??= new CallsRead();
    return this.#reading;
  }

  /** Pulls, and other steps of messages that were accepted before, in its mailbox. */
  get queued(): number {
    return this.#queued;
  }

  stepQueued(): void {
    this.#queued++;
  }

  stepTaken(): void {
    this.#queued--;
  }

  /** The mailbox was emptied. */
  stepsDropped(): void {
    this.#queued = 0;
  }

  /** It serves a stream. */
  get isServing(): boolean {
    return this.#served !== undefined && this.#served.size > 0;
  }

  /** Streams whose generator runs here, or will be started. */
  get served(): Set<ServedStream> {
    this.#served ??= new Set();
    return this.#served;
  }

  /** Streams that the actor reads, and calls whose requests it sends. */
  get read(): Set<Reader> {
    this.#read ??= new Set();
    return this.#read;
  }

  /** `path` names the actor, which stops or restarts. */
  abandonRead(path: string): void {
    for (const reader of this.#read ?? []) reader.abandon(path);
    for (const released of this.#reading?.released.values() ?? []) released.resume();
  }
}

/** The actor stops (`all`) or restarts (`begun`: streams that wait in the mailbox continue). A stream may finish its current element. */
export function failServed(cell: ServingActor, which: 'all' | 'begun', text: string): void {
  const { cold } = cell;
  if (cold?.streams.isServing !== true) return;
  // There may be many streams, and creating an error is expensive.
  const error = new StoppedError(text);
  for (const stream of cold.streams.served) {
    if (stream.isPulling) {
      // One that is not in its turn waits for its requests.
      if (stream !== cell.current) stream.abort(error);
    } else if (which === 'all' || stream.isUnclosed) stream.fail(error);
  }
}

/** Runs the `finally` of all generators, before the actor ends. True when one of them is asynchronous. */
export function closeServed(cell: ServingActor): boolean {
  const { cold, kernel } = cell;
  if (cold?.streams.isServing !== true) return false;
  const closing: Promise<unknown>[] = [];
  const report = (error: unknown): void =>
    kernel.logger.error('a generator failed at its end', { actor: cell.path, error });
  kernel.turn.enter(cell);
  for (const stream of cold.streams.served) {
    if (!stream.isUnclosed) continue;
    try {
      const closed = kernel.contexts.run(stream.asyncContext, () => stream.close());
      if (closed !== undefined) closing.push(closed.catch(report));
    } catch (error) {
      report(error);
    }
  }
  kernel.turn.leave();
  if (closing.length > 0) cell.suspend(Promise.all(closing), 'the end of its generators', () => {});
  return closing.length > 0;
}
