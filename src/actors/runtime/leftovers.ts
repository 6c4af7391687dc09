import type { PartitionRuntime } from './partition-runtime.js';

/** Counts of what a process holds while it runs; all are 0 when it has stopped. */
export interface Leftovers {
  readonly actors: number;
  readonly pendingAsks: number;
  readonly openStreams: number;
  readonly links: number;
  /** Asks that wait for their replies over links. */
  readonly linkAsks: number;
  /** Memory of messages from links that wait in mailboxes, in bytes. */
  readonly mailboxBytes: number;
}

export function leftoversOf(partitions: readonly PartitionRuntime[]): Leftovers {
  const counts = partitions.map(leftIn);
  const sum = (name: keyof Leftovers): number => counts.reduce((total, each) => total + each[name], 0);
  return {
    actors: sum('actors'),
    pendingAsks: sum('pendingAsks'),
    openStreams: sum('openStreams'),
    links: sum('links'),
    linkAsks: sum('linkAsks'),
    mailboxBytes: sum('mailboxBytes'),
  };
}

function leftIn({ system, router }: PartitionRuntime): Leftovers {
  const { actors, pendingAsks, openStreams, mailboxBytes } = system.statistics;
  const channels = [...router.channels()];
  const linkAsks = channels.reduce((sum, { asks }) => sum + asks.size, 0);
  return { actors, pendingAsks, openStreams, links: channels.length, linkAsks, mailboxBytes };
}
