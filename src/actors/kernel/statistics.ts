import type { AskStatistics } from './ask-meter.js';
import type { ActorNode } from './actor-node.js';
import type { DeadLetterReason } from './delivery.js';
import type { Kernel } from './kernel.js';

/** Counters of one system since its start; after `shutdown` it has no actors, pending asks or open streams. */
export interface Statistics {
  /** Actors that have not stopped. */
  readonly actors: number;
  /** Turns of actors: messages, signals and starts. */
  readonly messages: number;
  /** Handlers, timers, hooks and deferred replies that failed. */
  readonly failures: number;
  readonly restarts: number;
  readonly deadLetters: number;
  readonly deadLettersByReason: Readonly<Partial<Record<DeadLetterReason, number>>>;
  /** Asks that wait for their reply, streams whose reader waits for an element, and calls of `ready()` that wait for room. */
  readonly pendingAsks: number;
  /** Streams that are read here, plus streams that are served here. */
  readonly openStreams: number;
  /** Encoded bytes of messages from links that wait in mailboxes. */
  readonly mailboxBytes: number;
  readonly asks: AskStatistics;
}

export function statisticsOf(kernel: Kernel): Statistics {
  const { counters, dispatcher, deadLetters, deadlines, mailboxBytes } = kernel;
  const pendingAsks = deadlines.count;
  return {
    actors: counters.actors,
    messages: dispatcher.handled,
    failures: counters.failures,
    restarts: counters.restarts,
    deadLetters: deadLetters.count,
    deadLettersByReason: Object.fromEntries(deadLetters.byReason),
    pendingAsks,
    openStreams: counters.streams,
    mailboxBytes: mailboxBytes.used,
    asks: deadlines.asks.statistics(deadlines.begun, pendingAsks),
  };
}

/** How full the mailboxes of one system are. */
export interface MailboxPressure {
  /** Messages that wait in all mailboxes together, or beside them because they came over a link when there was no room. */
  readonly queued: number;
  /** Mailboxes past three quarters of their capacity, whose senders should wait. Mailboxes that drop messages do not count. */
  readonly pastMark: number;
  /** The mailbox that is nearest to its capacity. */
  readonly fullest: { readonly actor: string; readonly queued: number; readonly capacity: number } | undefined;
}

/** Visits the whole tree, because counting would add a cost to every message. */
export function mailboxPressure(roots: ReadonlyMap<string, ActorNode>): MailboxPressure {
  let queued = 0;
  let pastMark = 0;
  let fullest: ActorNode | undefined;
  const levels = [roots.values()];
  for (let level = levels.pop(); level !== undefined; level = levels.pop()) {
    for (const cell of level) {
      if (cell.children.size > 0) levels.push(cell.children.values());
      const waiting = cell.load;
      if (waiting === 0) continue;
      queued += waiting + cell.parked;
      if (waiting > cell.bounds.mark && cell.bounds.overflow === 'backpressure') pastMark++;
      if (fullest === undefined || fullness(cell) > fullness(fullest)) fullest = cell;
    }
  }
  return {
    queued,
    pastMark,
    fullest: fullest && { actor: fullest.path, queued: fullest.load, capacity: fullest.bounds.capacity },
  };
}

function fullness(cell: ActorNode): number {
  return cell.load / cell.bounds.capacity;
}
