import { StoppedError } from '../../errors.js';
import type { Reader } from './call.js';
import type { ActorCell } from './cell.js';
import type { ServedStream } from './served-stream.js';

/** The streams of one actor. */
export class ActorStreams {
  /** Those whose generator runs here, and those that wait for it to begin. */
  readonly served = new Set<ServedStream>();
  /** Those that it reads. */
  readonly read = new Set<Reader>();
  /** Pulls in its mailbox. */
  queued = 0;

  /** `path` names the actor that stops or begins anew. */
  abandonRead(path: string): void {
    for (const reader of this.read) reader.abandon(path);
  }
}

/** The actor stops (`all`) or begins anew (`begun`: those that wait in the mailbox go on). One in the middle of an element has that. */
export function failServed(cell: ActorCell, which: 'all' | 'begun', text: string): void {
  const { seldom } = cell;
  if (seldom === undefined || seldom.streams.served.size === 0) return;
  // There may be many, and an error is dear.
  const error = new StoppedError(text);
  for (const stream of seldom.streams.served) {
    if (!stream.isPulling && (which === 'all' || stream.isUnclosed)) stream.fail(error);
  }
}

/** Before the actor's own end, the `finally` of all its generators runs. True when that takes a while. */
export function closeServed(cell: ActorCell): boolean {
  const { seldom, kernel } = cell;
  if (seldom === undefined || seldom.streams.served.size === 0) return false;
  const closing: Promise<unknown>[] = [];
  const report = (error: unknown): void =>
    kernel.logger.error('a generator failed at its end', { actor: cell.path, error });
  kernel.running = cell;
  for (const stream of seldom.streams.served) {
    if (!stream.isUnclosed) continue;
    try {
      const closed = stream.close();
      if (closed !== undefined) closing.push(closed.catch(report));
    } catch (error) {
      report(error);
    }
  }
  kernel.running = undefined;
  if (closing.length > 0) cell.suspend(Promise.all(closing), 'the end of its generators', () => {});
  return closing.length > 0;
}
