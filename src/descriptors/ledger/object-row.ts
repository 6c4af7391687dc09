/**
 * Who holds one object, as a pure state machine at its owner: `applyToRow(row, event)` gives the next row and what is to be done. The owner holds an
 * object (`isHeldHere`) and so do peers, which have a column each:
 *
 *     object 7   held here: no    ended holders: 4:b
 *                peer 5:a    sent 2   lost 0   claimed 1 from 9:c    released 2     holds 1
 *                peer 9:c    sent 2   lost 1                         released 1     holds 0
 *
 * All numbers are totals that only grow, so a message that arrives twice or late changes nothing. A peer is charged when the object is queued for
 * it, so what is on its way is held. A peer that forwards the object stays liable until the owner has charged the new holder, which `claim`
 * asks for; until then the new holder must not read the object. A descriptor may be lost on its way. The owner then settles with the peer, which says
 * how many of the sends came, and refuses those that come later.
 */

/** One life of a partition, as text: its ordinal, and the incarnation of its process. A process that was started again is another peer. */
export type PeerIncarnation = string;

export interface Column {
  /** Times that the owner has sent the object to the peer. Each send has its number, from 1. */
  readonly sent: number;
  /** Sends that never came to the peer. */
  readonly lost: number;
  /** Times that the peer got it from each other peer. */
  readonly claimed: ReadonlyMap<PeerIncarnation, number>;
  /** Times that the peer has given it back. */
  readonly released: number;
}

export interface ObjectRow {
  readonly isHeldHere: boolean;
  readonly columns: ReadonlyMap<PeerIncarnation, Column>;
  /** Peers that held the object when they ended. What they had forwarded before may still be claimed. */
  readonly ended: ReadonlySet<PeerIncarnation>;
}

export type RowEvent =
  /** The owner has queued the object for a peer. */
  | { readonly kind: 'send'; readonly to: PeerIncarnation }
  /** The owner does not use the object any more. */
  | { readonly kind: 'drop' }
  /** A peer has given the object back so many times in all. */
  | { readonly kind: 'release'; readonly by: PeerIncarnation; readonly total: number }
  /** A peer got the object from another so many times in all. */
  | { readonly kind: 'claim'; readonly by: PeerIncarnation; readonly from: PeerIncarnation; readonly total: number }
  /** A peer was asked how many of the first `sent` sends came. These came; the others never will, because the peer refuses them from now on. */
  | { readonly kind: 'settled'; readonly by: PeerIncarnation; readonly sent: number; readonly received: number }
  /** A peer is proven to have ended: it holds nothing. */
  | { readonly kind: 'ended'; readonly peer: PeerIncarnation };

export type RowEffect =
  /** Nobody holds the object: its memory is free. */
  | { readonly kind: 'free' }
  /** The claim is charged, now or before. Tell `by`, which may read the object, and `from`, which is not liable any more. */
  | { readonly kind: 'claimed'; readonly by: PeerIncarnation; readonly from: PeerIncarnation; readonly total: number }
  /** The claim was not charged: who forwarded the object does not hold it any more. */
  | { readonly kind: 'refused'; readonly to: PeerIncarnation }
  /** A peer has said what cannot be. */
  | { readonly kind: 'violation'; readonly by: PeerIncarnation; readonly reason: string };

export interface RowStep {
  readonly row: ObjectRow;
  readonly effects: readonly RowEffect[];
}

/** The row of an object that its owner has made. */
export const newRow: ObjectRow = { isHeldHere: true, columns: new Map(), ended: new Set() };

const newColumn: Column = { sent: 0, lost: 0, claimed: new Map(), released: 0 };

const sentOnce: Column = { ...newColumn, sent: 1 };

/** The row of an object that its owner has made, sent once, and does not use any more. */
export function rowGivenTo(peer: PeerIncarnation): ObjectRow {
  return { isHeldHere: false, columns: new Map().set(peer, sentOnce), ended: newRow.ended };
}

/** How many times a peer holds the object. */
export function balanceOf(row: ObjectRow, peer: PeerIncarnation): number {
  const column = row.columns.get(peer);
  return column === undefined ? 0 : chargedTo(column) - column.released;
}

