import { StoppedError } from '../../errors.js';
import type { Reader } from './call.js';
import type { ActorCell } from './cell.js';
import type { Delivery } from './delivery.js';
import type { ReleasedWork } from './released-work.js';
import type { RequestReader } from './request-reader.js';
import type { ServedStream } from './served-stream.js';

/** The calls of one actor whose requests its handlers read. */
export class CallsRead {
  /** By call. */
  readonly requests = new WeakMap<Delivery, RequestReader>();
  /** Handlers that wait for their next request, by their promise. */
  readonly released = new Map<Promise<unknown>, ReleasedWork>();
  /** The actor stops or restarts, and waits for them. */
  isAwaited = false;
}

/** The streams of one actor. */
export class ActorStreams {
  /** Streams whose generator runs here, or will be started. */
  readonly served = new Set<ServedStream>();
  /** Streams that the actor reads, and calls whose requests it sends. */
  readonly read = new Set<Reader>();
  /** Calls whose requests its handlers read. Created with the first. */
  reading: CallsRead | undefined = undefined;
  /** Pulls in its mailbox. */
  queued = 0;

  /** `path` names the actor, which stops or restarts. */
  abandonRead(path: string): void {
    for (const reader of this.read) reader.abandon(path);
    for (const released of this.reading?.released.values() ?? []) released.resume();
  }
}

/** The actor stops (`all`) or restarts (`begun`: streams that wait in the mailbox continue). A stream may finish its current element. */
export function failServed(cell: ActorCell, which: 'all' | 'begun', text: string): void {
  const { cold } = cell;
  if (cold === undefined || cold.streams.served.size === 0) return;
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
export function closeServed(cell: ActorCell): boolean {
  const { cold, kernel } = cell;
  if (cold === undefined || cold.streams.served.size === 0) return false;
  const closing: Promise<unknown>[] = [];
  const report = (error: unknown): void =>
    kernel.logger.error('a generator failed at its end', { actor: cell.path, error });
  kernel.running = cell;
  for (const stream of cold.streams.served) {
    if (!stream.isUnclosed) continue;
    try {
      const closed = kernel.contexts.run(stream.asyncContext, () => stream.close());
      if (closed !== undefined) closing.push(closed.catch(report));
    } catch (error) {
      report(error);
    }
  }
  kernel.running = undefined;
  if (closing.length > 0) cell.suspend(Promise.all(closing), 'the end of its generators', () => {});
  return closing.length > 0;
}
