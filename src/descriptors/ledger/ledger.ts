import {
  applyToRow,
  type PeerIncarnation,
  newRow,
  type ObjectRow,
  type RowEffect,
  type RowEvent,
} from './object-row.js';

/** What happens at the owner of objects. */
export type LedgerEvent =
  /** A peer can get objects. */
  | { readonly kind: 'joined'; readonly peer: PeerIncarnation }
  /** A peer is proven to have ended. Its silence is no proof. */
  | { readonly kind: 'ended'; readonly peer: PeerIncarnation }
  /** The owner has made an object. Numbers of objects grow and are never used again. */
  | { readonly kind: 'register'; readonly object: number }
  | { readonly kind: 'send'; readonly object: number; readonly to: PeerIncarnation }
  | { readonly kind: 'drop'; readonly object: number }
  /** The owner uses the object again: a peer has sent it back. */
  | { readonly kind: 'hold'; readonly object: number }
  /** A batch of what a peer has given back: for each object, how many times in all. */
  | { readonly kind: 'release'; readonly by: PeerIncarnation; readonly totals: ReadonlyMap<number, number> }
  | {
      readonly kind: 'claim';
      readonly object: number;
      readonly by: PeerIncarnation;
      readonly from: PeerIncarnation;
      readonly total: number;
    }
  /**
   * All links to the peer were lost: how many times each object came over them. What is not named never came. Once for each loss, before anything is
   * sent over a new link. What the peer needs to know of claims is said again.
   */
  | { readonly kind: 'received'; readonly by: PeerIncarnation; readonly totals: ReadonlyMap<number, number> }
  /** The owner ends: all objects are freed. */
  | { readonly kind: 'closed' };

/** What is to be done. */
export type LedgerEffect =
  /** Nobody holds the object: its memory is free. These peers had it, and may forget it. */
  | { readonly kind: 'free'; readonly object: number; readonly peers: readonly PeerIncarnation[] }
  /** `refused`: the object is gone, or its peer is; who wants it gets UnreachableError. */
  | (Exclude<RowEffect, { readonly kind: 'free' }> & { readonly object: number });

/**
 * Who holds each object of one owner: a table with a row for each object and a column for each peer. It does nothing by itself: `apply` changes the
 * table, and gives what is to be done. It has no time, no chance and no memory of what is gone, so what is late is known by its absence.
 */
export class Ledger {
  readonly #rows = new Map<number, ObjectRow>();
  /** Objects that each live peer may hold. */
  readonly #peers = new Map<PeerIncarnation, Set<number>>();
  #newest = 0;

  get objects(): number {
    return this.#rows.size;
  }

  /** The row of an object that somebody holds. */
  row(object: number): ObjectRow | undefined {
    return this.#rows.get(object);
  }

  /** Objects that a peer may hold. */
  objectsOf(peer: PeerIncarnation): readonly number[] {
    return [...(this.#peers.get(peer) ?? [])];
  }

  /** Throws RangeError for an object that is registered with a number which is not new. */
  apply(event: LedgerEvent): readonly LedgerEffect[] {
    switch (event.kind) {
      case 'joined':
        if (!this.#peers.has(event.peer)) this.#peers.set(event.peer, new Set());
        return [];
      case 'ended':
        return this.#ended(event.peer);
      case 'register':
        return this.#register(event.object);
      case 'send':
        return this.#send(event.object, event.to);
      case 'drop':
        return this.#row(event.object, { kind: 'drop' });
      case 'hold':
        return this.#row(event.object, { kind: 'hold' });
      case 'release':
        return this.#totals(event.by, event.totals, 'release');
      case 'claim':
        return this.#claim(event);
      case 'received':
        return this.#received(event.by, event.totals);
      case 'closed':
        return this.#closed();
    }
  }

  #register(object: number): readonly LedgerEffect[] {
    if (!(object > this.#newest)) throw new RangeError(`Object ${object} is not new: the newest is ${this.#newest}.`);
    this.#newest = object;
    this.#rows.set(object, newRow);
    return [];
  }

  #send(object: number, to: PeerIncarnation): readonly LedgerEffect[] {
    const objects = this.#peers.get(to);
    if (objects === undefined || !this.#rows.has(object)) return [{ kind: 'refused', to, object }];
    objects.add(object);
    return this.#row(object, { kind: 'send', to });
  }

  #claim({ object, by, from, total }: Extract<LedgerEvent, { kind: 'claim' }>): readonly LedgerEffect[] {
    const objects = this.#peers.get(by);
    if (objects === undefined) return [];
    if (object > this.#newest) return [unknown(by, object)];
    if (!this.#rows.has(object)) return [{ kind: 'refused', to: by, object }];
    const effects = this.#row(object, { kind: 'claim', by, from, total, hasEnded: !this.#peers.has(from) });
    if (effects.some(({ kind }) => kind === 'claimed')) objects.add(object);
    return effects;
  }

  #totals(
    by: PeerIncarnation,
    totals: ReadonlyMap<number, number>,
    kind: 'release' | 'received',
  ): readonly LedgerEffect[] {
    // What comes after the end of a peer is late.
    if (!this.#peers.has(by)) return [];
    return [...totals].flatMap(([object, total]) =>
      object > this.#newest ? [unknown(by, object)] : this.#row(object, { kind, by, total }),
    );
  }

  #received(by: PeerIncarnation, totals: ReadonlyMap<number, number>): readonly LedgerEffect[] {
    const lost = this.objectsOf(by).filter((object) => !totals.has(object));
    const effects = this.#totals(by, new Map([...totals, ...lost.map((object) => [object, 0] as const)]), 'received');
    return [...effects, ...this.objectsOf(by).flatMap((object) => this.#claimsOf(object, by))];
  }

  /** The charged claims that a peer has made, and those of what it has forwarded. */
  #claimsOf(object: number, peer: PeerIncarnation): readonly LedgerEffect[] {
    const columns = [...(this.#rows.get(object)?.columns ?? [])];
    return columns.flatMap(([by, { claimed }]) =>
      [...claimed]
        .filter(([from]) => by === peer || from === peer)
        .map(([from, total]): LedgerEffect => ({ kind: 'claimed', object, by, from, total })),
    );
  }

  #ended(peer: PeerIncarnation): readonly LedgerEffect[] {
    const objects = this.objectsOf(peer);
    this.#peers.delete(peer);
    return objects.flatMap((object) => this.#row(object, { kind: 'ended', peer }));
  }

  #closed(): readonly LedgerEffect[] {
    const rows = [...this.#rows];
    this.#rows.clear();
    this.#peers.clear();
    return rows.map(([object, row]) => freeEffect(object, row));
  }

  /** An event for an object that is gone is late, and changes nothing. */
  #row(object: number, event: RowEvent): readonly LedgerEffect[] {
    const before = this.#rows.get(object);
    if (before === undefined) return [];
    const { row, effects } = applyToRow(before, event);
    this.#rows.set(object, row);
    if (effects.some(({ kind }) => kind === 'free')) this.#forget(object, row);
    return effects.map((effect) => (effect.kind === 'free' ? freeEffect(object, row) : { ...effect, object }));
  }

  #forget(object: number, { columns }: ObjectRow): void {
    this.#rows.delete(object);
    for (const peer of columns.keys()) this.#peers.get(peer)?.delete(object);
  }
}

function freeEffect(object: number, { columns }: ObjectRow): LedgerEffect {
  return { kind: 'free', object, peers: [...columns.keys()] };
}

function unknown(by: PeerIncarnation, object: number): LedgerEffect {
  return { kind: 'violation', by, object, reason: `it named object ${object}, which does not exist` };
}
