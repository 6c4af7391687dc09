import { isInfrastructure } from './infrastructure.js';
import { PendingAsk } from './pending-ask.js';
import type { Kernel } from './kernel.js';

/** Counts of unfinished work, without the work of the runtime itself. */
export interface Unfinished {
  /** Messages in mailboxes and stashes. */
  readonly messages: number;
  /** Pending handlers and hooks, pending deferred replies, and actors with a queued turn. */
  readonly handlers: number;
  /** Asks that wait for their reply. */
  readonly asks: number;
  /** Streams that are read here, plus streams that are served here to readers of other processes. */
  readonly streams: number;
}

/** Visits every actor and every ask. */
export function unfinishedIn(kernel: Kernel): Unfinished {
  let messages = 0;
  let handlers = 0;
  const levels = [kernel.roots.values()];
  for (let level = levels.pop(); level !== undefined; level = levels.pop()) {
    for (const cell of level) {
      if (cell.children.size > 0) levels.push(cell.children.values());
      if (cell.behavior.isOfRuntime) continue;
      messages += cell.load + cell.stashed;
      handlers += cell.unsettled;
    }
  }
  let asks = 0;
  for (const waiting of kernel.deadlines) {
    if (waiting instanceof PendingAsk && !isInfrastructure(waiting.method.fullName)) asks++;
  }
  return { messages, handlers, asks, streams: kernel.counters.distinctStreams };
}
