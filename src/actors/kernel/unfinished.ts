import type { ActorCell } from './cell.js';
import { isInfrastructure } from './infrastructure.js';
import { PendingAsk } from './pending-ask.js';
import type { Kernel } from './kernel.js';

/** Work that has begun and not ended; what the runtime does for itself is no work. */
export interface Unfinished {
  /** Messages in mailboxes and stashes. */
  readonly messages: number;
  /** Handlers and hooks that await something, replies that are to come later, and actors whose turn it is. */
  readonly handlers: number;
  /** Asks that wait for their reply. */
  readonly asks: number;
  /** Ends of streams that are here. */
  readonly streams: number;
}

/** Looks at every actor and every ask. */
export function unfinishedIn(kernel: Kernel): Unfinished {
  let messages = 0;
  let handlers = 0;
  const levels = [kernel.roots.values()];
  for (let level = levels.pop(); level !== undefined; level = levels.pop()) {
    for (const cell of level) {
      if (cell.childCells !== undefined) levels.push(cell.childCells.values());
      if (cell.behavior.isOfRuntime) continue;
      messages += messagesOf(cell);
      handlers += handlersOf(cell);
    }
  }
  let asks = 0;
  for (const waiting of kernel.deadlines) {
    if (waiting instanceof PendingAsk && !isInfrastructure(waiting.method.fullName)) asks++;
  }
  return { messages, handlers, asks, streams: kernel.openStreams };
}

function messagesOf({ load, seldom }: ActorCell): number {
  return load + (seldom?.stash?.size ?? 0);
}

function handlersOf({ pending, isQueued, seldom }: ActorCell): number {
  return (pending !== undefined || isQueued ? 1 : 0) + (seldom?.owedReplies.size ?? 0);
}
