import { ConfigError, UnreachableError } from '../../../errors.js';
import type { Ref, v1 } from '../../../protocol/index.js';
import { isLate } from '../../control-plane/index.js';
import type { PlaceOn } from '../../kernel/index.js';
import type { Placement } from '../hosting/index.js';
import type { PlaceDeadline } from './place-deadline.js';

/** A partition in which actors can be placed. */
export interface PlaceCandidate {
  readonly ordinal: number;
  readonly node: string;
  readonly spawner: Ref;
  /** Ends the partition when its spawner does not answer; undefined for a partition of this runtime, and for one without a host. */
  readonly spawnerHost?: Ref | undefined;
}

/** A partition of this runtime. */
export interface OwnPartition extends PlaceCandidate {
  /** Among those of this process: the same when it has begun anew. */
  readonly index: number;
  readonly placement: Placement;
  /** The event loop of the program. */
  readonly isFirst: boolean;
}

export interface Whereabouts {
  readonly own: () => readonly OwnPartition[];
  /** Partitions of the whole cluster. Rejects with AskTimeoutError when the control plane does not answer in time. */
  readonly find: (conditions: v1.PartitionsToFindInit, timeoutMs: number) => Promise<readonly PlaceCandidate[]>;
}

/**
 * The partitions that `on` allows; without it, those of this runtime but the first, which is the event loop of the program, or that one where there is no
 * other. Rejects with ConfigError for the wrong kind of partition, UnreachableError where there is none, AskTimeoutError when the control plane
 * does not answer in time.
 */
export async function candidatesFor(
  on: PlaceOn | undefined,
  { own, find }: Whereabouts,
  timeoutMs: number,
): Promise<readonly PlaceCandidate[]> {
  if (on === undefined) {
    const others = own().filter(({ isFirst }) => !isFirst);
    return others.length > 0 ? others : own();
  }
  if (on === 'threads' || on === 'processes') return hosted(on, own());
  if ('partition' in on) {
    const ordinals = typeof on.partition === 'number' ? [on.partition] : on.partition;
    const near = own().filter(({ ordinal }) => ordinals.includes(ordinal));
    return near.length === ordinals.length
      ? near
      : some(await find({ ordinals }, timeoutMs), `partition ${ordinals.join(', ')}`);
  }
  const wanted = Object.entries(on).map(([name, value]) => `${name} "${value}"`);
  return some(await find(on, timeoutMs), wanted.join(' and '));
}

/** As `candidatesFor`, by the deadline of a call: its error says that nothing was started. */
export async function candidatesBy(
  deadline: PlaceDeadline,
  on: PlaceOn | undefined,
  whereabouts: Whereabouts,
): Promise<readonly PlaceCandidate[]> {
  try {
    return await candidatesFor(on, whereabouts, deadline.remainingMs);
  } catch (error) {
    if (!isLate(error)) throw error;
    throw deadline.error(
      'the control plane had not said by then which partitions there are. Nothing was started.',
      error,
    );
  }
}

function hosted(on: 'threads' | 'processes', own: readonly OwnPartition[]): readonly PlaceCandidate[] {
  const placement = on === 'threads' ? 'thread' : 'process';
  const found = own.filter((each) => each.placement === placement);
  if (found.length > 0) return found;
  throw new ConfigError(
    `This runtime has no partition ${on === 'threads' ? 'on a thread' : 'in a process'} now: Runtime.start({ partitions: 4, placement: '${placement}' }) starts three.`,
  );
}

function some(found: readonly PlaceCandidate[], wanted: string): readonly PlaceCandidate[] {
  if (found.length > 0) return found;
  throw new UnreachableError(
    `No process of the cluster has a partition with ${wanted} in which an actor could be placed.`,
  );
}

/**
 * The candidates of each of `count` instances, in the order in which they are tried: the first ones are in turn, from number `turn` on.
 * `nodes`: consecutive instances are on different nodes, as far as there are some. A pure function.
 */
export function inTurn(
  candidates: readonly PlaceCandidate[],
  count: number,
  turn: number,
  spread: 'partitions' | 'nodes',
): readonly (readonly PlaceCandidate[])[] {
  const ordered = spread === 'nodes' ? alternating(candidates) : candidates;
  return Array.from({ length: count }, (_, instance) => {
    const first = (turn + instance) % ordered.length;
    return [...ordered.slice(first), ...ordered.slice(0, first)];
  });
}

/** The first of each node, then the second of each node, and so on. */
function alternating(candidates: readonly PlaceCandidate[]): readonly PlaceCandidate[] {
  const names = [...new Set(candidates.map(({ node }) => node))];
  const nodes = names.map((name) => candidates.filter(({ node }) => node === name));
  const most = Math.max(...nodes.map(({ length }) => length));
  return Array.from({ length: most }, (_, index) => nodes.flatMap((node) => node.slice(index, index + 1))).flat();
}