/** Whether a peer that has given the object back so many times in all has got it from the owner itself, every time that it was sent. */
export function hasComeFromOwner(row: ObjectRow, peer: PeerIncarnation, released: number): boolean {
  const column = row.columns.get(peer);
  return column !== undefined && column.sent > column.lost && released >= chargedTo(column);
}

/** No more events are applied to a row that is free. */
export function isFree(row: ObjectRow): boolean {
  if (row.isHeldHere) return false;
  for (const column of row.columns.values()) if (chargedTo(column) !== column.released) return false;
  return true;
}

export function applyToRow(row: ObjectRow, event: RowEvent): RowStep {
  switch (event.kind) {
    case 'send': {
      const column = row.columns.get(event.to) ?? newColumn;
      return unchanged(withColumn(row, event.to, { ...column, sent: column.sent + 1 }));
    }
    case 'drop':
      return freed({ ...row, isHeldHere: false });
    case 'release':
      return release(row, event.by, event.total);
    case 'claim':
      return claim(row, event);
    case 'settled':
      return settle(row, event);
    case 'ended':
      return ended(row, event.peer);
  }
}

function release(row: ObjectRow, by: PeerIncarnation, total: number): RowStep {
  const column = row.columns.get(by) ?? newColumn;
  const charged = chargedTo(column);
  if (total > charged) return violation(row, by, `it released an object ${total} times that it got ${charged} times`);
  if (total <= column.released) return unchanged(row);
  return freed(withColumn(row, by, { ...column, released: total }));
}

function claim(row: ObjectRow, { by, from, total }: Extract<RowEvent, { kind: 'claim' }>): RowStep {
  const column = row.columns.get(by) ?? newColumn;
  const effects: RowEffect[] = [{ kind: 'claimed', by, from, total }];
  if (total <= (column.claimed.get(from) ?? 0)) return { row, effects };
  const hasEnded = row.ended.has(from);
  if (!hasEnded && !row.columns.has(from))
    return violation(row, by, `it claimed an object from ${from}, which never had it`);
  // Who forwards is liable and so has a balance, unless it has seen the end of `by`.
  if (!hasEnded && balanceOf(row, from) === 0) return { row, effects: [{ kind: 'refused', to: by }] };
  return { row: withColumn(row, by, { ...column, claimed: new Map(column.claimed).set(from, total) }), effects };
}

function settle(row: ObjectRow, { by, sent, received }: Extract<RowEvent, { kind: 'settled' }>): RowStep {
  const column = row.columns.get(by) ?? newColumn;
  if (received > sent || sent > column.sent)
    return violation(row, by, `it received an object ${received} times that was sent ${column.sent} times`);
  const next = { ...column, lost: Math.max(column.lost, sent - received) };
  if (chargedTo(next) < next.released)
    return violation(row, by, 'it received an object fewer times than it released it');
  return freed(withColumn(row, by, next));
}

function ended(row: ObjectRow, peer: PeerIncarnation): RowStep {
  if (!row.columns.has(peer)) return unchanged(row);
  const columns = new Map(row.columns);
  columns.delete(peer);
  const mayHaveForwarded = balanceOf(row, peer) > 0;
  return freed({ ...row, columns, ended: mayHaveForwarded ? new Set(row.ended).add(peer) : row.ended });
}

function chargedTo({ sent, lost, claimed }: Column): number {
  let charged = sent - lost;
  if (claimed.size === 0) return charged;
  for (const total of claimed.values()) charged += total;
  return charged;
}

function withColumn(row: ObjectRow, peer: PeerIncarnation, column: Column): ObjectRow {
  const { isHeldHere, columns, ended: peers } = row;
  return { isHeldHere, columns: new Map(columns).set(peer, column), ended: peers };
}

function freed(row: ObjectRow): RowStep {
  return { row, effects: isFree(row) ? [{ kind: 'free' }] : [] };
}

function unchanged(row: ObjectRow): RowStep {
  return { row, effects: [] };
}

function violation(row: ObjectRow, by: PeerIncarnation, reason: string): RowStep {
  return { row, effects: [{ kind: 'violation', by, reason }] };
}
