import { UnreachableError } from '../../../errors.js';
import type { Order } from './order.js';
import type { PlaceOn } from '../../kernel/index.js';
import { candidatesFor, type OwnPartition, type PlaceCandidate, type Whereabouts } from './where.js';

// Where an actor goes that was lost with its partition. A partition of this process that has ended begins anew with another ordinal, and with
// the same index among those of its process.

/** Time in ms for which one of several actors waits for its own partition to begin anew; the others go on meanwhile. Later it goes elsewhere. */
const HOME_MS = 10_000;

/** The indexes of the partitions of this process that `on` names by their ordinals; undefined where it names none, or also one of another process. */
export function indexesOf(on: PlaceOn | undefined, own: readonly OwnPartition[]): readonly number[] | undefined {
  if (typeof on !== 'object' || !('partition' in on)) return undefined;
  const ordinals = typeof on.partition === 'number' ? [on.partition] : on.partition;
  const named = own.filter(({ ordinal }) => ordinals.includes(ordinal));
  return named.length === ordinals.length ? named.map(({ index }) => index) : undefined;
}

/**
 * The partitions for an actor that was lost `lostMs` ago, in the order in which they are tried, from number `turn` on. Rejects with UnreachableError while
 * there is none.
 */
export async function candidatesAgain(
  { indexes, home, options: { on, instances = 1 } }: Order,
  whereabouts: Whereabouts,
  timeoutMs: number,
  lostMs: number,
  turn: number,
): Promise<readonly PlaceCandidate[]> {
  const own = whereabouts.own();
  const again = own.find(({ index }) => index === home);
  // Where all of them moved at once, the partition that begins anew would stay empty.
  if (again === undefined && home !== undefined && instances > 1 && lostMs < HOME_MS) {
    throw new UnreachableError(`Partition ${home} of this process has not begun anew yet.`);
  }
  const all = indexes === undefined ? await candidatesFor(on, whereabouts, timeoutMs) : named(own, indexes);
  const first = turn % all.length;
  const others = [...all.slice(first), ...all.slice(0, first)];
  if (again === undefined || instances === 1) return others;
  return [again, ...others.filter(({ ordinal }) => ordinal !== again.ordinal)];
}

function named(own: readonly OwnPartition[], indexes: readonly number[]): readonly OwnPartition[] {
  const found = own.filter(({ index }) => indexes.includes(index));
  if (found.length > 0) return found;
  throw new UnreachableError(`Partition ${indexes.join(', ')} of this process has not begun anew yet.`);
}
